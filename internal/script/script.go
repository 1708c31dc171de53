// Package script reads what a shell script does to an image, in the words of
// the manifests: packages, repositories, units, arguments of the kernel, files.
//
// It runs nothing. A command that no manifest can express is returned as text, so
// that the statements are complete, but for commands without an effect on the
// image, such as deleting a cache.
package script

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Kind says what a statement is about.
type Kind string

// The kinds of statement. Their text is for people.
const (
	Package    Kind = "package"          // that is installed; a group is @name
	Removed    Kind = "removed package"  // from the base image
	Excluded   Kind = "excluded package" // from an install
	EnabledFor Kind = "--enablerepo"     // a repository that an install alone enables
	Copr       Kind = "COPR repository"  // owner/project
	Repository Kind = "repository"       // of a .repo file
	Argument   Kind = "kernel argument"
	Enable     Kind = "enabled unit"
	Disable    Kind = "disabled unit"
	Mask       Kind = "masked unit"
	File       Kind = "file" // of the repository, by its path in the image
	Image      Kind = "image"
	Label      Kind = "label"
	Variable   Kind = "variable"
	Folder     Kind = "folder of PATH"
	Comment    Kind = "comment" // which has no effect, and no manifest can express
	Other      Kind = ""        // a command that no manifest can express
)

// A Statement is one effect of a script on an image.
type Statement struct {
	Kind  Kind
	Name  string // of what it is about; of Other its text in one line
	Value string // of a label or variable; the source of a file
	Mode  string // of a file, in octal; "": not said
	Repo  *Repo  // of a Repository
	Line  int    // in the text that was read, from 1
}

// A Repo is what a .repo file says of a repository (dnf.conf(5)).
type Repo struct {
	Name, BaseURL, GPGKey string
	Packages              []string // all that may come from it
	Unchecked             bool     // signatures are not checked
}

// Read returns the statements of a script for sh or bash. A script that does not
// parse is one statement of the kind Other.
func Read(text string) []Statement {
	file, err := syntax.NewParser(syntax.KeepComments(true)).Parse(strings.NewReader(text), "")
	if err != nil {
		return other(text, 1)
	}
	r := reader{text: text}
	for _, s := range file.Stmts {
		r.statement(s)
	}
	r.comments(file)
	return r.found
}

// comments adds the comments of a script, but for the line that names its program.
func (r *reader) comments(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.Comment); ok && (c.Pos().Offset() > 0 || !strings.HasPrefix(c.Text, "!")) {
			r.found = append(r.found, comment("#"+c.Text, int(c.Pos().Line()))...)
		}
		return true
	})
}

// comment is the statement of a comment; none if it says nothing.
func comment(text string, line int) []Statement {
	if text = strings.TrimSpace(text); strings.Trim(text, "#; \t") == "" {
		return nil
	}
	return []Statement{{Kind: Comment, Name: text, Line: line}}
}

// Command returns the statements of a command, given its name and arguments.
func Command(args []string) []Statement {
	r := reader{text: strings.Join(args, " ")}
	words := make([]word, len(args))
	for i, arg := range args {
		words[i] = word{arg, true, 1}
	}
	r.run(command{words: words, source: r.text, line: 1})
	return r.found
}

// Line returns text in one line, as in the name of an Other.
func Line(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\\\n", " ")), " ")
}

func other(text string, line int) []Statement {
	if text = Line(text); text == "" {
		return nil
	}
	return []Statement{{Kind: Other, Name: text, Line: line}}
}

// A reader collects the statements of one script.
type reader struct {
	text  string
	found []Statement
}

func (r *reader) add(k Kind, w word) {
	r.found = append(r.found, Statement{Kind: k, Name: w.text, Line: w.line})
}

func (r *reader) other(text string, line int) { r.found = append(r.found, other(text, line)...) }

// statement reads a statement of the shell. One that runs under a condition is
// Other as a whole.
func (r *reader) statement(s *syntax.Stmt) {
	plain := !s.Negated && !s.Background && !s.Coprocess && !s.Disown
	switch c := s.Cmd.(type) {
	case *syntax.BinaryCmd:
		if plain && c.Op == syntax.AndStmt && len(s.Redirs) == 0 {
			r.statement(c.X)
			r.statement(c.Y)
			return
		}
	case *syntax.Block:
		if plain && len(s.Redirs) == 0 {
			r.each(c.Stmts)
			return
		}
	case *syntax.Subshell:
		if plain && len(s.Redirs) == 0 {
			r.each(c.Stmts)
			return
		}
	case *syntax.CallExpr:
		if plain && len(c.Assigns) == 0 && len(c.Args) > 0 {
			r.call(s, c)
			return
		}
	}
	r.other(r.source(s), int(s.Pos().Line()))
}

func (r *reader) each(all []*syntax.Stmt) {
	for _, s := range all {
		r.statement(s)
	}
}

// source returns the text of a statement, with its heredocs.
func (r *reader) source(s *syntax.Stmt) string {
	end := s.End()
	syntax.Walk(s, func(n syntax.Node) bool {
		if d, ok := n.(*syntax.Redirect); ok && d.Hdoc != nil && d.Hdoc.End().After(end) {
			end = d.Hdoc.End()
		}
		return true
	})
	text := r.text[s.Pos().Offset():min(int(end.Offset()), len(r.text))]
	return strings.TrimRight(strings.TrimSpace(text), ";")
}

// A word is an argument, as far as it is known before the script runs.
type word struct {
	text  string
	known bool // else text is its source
	line  int
}

// A command is a simple command.
type command struct {
	words  []word
	source string
	line   int
	input  string // that a heredoc gives it
	begins int    // the line at which input begins
	output string // the file that it writes
	odd    bool   // it has redirections that are not understood
}

func (r *reader) call(s *syntax.Stmt, c *syntax.CallExpr) {
	cmd := command{source: r.source(s), line: int(s.Pos().Line())}
	for _, w := range c.Args {
		cmd.words = append(cmd.words, r.word(w))
	}
	for _, d := range s.Redirs {
		cmd.redirect(r, d)
	}
	r.run(cmd)
}

// redirect notes a redirection. Output to /dev/null has no effect.
func (c *command) redirect(r *reader, d *syntax.Redirect) {
	target := word{}
	if d.Word != nil {
		target = r.word(d.Word)
	}
	switch {
	case d.Hdoc != nil && len(c.input) == 0:
		text, known := heredoc(d)
		c.input, c.begins = text, int(d.Hdoc.Pos().Line())
		c.odd = c.odd || !known
	case target.known && target.text == "/dev/null", d.Op == syntax.DplOut && isDescriptor(target):
	case target.known && (d.Op == syntax.RdrOut || d.Op == syntax.AppOut || d.Op == syntax.RdrClob) && c.output == "":
		c.output = target.text
	default:
		c.odd = true
	}
}

// isDescriptor reports whether >& goes to w as an open file: to another word it
// writes a file of that name.
func isDescriptor(w word) bool {
	return w.known && strings.Trim(w.text, "0123456789-") == ""
}

// heredoc returns the text of a heredoc, if it has no variables and the like.
func heredoc(d *syntax.Redirect) (string, bool) {
	quoted := d.Word.Lit() == "" || strings.Contains(d.Word.Lit(), `\`) // all stands as it is
	var out strings.Builder
	for _, part := range d.Hdoc.Parts {
		lit, ok := part.(*syntax.Lit)
		switch {
		case !ok:
			return "", false
		case quoted:
			out.WriteString(lit.Value)
		default:
			out.WriteString(Unescape(lit.Value, "$`\\\n"))
		}
	}
	text := out.String()
	if d.Op == syntax.DashHdoc {
		text = strings.TrimLeft(strings.ReplaceAll(text, "\n\t", "\n"), "\t")
	}
	return text, true
}

// word returns the value of a word without running anything. Globs stay, as
// they would where they match nothing.
func (r *reader) word(w *syntax.Word) word {
	var out strings.Builder
	line := int(w.Pos().Line())
	for _, part := range w.Parts {
		text, ok := literal(part)
		if !ok {
			return word{r.text[w.Pos().Offset():w.End().Offset()], false, line}
		}
		out.WriteString(text)
	}
	return word{out.String(), true, line}
}

// literal returns the text of a part of a word that has no variables and the
// like in it.
func literal(part syntax.WordPart) (string, bool) {
	switch p := part.(type) {
	case *syntax.Lit:
		return Unescape(p.Value, ""), true
	case *syntax.SglQuoted:
		return p.Value, !p.Dollar
	case *syntax.DblQuoted:
		var out strings.Builder
		for _, q := range p.Parts {
			lit, ok := q.(*syntax.Lit)
			if !ok {
				return "", false
			}
			out.WriteString(Unescape(lit.Value, "$`\"\\\n"))
		}
		return out.String(), !p.Dollar
	}
	return "", false
}

// Unescape takes away backslashes: those before the characters of only, or all.
func Unescape(s, only string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (only == "" || strings.IndexByte(only, s[i+1]) >= 0) {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// run reads a command. One that is not understood is Other.
func (r *reader) run(c command) {
	if !c.words[0].known || c.odd {
		r.other(c.source, c.line)
		return
	}
	name, args := path.Base(c.words[0].text), c.words[1:]
	if name == "sudo" && len(args) > 0 && !strings.HasPrefix(args[0].text, "-") {
		c.words = args
		r.run(c)
		return
	}
	switch understood := r.understood(name, args, c); {
	case understood, isIdle(name, args) && c.output == "" && c.input == "":
	default:
		r.other(c.source, c.line)
	}
}

// understood reads a command that manifests can express, and reports whether it is
// one.
func (r *reader) understood(name string, args []word, c command) bool {
	if r.writes(name, args, c) || r.shell(name, args, c) {
		return true
	}
	if c.output != "" || c.input != "" {
		return false
	}
	switch name {
	case "dnf", "dnf5", "dnf-3", "dnf4", "microdnf", "yum":
		return r.dnf(name, args)
	case "rpm-ostree":
		return r.rpmOSTree(args)
	case "systemctl":
		return r.systemctl(args)
	case "install":
		return r.install(args)
	}
	return false
}

// shell reads the script that a shell is given, as an argument or as input.
func (r *reader) shell(name string, args []word, c command) bool {
	if name != "sh" && name != "bash" || c.output != "" {
		return false
	}
	for len(args) > 0 && args[0].known && strings.HasPrefix(args[0].text, "-") {
		flag := args[0].text
		args = args[1:]
		switch {
		case strings.HasSuffix(flag, "c") && len(args) == 1 && args[0].known && c.input == "":
			r.nested(args[0].text, args[0].line)
			return true
		case strings.HasSuffix(flag, "o") && len(args) > 0:
			args = args[1:]
		}
	}
	if len(args) > 0 || c.input == "" {
		return false
	}
	r.nested(c.input, c.begins)
	return true
}

// nested reads a script within the script, of which it begins at a line.
func (r *reader) nested(text string, line int) { r.within(Read(text), line) }

// within adds what was read of a text that begins at a line.
func (r *reader) within(all []Statement, line int) {
	for _, s := range all {
		s.Line += line - 1
		r.found = append(r.found, s)
	}
}

// isIdle reports whether a command has no effect on the image.
func isIdle(name string, args []word) bool {
	switch name {
	case "set": // its operands become those of the script, which installs them perhaps
		return !slices.ContainsFunc(args, func(w word) bool { return !w.known || !isSetting(w.text) })
	case ":", "true", "echo", "printf":
		return !slices.ContainsFunc(args, func(w word) bool { return !w.known })
	case "rm":
		return !slices.ContainsFunc(args, func(w word) bool {
			return !w.known || !strings.HasPrefix(w.text, "-") && !isScratch(w.text)
		})
	}
	return false
}

// isSetting reports whether an argument of set is an option or the value of one.
func isSetting(arg string) bool {
	return len(arg) > 1 && arg != "--" && (arg[0] == '-' || arg[0] == '+') ||
		slices.Contains([]string{"pipefail", "errexit", "nounset", "xtrace", "errtrace", "noglob", "posix"}, arg)
}

// isScratch reports whether a path is below a folder of caches, logs or temporary
// files.
func isScratch(p string) bool {
	p = path.Clean(p)
	for _, dir := range []string{"/var/cache/", "/var/log/", "/var/lib/dnf", "/var/tmp/", "/tmp/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

// systemctl reads systemctl enable, disable and mask.
func (r *reader) systemctl(args []word) bool {
	kinds := map[string]Kind{"enable": Enable, "disable": Disable, "mask": Mask}
	var operands []word
	for _, w := range args {
		switch {
		case !w.known:
			return false
		case slices.Contains([]string{"-q", "--quiet", "-f", "--force", "--no-reload", "--system"}, w.text):
		case strings.HasPrefix(w.text, "-"):
			return false
		default:
			operands = append(operands, w)
		}
	}
	if len(operands) < 2 || kinds[operands[0].text] == "" {
		return false
	}
	for _, w := range operands[1:] {
		if path.Ext(w.text) == "" {
			w.text += ".service" // as systemctl does
		}
		r.add(kinds[operands[0].text], w)
	}
	return true
}

// Mounted is where the folder system/ of the repository is while an image is
// built.
const Mounted = "/tmp/system/"

// install reads the installation of a file of the repository.
func (r *reader) install(args []word) bool {
	var operands []word
	f := Statement{Kind: File}
	for i := 0; i < len(args); i++ {
		switch w := args[i]; {
		case !w.known:
			return false
		case w.text == "-m" && i+1 < len(args):
			i++
			f.Mode = args[i].text
		case w.text == "-D", w.text == "-T":
		case strings.HasPrefix(w.text, "-"):
			return false
		default:
			operands = append(operands, w)
		}
	}
	if len(operands) != 2 || !strings.HasPrefix(operands[0].text, Mounted) || strings.HasSuffix(operands[1].text, "/") {
		return false
	}
	f.Value = "system/" + strings.TrimPrefix(operands[0].text, Mounted)
	f.Name, f.Line = operands[1].text, operands[1].line
	r.found = append(r.found, f)
	return true
}
