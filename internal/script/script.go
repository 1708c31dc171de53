// Package script reads the effects of a shell script on an image, in the terms of the
// manifests: packages, repositories, units, kernel arguments, files.
//
// It runs nothing. The statements are complete: a command that no manifest can
// express is returned as text. Only commands without an effect on the image, such as
// deleting a cache, are left out.
package script

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A Kind is the subject of a statement.
type Kind string

// The kinds of statement, with their names for people.
const (
	Package     Kind = "package"          // to install; a group is @name
	Removed     Kind = "removed package"  // from the base image
	Excluded    Kind = "excluded package" // from an install
	EnabledFor  Kind = "--enablerepo"     // a repository that is enabled for one install
	Copr        Kind = "COPR repository"  // owner/project
	Repository  Kind = "repository"       // of a .repo file
	Argument    Kind = "kernel argument"
	Enable      Kind = "enabled unit"
	Disable     Kind = "disabled unit"
	Mask        Kind = "masked unit"
	Unmask      Kind = "unmasked unit"
	EnableUser  Kind = "enabled unit of all users"
	DisableUser Kind = "disabled unit of all users"
	MaskUser    Kind = "masked unit of all users"
	File        Kind = "file" // of the repository, by its path in the image
	Image       Kind = "image"
	Label       Kind = "label"
	Variable    Kind = "variable"
	Folder      Kind = "folder of PATH"
	Comment     Kind = "comment" // without an effect, and not expressible in a manifest
	Other       Kind = ""        // a command that no manifest can express
)

// A Statement is one effect of a script on an image.
type Statement struct {
	Kind  Kind
	Name  string   // of the subject; for Other its text in one line
	Value string   // of a label or variable; the source of a file; the architecture of a kernel argument, "": all
	Mode  string   // of a file, in octal; "": not said
	Into  string   // of a file that a COPY names: the path in the image of the content, if the source is a folder
	Repo  *Repo    // of a Repository
	Of    []string // packages that an option of dnf install is for, which their manifest can express
	Line  int      // in the text, from 1
}

// A Repo has the settings of a repository in a .repo file (dnf.conf(5)).
type Repo struct {
	Name, BaseURL, GPGKey string
	Packages              []string // the only ones that may come from it
	Unchecked             bool     // signatures are not checked
}

// Read returns the statements of a script for sh or bash. A script that cannot be
// parsed, or is too large, is one statement of the kind Other.
func Read(text string) []Statement { return read(text, 0) }

// maxDepth is how many scripts inside scripts are read.
const maxDepth = 4

// read reads a script that is inside depth others.
func read(text string, depth int) []Statement {
	file, err := Parse(text, syntax.KeepComments(true))
	if err != nil {
		return other(text, 1)
	}
	r := reader{text: text, depth: depth}
	for _, s := range file.Stmts {
		r.statement(s)
	}
	r.comments(file)
	return r.found
}

// comments adds the comments of a script, except for the line that names its program.
func (r *reader) comments(file *syntax.File) {
	syntax.Walk(file, func(n syntax.Node) bool {
		if c, ok := n.(*syntax.Comment); ok && (c.Pos().Offset() > 0 || !strings.HasPrefix(c.Text, "!")) {
			r.found = append(r.found, comment("#"+c.Text, int(c.Pos().Line()))...)
		}
		return true
	})
}

// comment returns the statement of a comment; none if it is empty.
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
	depth int
	found []Statement
}

func (r *reader) add(k Kind, w word) {
	r.found = append(r.found, Statement{Kind: k, Name: w.text, Line: w.line})
}

func (r *reader) other(text string, line int) { r.found = append(r.found, other(text, line)...) }

// statement reads a statement of the shell. A conditional statement is Other as a
// whole.
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
	case *syntax.FuncDecl:
		if strings.HasPrefix(c.Name.Value, ownPrefix) {
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

// A word is an argument of a command.
type word struct {
	text  string
	known bool // its value; otherwise text is its source
	line  int
}

// A command is a simple command.
type command struct {
	words   []word
	source  string
	line    int
	input   string // from a heredoc
	begins  int    // the line at which input begins
	output  string // the file it writes
	unknown bool   // it has other redirections
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

// redirect records a redirection. Output to /dev/null has no effect.
func (c *command) redirect(r *reader, d *syntax.Redirect) {
	target := word{}
	if d.Word != nil {
		target = r.word(d.Word)
	}
	switch {
	case d.Hdoc != nil && len(c.input) == 0:
		text, known := heredoc(d)
		c.input, c.begins = text, int(d.Hdoc.Pos().Line())
		c.unknown = c.unknown || !known
	case target.known && target.text == "/dev/null", d.Op == syntax.DplOut && isDescriptor(target):
	case target.known && (d.Op == syntax.RdrOut || d.Op == syntax.AppOut || d.Op == syntax.RdrClob) && c.output == "":
		c.output = target.text
	default:
		c.unknown = true
	}
}

// isDescriptor reports whether >& redirects to w as a descriptor; any other word is
// the name of a file.
func isDescriptor(w word) bool {
	return w.known && strings.Trim(w.text, "0123456789-") == ""
}

// heredoc returns the text of a heredoc, if it has no expansions.
func heredoc(d *syntax.Redirect) (string, bool) {
	quoted := d.Word.Lit() == "" || strings.Contains(d.Word.Lit(), `\`) // without expansions
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

// word returns the value of a word without running anything. Globs are not expanded, as
// if they matched nothing.
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

// literal returns the text of a part of a word that has no expansions.
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

// Unescape removes backslashes: those before the characters of only, or all.
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

// run reads a command. An unknown command is Other.
func (r *reader) run(c command) {
	if !c.words[0].known || c.unknown {
		r.other(c.source, c.line)
		return
	}
	name, args := path.Base(c.words[0].text), c.words[1:]
	if name == "sudo" && len(args) > 0 && !strings.HasPrefix(args[0].text, "-") {
		c.words = args
		r.run(c)
		return
	}
	if n := wrappers[name]; n > 0 && len(args) > n {
		c.words = args[n:]
		if name == ownPrefix+"from" && args[0].known {
			from := word{"--from-repo=" + args[0].text, true, args[0].line}
			c.words = append(slices.Clone(c.words), from)
		}
		r.run(c)
		return
	}
	switch {
	case r.expressible(name, args, c), isIdle(name, args) && c.output == "" && c.input == "":
	default:
		r.other(c.source, c.line)
	}
}

// ownPrefix begins the names of the functions in bkt's own templates.
const ownPrefix = "bkt_"

// wrappers are those functions whose last arguments are a command, with the number of
// the arguments before it.
var wrappers = map[string]int{ownPrefix + "on": 1, ownPrefix + "from": 1, ownPrefix + "swap": 2}

// expressible reads a command if manifests can express it, and reports whether they
// can.
func (r *reader) expressible(name string, args []word, c command) bool {
	if r.writes(name, args, c) || r.shell(name, args, c) {
		return true
	}
	if c.output != "" || c.input != "" {
		return false
	}
	switch name {
	case "dnf", "dnf5", "dnf-3", "dnf4", "microdnf", "yum":
		return r.dnf(name, args)
	case ownPrefix + "remove":
		r.specs("dnf remove", Removed, "", args)
		return true
	case "rpm-ostree":
		return r.rpmOSTree(args)
	case "systemctl":
		return r.systemctl(args)
	case "install":
		return r.install(args)
	case "folder":
		return r.folder(args)
	}
	return false
}

// shell reads the script of a shell, which is an argument or its input.
func (r *reader) shell(name string, args []word, c command) bool {
	if name != "sh" && name != "bash" || c.output != "" || r.depth >= maxDepth {
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

// nested reads a script within the script, where it begins at line.
func (r *reader) nested(text string, line int) { r.within(read(text, r.depth+1), line) }

// within adds the statements of a text that begins at line.
func (r *reader) within(all []Statement, line int) {
	for _, s := range all {
		s.Line += line - 1
		r.found = append(r.found, s)
	}
}

// isIdle reports whether a command has no effect on the image.
func isIdle(name string, args []word) bool {
	switch name {
	case "set": // its operands become the script's, which may install them
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
	for _, dir := range []string{"/var/cache/", "/var/log/", "/var/lib/dnf", "/var/tmp/", "/tmp/", "/run/"} {
		if strings.HasPrefix(p, dir) {
			return true
		}
	}
	return false
}

// systemctl reads systemctl enable, disable, mask and unmask.
func (r *reader) systemctl(args []word) bool {
	kinds := map[string]Kind{"enable": Enable, "disable": Disable, "mask": Mask, "unmask": Unmask}
	var operands []word
	for _, w := range args {
		switch {
		case !w.known:
			return false
		case w.text == "--global":
			kinds = map[string]Kind{"enable": EnableUser, "disable": DisableUser, "mask": MaskUser}
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

// The folders of the repository during a build: system/, and all of it.
const (
	Mounted           = "/tmp/system"
	MountedRepository = "/tmp/repository/"
)

// mountedSource returns the path in the repository of a file that is mounted during a
// build.
func mountedSource(name string) (string, bool) {
	if rest, ok := strings.CutPrefix(name, MountedRepository); ok {
		return rest, true
	}
	rest, ok := strings.CutPrefix(name, Mounted)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return "system" + rest, true
}

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
	return len(operands) == 2 && !strings.HasSuffix(operands[1].text, "/") && r.mounted(f, operands)
}

// mounted adds a file or a folder of the repository, given its source and destination.
func (r *reader) mounted(f Statement, operands []word) bool {
	var ok bool
	if f.Value, ok = mountedSource(operands[0].text); !ok {
		return false
	}
	f.Name, f.Line = operands[1].text, operands[1].line
	r.found = append(r.found, f)
	return true
}

// folder reads a call of the function that copies a folder in section SYSTEM_FILES.
func (r *reader) folder(args []word) bool {
	return len(args) == 2 && args[0].known && args[1].known && r.mounted(Statement{Kind: File}, args)
}
