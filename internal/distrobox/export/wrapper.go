// Package export reads the files that the host has from containers: wrappers of programs
// and desktop entries, as distrobox-export writes them. It also has the script that
// exports, which runs in a container.
package export

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/patherr"
)

// A Wrapper is a program of the host that runs a program of a container.
type Wrapper struct {
	At        string // its path on the host
	Container string // the name
	Program   string // its path in the container
	File
}

// A File is what is known about a file of the host that distrobox-export has written,
// or that someone has written or edited by hand.
type File struct {
	As          string // what bkt has exported with it; "": it has no mark of bkt
	ByBkt       bool   // it is as bkt has left it: bkt may replace and delete it
	Unsupported string // what a manifest cannot express about it; "": nothing
	Root        bool   // its container belongs to root
}

// Holds reports whether a wrapper runs a program. One that someone has edited is
// theirs, whatever it runs by now.
func (w Wrapper) Holds(program string) bool {
	return w.Program == program || w.Unsupported == ChangedByHand
}

// maxWrapper is the most bytes that are read of a file that may be a wrapper.
const maxWrapper = 16 << 10

// ReadWrappers returns the wrappers in a folder of the host, none if there is no
// such folder, and the errors of files that cannot be read.
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

// ParseWrapper returns the wrapper that a file holds, and whether it is one. Its first
// lines and its call of distrobox-enter must name the same container.
func ParseWrapper(at, text string) (Wrapper, bool) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[1] != "# distrobox_binary" {
		return Wrapper{}, false
	}
	box, ok := strings.CutPrefix(lines[2], "# name: ")
	w := Wrapper{At: at, Container: strings.TrimSpace(box)}
	c := enterCall(lines)
	command, _ := c.sudo()
	command = slices.DeleteFunc(slices.Clone(command), func(word string) bool { return word == "$@" })
	w.Program, w.Root = original(lines), c.root
	if len(command) > 0 && filepath.IsAbs(command[0]) {
		w.Program = command[0]
	}
	w.Unsupported = c.beyond("was exported with flags %s", command[min(1, len(command)):])
	if c.container != w.Container || slices.ContainsFunc(lines, func(line string) bool { return isUnusual(line, w.Program, command) }) {
		w.Unsupported = ChangedByHand
	}
	w.sign(text)
	return w, ok
}

// sign reads whether a wrapper is as bkt has left it. Earlier releases have written no
// checksum.
func (w *Wrapper) sign(text string) {
	s := readSignature(filepath.Base(w.At), text)
	w.As = s.as
	switch {
	case s.as == "":
		return
	case s.whole:
		w.Unsupported = ""
	case s.summed, w.Program != s.as:
		w.Unsupported = ChangedByHand
	}
	w.Program = s.as
	w.ByBkt = w.Unsupported == "" && filepath.Base(w.At) == filepath.Base(s.as)
}

// enterCall returns the call of distrobox-enter in a wrapper.
func enterCall(lines []string) call {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if command, ok := strings.CutPrefix(line, `command="`); ok { // of the first generation
			line = strings.TrimSuffix(command, `"`)
		}
		if c, ok := parseCall(splitWords(strings.TrimPrefix(line, "exec "))); ok && !strings.HasPrefix(line, "#") {
			return c
		}
	}
	return call{}
}

// isUnusual reports whether distrobox-export never writes such a line into the wrapper
// of a program.
func isUnusual(line, program string, command []string) bool {
	line = strings.TrimSpace(line)
	run, runs := strings.CutSuffix(line, ` "$@"`)
	words := splitWords(strings.TrimPrefix(run, "exec "))
	switch _, enters := parseCall(words); {
	case enters && !strings.HasPrefix(line, "#"), runs && strings.HasPrefix(line, "exec distrobox-host-exec "):
		return false // the call is looked at as such
	case runs:
		inside, _ := call{command: words}.sudo()
		return !slices.Equal(inside, []string{program}) && !slices.Equal(inside, command)
	}
	whole := []string{"", "#!/bin/sh", "# distrobox_binary", "else", "fi", "done", "eval ${command}", `for arg in "$@"; do`}
	begins := []string{
		"# name: ", Mark, SumMark, "if [ ", "elif [ ", `if echo "${arg}" `, `elif echo "${arg}" `,
		`command="`, `$(echo "${arg}" | sed `, "sed 's|", `sed "s|`, "exec sh -l -c ",
	}
	return !slices.Contains(whole, line) && !slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(line, begin) })
}

// readHead returns the beginning of a script, and nothing of other files. It is an
// error if the file cannot be read.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
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

// original returns the path in the container that a wrapper runs, as the wrapper runs
// it inside the container: after the last else, or at the end.
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
