// Package plan describes effects without having any.
//
// A command computes a [Plan]: what will change, and the steps that change it. The
// command line prints it, or package host executes it. bkt changes everything through
// plans, so that every command has the same --dry-run and --check, and neither can
// change anything by mistake.
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

// An Op says in one character what a change does.
type Op string

// The operations.
const (
	Add    Op = "+"
	Modify Op = "~"
	Remove Op = "-"
)

// A Plan is what will change, in order. An empty plan means that everything is up to
// date.
type Plan []Change

// A Change is one thing that will change.
type Change struct {
	Op       Op
	Domain   string   // that the targets are of; "" where they are files
	Targets  []string // in the user's words
	Steps    []Step
	Fallback []Change // what to do, each by itself, should the steps fail; none: nothing
	Undo     []Step   // what to do should the steps fail
	Hint     string   // what the user can do should they fail; "": nothing more than the error says
	DataLoss []string // what there is no getting back, in the user's words
	Remains  []string // what one might think goes, and stays, in the user's words
}

// A Step is one effect. The kinds of step are those in this package.
type Step interface {
	fmt.Stringer
	step()
}

// Write replaces the content of a file, or creates it.
type Write struct {
	Path string
	Name string // the path as the user knows it
	Old  []byte // what the file holds now; a file that has changed since is not overwritten
	New  []byte
	Mode fs.FileMode // of a new file; 0: 0644

	// Private is a folder of bkt that the file is below, and that only the user may
	// read: it, the folders on the way and the file get that mode, even if they
	// exist. "": others may read the file.
	Private string
}

func (Write) step() {}

// String returns what happens, in a few words.
func (w Write) String() string { return "write " + w.Name }

// Diff returns the difference in the unified format of diff(1).
func (w Write) Diff() []byte { return unified(w.Name, w.Old, w.New) }

// Overwrite gives a file a text, whatever the file holds: one that only programs
// write.
type Overwrite struct {
	Path    string
	Text    []byte
	Private string // as in [Write]
}

func (Overwrite) step() {}

// String returns what happens, as a command would say it.
func (p Overwrite) String() string { return "write " + shell.Show(p.Path) }

// Delete removes a file, or a folder with its content. It need not exist.
type Delete struct {
	Path string
}

func (Delete) step() {}

// String returns what happens, as a command would say it.
func (d Delete) String() string { return "rm -r " + shell.Show(d.Path) }

// Run runs a command.
//
// The exit status of some programs means nothing. For such a program, Require is a
// command that must succeed before Argv runs, and Verify one that succeeds only if
// Argv has done its work. What they print to standard error is the error.
type Run struct {
	Argv            []string
	Dir             string   // where it runs; "": where bkt does
	Env             []string // NAME=VALUE, in addition to bkt's own
	Stdin           []byte
	Require, Verify []string // nil: the exit status of Argv is all there is to know
}

func (Run) step() {}

// String returns the command as one types it into a shell, without what it
// reads.
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
	Root string // the folder that Name is in
	Name string
	Old  []byte // what the index holds now
	New  []byte
}

func (Stage) step() {}

// String returns what happens, in a few words.
func (s Stage) String() string { return "stage " + s.Name }

// Diff returns the difference in the unified format of diff(1), which git apply
// takes.
func (s Stage) Diff() []byte { return unified(s.Name, s.Old, s.New) }

func unified(name string, old, text []byte) []byte {
	diff := diff.Diff("a/"+name, old, "b/"+name, text)
	// The first line is the command that one might have typed.
	_, diff, _ = bytes.Cut(diff, []byte("\n"))
	return diff
}

// Rewrite is the plan that gives the file at path, which holds old, a text: an empty
// plan if the file has it already. An old of nil means that there is no file. name is
// the path as the user knows it.
func Rewrite(path, name string, old, text []byte) Plan {
	op := Modify
	if old == nil {
		op = Add
	} else if bytes.Equal(old, text) {
		return nil
	}
	return Plan{{Op: op, Targets: []string{name}, Steps: []Step{Write{Path: path, Name: name, Old: old, New: text}}}}
}

// RewritePrivate is like [Rewrite] for a file that only the user may read, below a
// private folder.
func RewritePrivate(private, path string, old, text []byte) Plan {
	p := Rewrite(path, path, old, text)
	for _, c := range p {
		for i, s := range c.Steps {
			if w, ok := s.(Write); ok {
				w.Private = private
				c.Steps[i] = w
			}
		}
	}
	return p
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
