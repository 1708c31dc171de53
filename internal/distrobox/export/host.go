package export

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/patherr"
)

// A HostWrapper is a script on the host that enters a container.
type HostWrapper struct {
	Path      string
	Container string // "": distrobox-export did not create the script
	Root      bool   // the container belongs to root
	ByBkt     bool   // bkt exported it, and no one has edited or copied it since
}

// maxHostWrapper is the largest size of a wrapper, in bytes. distrobox's own scripts,
// which enter containers too, are larger.
const maxHostWrapper = 8 << 10

// HostWrappers returns the scripts in a folder of the host that enter a container, none if
// the folder does not exist. unread are the errors of unreadable files, err is the error
// of the folder.
func HostWrappers(dir string) (all []HostWrapper, unread []error, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		w, ok, err := readHostWrapper(filepath.Join(dir, e.Name()), e)
		if patherr.UnlessMissing(err) != nil {
			unread = append(unread, err)
		}
		if ok {
			all = append(all, w)
		}
	}
	return all, unread, patherr.UnlessMissing(err)
}

func readHostWrapper(path string, e fs.DirEntry) (HostWrapper, bool, error) {
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxHostWrapper {
		return HostWrapper{}, false, err
	}
	text, err := readHead(path)
	if err != nil {
		return HostWrapper{}, false, err
	}
	w, ok := parseHostWrapper(path, string(text))
	return w, ok, nil
}

// parseHostWrapper parses a wrapper of distrobox-export, or another script that calls
// distrobox-enter.
func parseHostWrapper(path, text string) (HostWrapper, bool) {
	enters := enterCall(strings.Split(text, "\n"))
	w := HostWrapper{Path: path, Root: enters.root}
	if exported, ok := ParseWrapper(path, text); ok {
		w.Container, w.ByBkt = exported.Container, exported.ByBkt
	}
	return w, strings.HasPrefix(text, "#!") && enters.container != ""
}
