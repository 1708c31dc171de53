package distrobox

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// A pathFile is the file that gives the user's session its whole PATH: if several
// files added to PATH, the order of the programs of containers and of the host would
// be undefined.
type pathFile struct {
	at     string
	text   string // the text that the file should have; "": it is right, or not bkt's
	writer string // the container whose change writes it; "": it is up to date
}

// pathHead marks a file of bkt. Its words stay: files of earlier releases have them.
const pathHead = "# Written by bkt, as boxes export programs. One that is written by someone else, bkt leaves alone.\n"

// readPath compares the file with its wanted text. If the file does not belong to bkt, a
// note says so.
func (s *snapshot) readPath(known []Container) (notes []string) {
	var folders []string
	writer := ""
	for _, c := range known {
		if !s.exportsSomething(c.Container) || s.rootful(c) || s.allByHand(c) {
			continue
		}
		if _, there := s.containers[c.Name]; writer == "" && there {
			writer = c.Name
		}
		for _, dir := range s.folders(c.Container) {
			if !slices.Contains(folders, dir) {
				folders = append(folders, dir)
			}
		}
	}
	if len(folders) == 0 {
		return nil
	}
	s.path = pathFile{at: filepath.Join(s.Config, "environment.d", "10-distrobox-exports.conf"), text: s.pathText(folders)}
	text, err := plainfile.Read(s.path.at, plainfile.MaxText)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.path.writer = writer
	case err != nil:
		s.path.text = ""
		return []string{fmt.Sprintf("%s cannot be read: %v: bkt leaves it alone: make sure that PATH has %s", s.path.at, patherr.Reason(err), strings.Join(folders, ", "))}
	case !isPathFile(string(text)):
		s.path.text = ""
		return []string{fmt.Sprintf("%s is not a file of bkt: bkt leaves it alone: make sure that PATH has %s", s.path.at, strings.Join(folders, ", "))}
	case string(text) != s.path.text:
		s.path.writer = writer
	default:
		s.path.text = ""
	}
	return nil
}

// allByHand reports whether everything that a container exports was exported by hand,
// so that the user has set PATH.
func (s *snapshot) allByHand(c Container) bool {
	wrappers := s.wrappersOf(c.Name)
	wanted := s.wanted(c.Container, c.Bins.Found)
	for at, program := range wanted {
		if w, there := wrappers[at]; !there || w.ByBkt || !w.Holds(program) {
			return false
		}
	}
	return len(wanted) > 0
}

// isPathFile reports whether bkt wrote a file, and nobody has added to it.
func isPathFile(text string) bool {
	rest, ok := strings.CutPrefix(text, pathHead)
	line, more, _ := strings.Cut(rest, "\n")
	return ok && strings.HasPrefix(line, `PATH="`) && more == ""
}

// pathText returns the file for these folders, which come before all others.
func (d Domain) pathText(folders []string) string {
	usual := []string{d.Home + "/.local/bin/distrobox", d.Home + "/.local/bin", "/usr/local/sbin", "/usr/local/bin", "/usr/bin"}
	var all []string
	for _, dir := range folders {
		if !slices.Contains(usual, dir) {
			all = append(all, dir)
		}
	}
	list := strings.Join(append(all, usual...), ":")
	return pathHead + "PATH=\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(list) + "\"\n"
}
