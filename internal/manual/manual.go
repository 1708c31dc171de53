// Package manual writes the man pages of bkt from the model of its command line.
package manual

import (
	"bytes"
	_ "embed"
	"path/filepath"
	"strings"
	"text/template"

	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/usage"

	"github.com/alecthomas/kong"
)

//go:embed page.tmpl
var page string

// Plan plans the man pages of a program in section 1: one for the program, and one for each
// of its commands, with the commands below it. Each is a file in dir, such as bkt-toolbox.1.
// version is that of the program.
func Plan(program *kong.Application, version, dir string) (plan.Plan, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(functions).Parse(page)
	if err != nil {
		return nil, err
	}
	nodes := []*kong.Node{program.Node}
	for _, child := range program.Children {
		if !child.Hidden {
			nodes = append(nodes, child)
		}
	}
	var p plan.Plan
	for _, node := range nodes {
		var text bytes.Buffer
		if err := t.Execute(&text, struct {
			*kong.Node
			Version string
		}{node, version}); err != nil {
			return nil, err
		}
		name := pageName(node) + ".1"
		old, err := plainfile.Read(filepath.Join(dir, name), plainfile.MaxText)
		if patherr.UnlessMissing(err) != nil {
			return nil, err
		}
		p = append(p, plan.Rewrite(filepath.Join(dir, name), name, old, text.Bytes())...)
	}
	return p, nil
}

var functions = template.FuncMap{
	"text":     escape,
	"detail":   detail,
	"page":     pageName,
	"examples": func(n *kong.Node) []string { return usage.Examples(n.Path()) },
	"leaves":   func(n *kong.Node) []*kong.Node { return n.Leaves(true) },
	"commands": commandsOf,
	"own":      ownFlags,
	"flag":     signature,
	"upper":    strings.ToUpper,
	"title":    func(help string) string { return strings.TrimSuffix(help, ".") },
}

// pageName returns the name of the page of a command: bkt-toolbox.
func pageName(n *kong.Node) string { return strings.ReplaceAll(n.FullPath(), " ", "-") }

// commandsOf returns the commands that the page of n describes: n itself, or those below it.
func commandsOf(n *kong.Node) []*kong.Node {
	if n.Leaf() {
		return []*kong.Node{n}
	}
	return n.Leaves(true)
}

// ownFlags returns the flags of a command, without those of all commands, which the page of
// the program describes.
func ownFlags(n *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for at := n; at != nil && (at.Parent != nil || at == n); at = at.Parent {
		for _, f := range at.Flags {
			if !f.Hidden {
				all = append(all, f)
			}
		}
	}
	return all
}

// signature returns a flag as its description begins: -o, --output=DEST.
func signature(f *kong.Flag) string {
	text := "--" + f.Name
	if f.Tag.Negatable != "" {
		text = "--[no-]" + f.Name
	}
	if f.Short != 0 {
		text = "-" + string(f.Short) + ", " + text
	}
	if !f.IsBool() && !f.IsCounter() {
		text += "=" + f.FormatPlaceHolder()
	}
	return text
}

// detail returns help of several paragraphs as roff. Lines that begin with a tab are kept as
// they are, as in comments of Go.
func detail(text string) string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		if lines, isFixed := strings.CutPrefix(paragraph, "\t"); isFixed {
			out = append(out, ".EX", escape(strings.ReplaceAll(lines, "\n\t", "\n")), ".EE")
			continue
		}
		out = append(out, ".PP", escape(paragraph))
	}
	return strings.Join(out, "\n")
}

// escape returns text as roff prints it: roff would take a dash for a hyphen, and a dot or
// an apostrophe at the start of a line for a request. See groff_char(7) and groff(7).
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", "\\`").Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
