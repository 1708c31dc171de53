// Package plan describes effects without having any.
//
// A command computes a [Plan]: the changes and the steps that make them. The command line
// prints it, or package host executes it. bkt makes all changes through plans, so that every
// command has the same --dry-run and --check, and neither can change anything by mistake.
package plan

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"bkt/internal/shell"

	"github.com/rogpeppe/go-internal/diff"
)

// An Op is the operation of a change, in one character.
type Op string

// The operations.
const (
	Add    Op = "+"
	Modify Op = "~"
	Remove Op = "-"
)

// A Plan is a list of changes, in order. An empty plan means that everything is up to date.
type Plan []Change

// A Change is one change, with the steps that make it.
type Change struct {
	Op       Op
	Domain   string   // of the targets; "": they are files
	Targets  []string // in the user's words
	Steps    []Step
	Fallback []Change // changes to make instead if a step fails
	Undo     []Step   // the steps that undo the change if a step fails
	Hint     string   // for the user if a step fails; "": none
	DataLoss []string // data that is lost for good, in the user's words
	Remains  []string // files that a removal leaves although one may expect otherwise, in the user's words
}

// A Step is one effect. The kinds of step are those in this package.
type Step interface {
	fmt.Stringer
	step()
}

// Write replaces the content of a file, or creates it.
type Write struct {
	Path string
	Name string // the path in the user's words
	Old  []byte // the present content; a file that has changed since is not overwritten
	New  []byte
	Mode fs.FileMode // of a new file; 0: 0644

	// Private is a folder of bkt above the file that only the user may read: it, the
	// folders between and the file get that mode, even if they exist. "": others may
	// read the file.
	Private string

	// Within are the folders that may have the file after symbolic links are followed. Path
	// is below the first one. nil: any folder
	Within []string
}

func (Write) step() {}

// String returns a short description.
func (w Write) String() string { return "write " + w.Name }

// Diff returns the difference in the unified format of diff(1).
func (w Write) Diff() []byte { return unified(w.Name, w.Old, w.New) }

// Overwrite sets the text of a file, regardless of its present content. It is for files that
// only programs write.
type Overwrite struct {
	Path    string
	Text    []byte
	Private string   // as in [Write]
	Within  []string // as in [Write]
	Cache   bool     // without the file, bkt reads the facts in it again
	Also    Aliases  // further names in the same folder; nil: none
}

// Aliases are names that a file gets in addition, unless a file has them already. They are
// the third of three callbacks in plans: only an installation shows under which name
// something is installed.
type Aliases interface {
	Names() []string
}

func (Overwrite) step() {}

// String returns a short description in the form of a command.
func (p Overwrite) String() string { return "write " + shell.Show(p.Path) }

// Delete removes a file, or a folder with its content, if it exists.
type Delete struct {
	Path string
}

func (Delete) step() {}

// String returns a short description in the form of a command.
func (d Delete) String() string { return "rm -r " + shell.Show(d.Path) }

// Move gives a file another name in its folder. It replaces no file.
type Move struct {
	From, To string
}

func (Move) step() {}

// String returns a short description in the form of a command.
func (m Move) String() string {
	return "mv --no-clobber " + shell.Show(m.From) + " " + shell.Show(m.To)
}

// Run runs a command.
//
// Some programs have no reliable exit status. For such a program, Require is a command that
// must succeed before Argv runs, and Verify a command that succeeds only if Argv has done
// its work. Their standard error is the text of the error.
type Run struct {
	Argv            []string
	Dir             string   // the working directory; "": that of bkt
	Env             []string // NAME=VALUE, in addition to bkt's own
	Stdin           []byte
	Require, Verify []string // nil: the exit status of Argv decides
}

func (Run) step() {}

// String returns the command in the syntax of a shell, without its input.
func (r Run) String() string {
	var words []string
	if r.Dir != "" {
		words = append(words, "cd", shell.Show(r.Dir), "&&")
	}
	for _, e := range r.Env {
		name, value, _ := strings.Cut(e, "=")
		words = append(words, name+"="+shell.Show(value))
	}
	for _, arg := range r.Argv {
		words = append(words, shell.Show(arg))
	}
	if r.Stdin != nil {
		words = append(words, "< input")
	}
	return strings.Join(words, " ")
}

// Stage replaces the content of a file in git's index.
type Stage struct {
	Root string // the folder of Name
	Name string
	Old  []byte // the present content in the index
	New  []byte
}

func (Stage) step() {}

// String returns a short description.
func (s Stage) String() string { return "stage " + s.Name }

// Diff returns the difference in the unified format of diff(1), for "git apply".
func (s Stage) Diff() []byte { return unified(s.Name, s.Old, s.New) }

func unified(name string, old, text []byte) []byte {
	diff := diff.Diff("a/"+name, old, "b/"+name, text)
	// The first line is a command.
	_, diff, _ = bytes.Cut(diff, []byte("\n"))
	return diff
}

// Rewrite returns the plan that changes the content of the file at path from old to text, an
// empty plan if both are equal. If old is nil, the file does not exist. name is the path in
// the user's words.
func Rewrite(path, name string, old, text []byte) Plan {
	return rewrite(Write{Path: path, Name: name, Old: old, New: text})
}

// RewritePrivate is like [Rewrite] for a file that only the user may read, below a
// private folder.
func RewritePrivate(private, path string, old, text []byte) Plan {
	return rewrite(Write{Path: path, Name: path, Old: old, New: text, Private: private})
}

// RewriteWithin is like [Rewrite] for a file that must be in one of some folders, as
// Within of [Write] says.
func RewriteWithin(within []string, path, name string, old, text []byte) Plan {
	return rewrite(Write{Path: path, Name: name, Old: old, New: text, Within: within})
}

func rewrite(w Write) Plan {
	op := Modify
	if w.Old == nil {
		op = Add
	} else if bytes.Equal(w.Old, w.New) {
		return nil
	}
	return Plan{{Op: op, Targets: []string{w.Name}, Steps: []Step{w}}}
}

// Restage is like [Rewrite] for the file in git's index.
func Restage(root, name string, old, text []byte) Plan {
	if bytes.Equal(old, text) {
		return nil
	}
	return Plan{{Op: Modify, Targets: []string{name + " (staged)"}, Steps: []Step{Stage{root, name, old, text}}}}
}

// Print writes one line for each change.
func (p Plan) Print(w io.Writer) error {
	for _, c := range p {
		if _, err := fmt.Fprintf(w, "%s %s\n", c.Op, strings.Join(c.Targets, " ")); err != nil {
			return err
		}
	}
	return nil
}
