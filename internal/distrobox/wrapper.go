package distrobox

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A wrapper is a program of the host that runs one of a box.
type wrapper struct {
	at      string // its path on the host
	box     string
	program string // its path in the box
	byBkt   bool
}

// mark begins the line that bkt adds to what it has exported.
const mark = "# exported by bkt: "

// maxWrapper is how much is read of a file that may be a wrapper.
const maxWrapper = 16 << 10

// readWrappers returns the wrappers in a folder of the host, none if there is no
// such folder.
func readWrappers(dir string) ([]wrapper, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	var all []wrapper
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if w, ok := readWrapper(filepath.Join(dir, e.Name())); ok {
			all = append(all, w)
		}
	}
	return all, err
}

// readWrapper returns the wrapper at a path, and whether it is one.
func readWrapper(at string) (wrapper, bool) {
	text, err := readHead(at)
	lines := strings.Split(string(text), "\n")
	if err != nil || len(lines) < 4 || lines[1] != "# distrobox_binary" {
		return wrapper{}, false
	}
	box, ok := strings.CutPrefix(lines[2], "# name: ")
	w := wrapper{at: at, box: strings.TrimSpace(box), program: original(lines)}
	for _, line := range lines {
		if program, ok := strings.CutPrefix(line, mark); ok {
			w.program, w.byBkt = program, true
		}
	}
	return w, ok
}

// readHead returns the beginning of a script, and nothing of any other file.
func readHead(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 2)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, []byte("#!")) {
		return nil, errors.New("is no script")
	}
	rest, err := io.ReadAll(io.LimitReader(f, maxWrapper))
	return append(head, rest...), err
}

// original returns the path in the box that a wrapper runs, from what it does
// inside the box: behind the last else, or at the end.
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

// unquote takes the quotes off a word, and a command before it, such as sudo.
func unquote(call string) string {
	if i := strings.Index(call, "'"); i >= 0 && strings.HasSuffix(call, "'") && len(call) > i+1 {
		return call[i+1 : len(call)-1]
	}
	if i := strings.LastIndex(call, " "); i >= 0 {
		return call[i+1:]
	}
	return call
}

// An app is a desktop entry of the host that starts a program of a box.
type app struct {
	at    string // its path on the host
	box   string
	id    string // of the entry in the box
	text  string
	as    string // what bkt has exported it as
	byBkt bool
}

// readApps returns the entries in a folder of the host that are of one of the boxes.
func readApps(dir string, boxes []string) ([]app, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	var all []app
	for _, e := range entries {
		for _, box := range boxes {
			id, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".desktop"), box+"-")
			if !ok || !strings.HasSuffix(e.Name(), ".desktop") {
				continue
			}
			a := app{at: filepath.Join(dir, e.Name()), box: box, id: id}
			if a.read() {
				all = append(all, a)
			}
		}
	}
	return all, err
}

// read reads the entry, and reports whether it starts something in its box.
func (a *app) read() bool {
	text, err := os.ReadFile(a.at)
	if err != nil {
		return false
	}
	a.text = string(text)
	entered := false
	for line := range strings.Lines(a.text) {
		line = strings.TrimRight(line, "\n")
		if exec, ok := strings.CutPrefix(line, "Exec="); ok {
			words := strings.Fields(exec)
			i := slices.Index(words, "-n")
			entered = entered || i >= 0 && i+1 < len(words) && words[i+1] == a.box
		}
		if as, ok := strings.CutPrefix(line, mark); ok {
			a.as, a.byBkt = as, true
		}
	}
	return entered
}

// is reports whether an entry is what distrobox exports for the name of an app:
// it takes what the entry is called, and what stands in it.
func (a app) is(name string) bool {
	if a.byBkt {
		return a.as == name
	}
	name = strings.TrimSuffix(filepath.Base(name), ".desktop")
	if strings.HasPrefix(a.id, name) {
		return true
	}
	for line := range strings.Lines(a.text) {
		key, value, _ := strings.Cut(line, "=")
		if (key == "Exec" || key == "Name") && strings.Contains(value, name) {
			return true
		}
	}
	return false
}
