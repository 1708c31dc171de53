// Package export reads the files that containers export to the host: wrappers of programs
// and desktop entries, as distrobox-export writes them. It also has the script that runs
// in a container and exports them.
package export

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/shell"
)

// A Wrapper is a program of the host that runs a program of a container.
type Wrapper struct {
	At        string // the path on the host
	Container string // the name
	Program   string // the path in the container
	Options
	File
}

// Options are the options of an export, as distrobox-export takes them.
type Options struct {
	Flags      string // arguments before those of the caller, as they are written in a shell
	Sudo       bool   // as root of the container
	EnterFlags string // options of distrobox-enter
}

// isPlain reports whether there are no options.
func (o Options) isPlain() bool { return o == Options{} }

// options returns the options of a declared program.
func options(p manifest.Program) Options { return Options{p.Flags, p.Sudo, p.EnterFlags} }

// A File has the facts about an exported file of the host, written by distrobox-export or
// by hand.
type File struct {
	As          string // the declared name that bkt exported; "": the file has no mark of bkt
	ByBkt       bool   // unchanged since bkt wrote it: bkt may replace and delete it
	Unsupported string // a property that a manifest cannot express; "": none
	Root        bool   // its container belongs to root
}

// Holds reports whether a wrapper counts as one of a program: because it runs the program,
// or because it was edited and thus belongs to the user. A wrapper of bkt also has the
// options of the program.
func (w Wrapper) Holds(p manifest.Program) bool {
	return w.Unsupported == ChangedByHand || w.Program == p.Path && (!w.ByBkt || w.Options == options(p))
}

// Is reports whether a wrapper is the export of a program with exactly its options.
func (w Wrapper) Is(p manifest.Program) bool {
	return w.Unsupported == "" && w.Program == p.Path && w.Options == options(p)
}

// maxWrapper is how many bytes of a possible wrapper are read.
const maxWrapper = 16 << 10

// ReadWrappers returns the wrappers in a folder of the host, none if the folder does not
// exist, and the errors of unreadable files.
func ReadWrappers(dir string) (all []Wrapper, unread []error, err error) {
	entries, err := os.ReadDir(dir)
	if patherr.IsMissing(err) {
		return nil, nil, nil
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		at := filepath.Join(dir, e.Name())
		text, err := readHead(at)
		if err != nil && !patherr.IsMissing(err) {
			unread = append(unread, err)
			continue
		}
		if w, ok := ParseWrapper(at, string(text)); ok {
			all = append(all, w)
		}
	}
	return all, unread, err
}

// ParseWrapper parses a wrapper. ok reports whether the file is one. If its first lines and
// its call of distrobox-enter name different containers, it was changed by hand.
func ParseWrapper(at, text string) (w Wrapper, ok bool) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[1] != "# distrobox_binary" {
		return Wrapper{}, false
	}
	container, ok := strings.CutPrefix(lines[2], "# name: ")
	w = Wrapper{At: at, Container: strings.TrimSpace(container)}
	c := enterCall(lines)
	r := c.run()
	w.Program, w.Root = original(lines), c.root
	if filepath.IsAbs(r.program) {
		w.Program = r.program
	}
	w.Options, w.Unsupported = Options{r.flags, r.sudo, c.flags}, c.beyond()
	if c.container != w.Container || slices.ContainsFunc(lines, func(line string) bool { return isUnusual(line, w.Program, r.flags) }) {
		w.Unsupported = ChangedByHand
	}
	w.sign(text)
	return w, ok
}

// sign records whether a wrapper is unchanged since bkt wrote it. Earlier releases wrote
// no checksum, and no options. If only the options were edited, the wrapper is one that
// was exported by hand.
func (w *Wrapper) sign(text string) {
	s := readSignature(filepath.Base(w.At), text)
	w.As = s.as
	edited := s.summed && !s.whole
	switch {
	case s.as == "":
		return
	case s.whole:
		w.Unsupported = ""
	case w.Program != s.as, edited && w.isPlain():
		w.Unsupported = ChangedByHand
	}
	w.Program = s.as
	w.ByBkt = w.Unsupported == "" && (s.whole || !edited && w.isPlain()) && filepath.Base(w.At) == filepath.Base(s.as)
}

// enterCall returns the call of distrobox-enter in a wrapper.
func enterCall(lines []string) call {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if command, ok := strings.CutPrefix(line, `command="`); ok { // of the first generation
			line = strings.TrimSuffix(command, `"`)
		}
		if c, ok := parseCall(strings.TrimPrefix(line, "exec ")); ok && !strings.HasPrefix(line, "#") {
			return c
		}
	}
	return call{}
}

// isUnusual reports whether distrobox-export never writes such a line into the wrapper
// of a program with these flags.
func isUnusual(line, program, flags string) bool {
	line = strings.TrimSpace(line)
	command, runs := strings.CutSuffix(line, ` "$@"`)
	command = strings.TrimPrefix(command, "exec ")
	switch _, enters := parseCall(command); {
	case enters && !strings.HasPrefix(line, "#"), runs && strings.HasPrefix(line, "exec distrobox-host-exec "):
		return false // the caller checks the call itself
	case runs:
		inside := parseRun(command, shell.Split(command))
		return inside.program != program || inside.flags != "" && inside.flags != flags
	}
	whole := []string{"", "#!/bin/sh", "# distrobox_binary", "else", "fi", "done", "eval ${command}", `for arg in "$@"; do`}
	begins := []string{
		"# name: ", Mark, SumMark, "if [ ", "elif [ ", `if echo "${arg}" `, `elif echo "${arg}" `,
		`command="`, `$(echo "${arg}" | sed `, "sed 's|", `sed "s|`, "exec sh -l -c ",
	}
	return !slices.Contains(whole, line) && !slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(line, begin) })
}

// readHead returns the beginning of a script, and nil for other files. An unreadable file
// is an error.
func readHead(path string) ([]byte, error) {
	f, err := plainfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 2)
	switch _, err := io.ReadFull(f, head); {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return nil, nil
	case err != nil:
		return nil, err
	case string(head) != "#!":
		return nil, nil
	}
	rest, err := io.ReadAll(io.LimitReader(f, maxWrapper))
	return append(head, rest...), err
}

// original returns the path of the program of a wrapper, from the call that the wrapper
// uses inside the container: the last one.
func original(lines []string) string {
	program := ""
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if call, ok := strings.CutSuffix(line, ` "$@"`); ok {
			program = unquote(strings.TrimPrefix(call, "exec "))
		}
	}
	return program
}

// unquote removes the quotes of a word, and a command before it, such as sudo.
func unquote(call string) string {
	if i := strings.Index(call, "'"); i >= 0 && strings.HasSuffix(call, "'") && len(call) > i+1 {
		return call[i+1 : len(call)-1]
	}
	if i := strings.LastIndex(call, " "); i >= 0 {
		return call[i+1:]
	}
	return call
}
