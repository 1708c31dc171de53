package export

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// An App is a desktop entry of the host that starts a program of a container.
type App struct {
	At        string // the path on the host
	Container string // the name
	ID        string // of the entry in the container
	Name      string // of the program, from the entry in the container
	File
}

// ReadApps returns the entries in a folder of the host that belong to one of the
// containers, and the errors of those that cannot be read.
func ReadApps(dir string, containers []string) (all []App, unread []error, err error) {
	entries, err := os.ReadDir(dir)
	if patherr.IsMissing(err) {
		return nil, nil, nil
	}
	for _, e := range entries {
		if !slices.ContainsFunc(containers, func(c string) bool { return isEntryOf(e.Name(), c) }) {
			continue
		}
		text, err := plainfile.Read(filepath.Join(dir, e.Name()), plainfile.MaxText)
		if err != nil && !patherr.IsMissing(err) {
			unread = append(unread, err)
			continue
		}
		a, ok := parseApp(filepath.Join(dir, e.Name()), string(text))
		if !ok || !slices.Contains(containers, a.Container) {
			continue
		}
		if !e.Type().IsRegular() { // distrobox-export makes no links
			a.ByBkt, a.Unsupported = false, ChangedByHand
		}
		all = append(all, a)
	}
	return all, unread, err
}

// isEntryOf reports whether an entry may belong to a container, by its name. It may
// still belong to another container whose name begins with this name.
func isEntryOf(name, container string) bool {
	id, ok := strings.CutPrefix(name, container+"-")
	return ok && strings.HasSuffix(id, ".desktop")
}

// parseApp parses an entry. ok reports whether it starts a program of a container.
func parseApp(at, text string) (app App, ok bool) {
	a := App{At: at}
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch {
		case key == "Name" && a.Name == "":
			a.Name = value
		case key == "Exec":
			c, ok := parseCall(splitWords(value))
			if !ok || a.Container != "" && a.Container != c.container {
				return App{}, false
			}
			a.Container, a.Root = c.container, a.Root || c.root
			if odd := c.beyond("was exported with flags: it has %s", flagsOf(value, c.command)); a.Unsupported == "" {
				a.Unsupported = odd
			}
		}
	}
	if a.Container == "" || !isEntryOf(filepath.Base(at), a.Container) {
		return App{}, false
	}
	a.ID = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(at), a.Container+"-"), ".desktop")
	a.Name = strings.TrimSuffix(a.Name, " (on "+a.Container+")")
	a.sign(readSignature(filepath.Base(at), text))
	return a, true
}

// sign records whether an entry is unchanged since bkt wrote it. The mark of an earlier
// release alone proves nothing: entries of other containers had it, too.
func (a *App) sign(s signature) {
	a.As, a.ByBkt = s.as, s.whole
	switch {
	case s.whole:
		a.Unsupported = ""
	case s.summed:
		a.Unsupported = ChangedByHand
	}
}

// flagsOf returns the arguments of an app before its files, including its own, if
// distrobox-export got flags for it, else nil. distrobox-export writes the flags and a
// blank before the files, so without flags there are two blanks.
func flagsOf(exec string, command []string) []string {
	before, _, ok := strings.Cut(exec, "%")
	files := slices.IndexFunc(command, func(word string) bool { return strings.Contains(word, "%") })
	if !ok || files < 1 || strings.HasSuffix(before, "  ") || strings.HasSuffix(strings.TrimRight(before, " "), "=") {
		return nil
	}
	return command[1:files]
}

// Is reports whether an entry is the app that is declared with this name. An app that
// bkt did not export must have exactly this name or id.
func (a App) Is(name string) bool {
	if a.ByBkt || a.As == name {
		return a.As == name
	}
	return a.ID == entryID(name) || a.Name == name
}

// entryID returns the id of an entry that is declared by its name or its path.
func entryID(name string) string { return strings.TrimSuffix(path.Base(name), ".desktop") }

// IsMenuEntry reports whether a file is the menu entry that distrobox writes for a
// container, which is removed with the container. An edited entry belongs to the user.
func IsMenuEntry(at, container string, ofRoot bool) bool {
	text, err := plainfile.Read(at, plainfile.MaxText)
	if err != nil || !strings.Contains(string(text), "\nGenericName=Terminal entering ") {
		return false
	}
	begins := []string{
		"[Desktop Entry]", "Name=", "GenericName=Terminal entering ", "Comment=Terminal entering ", "Category=Distrobox;", "Categories=Distrobox;",
		"Icon=", "Keywords=distrobox;", "NoDisplay=false", "Terminal=true", "TryExec=", "Type=Application", "Actions=Remove;", "[Desktop Action Remove]",
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		exec, runs := strings.CutPrefix(line, "Exec=")
		switch words := splitWords(exec); {
		case runs && len(words) > 2 && path.Base(words[0]) == "distrobox" && words[1] == "rm":
		case runs:
			c, enters := parseCall(words)
			if !enters || c.container != container || len(c.command)+len(c.before)+len(c.flags) > 0 || c.root && !ofRoot {
				return false
			}
		case line != "" && !slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(line, begin) }):
			return false
		}
	}
	return true
}
