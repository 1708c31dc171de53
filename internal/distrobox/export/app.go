package export

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/shell"
)

// An App is a desktop entry of the host that starts a program of a container.
type App struct {
	At        string // the path on the host
	Container string // the name
	ID        string // of the entry in the container
	Name      string // of the program, from the entry in the container
	Label     string // after its title, "none" for no label; "": the default
	Unknown   string // arguments that only the entry in the container tells from its own
	Options          // without flags if these are unknown
	File

	title string // with the label
	exec  string // the command up to the files that it opens
	opens bool   // the command opens files
}

// ReadApps returns the entries in a folder of the host that belong to one of the
// containers, those that bkt wrote for others, and the errors of those that cannot be
// read.
func ReadApps(dir string, containers []string) (all, others []App, unread []error, err error) {
	entries, err := os.ReadDir(dir)
	if patherr.IsMissing(err) {
		return nil, nil, nil, nil
	}
	for _, e := range entries {
		ours := slices.ContainsFunc(containers, func(c string) bool { return isEntryOf(e.Name(), c) })
		if !ours && (!strings.HasSuffix(e.Name(), ".desktop") || !strings.Contains(e.Name(), "-")) {
			continue
		}
		text, err := plainfile.Read(filepath.Join(dir, e.Name()), plainfile.MaxText)
		if err != nil && !patherr.IsMissing(err) {
			unread = append(unread, err)
			continue
		}
		a, ok := parseApp(filepath.Join(dir, e.Name()), string(text))
		if ok && a.ByBkt && !slices.Contains(containers, a.Container) && e.Type().IsRegular() {
			others = append(others, a)
			continue
		}
		if !ok || !ours || !slices.Contains(containers, a.Container) {
			continue
		}
		if !e.Type().IsRegular() { // distrobox-export makes no links
			a.ByBkt, a.Unsupported = false, ChangedByHand
		}
		all = append(all, a)
	}
	return all, others, unread, err
}

// entryFolders are the folders of desktop entries in a container, besides that of the home.
var entryFolders = []string{"/usr/local/share/applications", "/usr/share/applications", "/var/lib/flatpak/exports/share/applications"}

// entryFiles returns the paths that the desktop entry with an id may have in a container with
// this home. The first that exists counts.
func entryFiles(home, id string) []string {
	files := []string{path.Join(home, ".local/share/applications", id+".desktop")}
	for _, dir := range entryFolders {
		files = append(files, path.Join(dir, id+".desktop"))
	}
	return files
}

// ReadEntry returns the text of the desktop entry with an id in a container with this root
// and home, "" if it cannot be read.
func ReadEntry(root, home, id string) string {
	for _, file := range entryFiles(home, id) {
		at, err := follow(root, file)
		if patherr.IsMissing(err) {
			continue
		}
		if err != nil {
			return ""
		}
		text, err := plainfile.Read(root+at, plainfile.MaxText)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return ""
}

// programFolders are the folders of programs in a container.
var programFolders = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/games"}

// IsGone reports whether neither the entry nor the program of an app is in a container with
// this root and home.
func (a App) IsGone(root, home string) bool {
	program, _, _ := strings.Cut(a.exec, " ")
	files := entryFiles(home, a.ID)
	if path.IsAbs(program) {
		files = append(files, program)
	} else {
		for _, dir := range programFolders {
			files = append(files, path.Join(dir, program))
		}
	}
	return program != "" && !slices.ContainsFunc(files, func(file string) bool { return !IsMissing(root, file) })
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
		case key == "Name" && a.title == "":
			a.title = value
		case key == "Exec":
			c, ok := parseCall(value)
			if !ok || a.Container != "" && a.Container != c.container {
				return App{}, false
			}
			a.readCall(c)
		}
	}
	if a.Container == "" || !isEntryOf(filepath.Base(at), a.Container) {
		return App{}, false
	}
	a.ID = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(at), a.Container+"-"), ".desktop")
	a.readOptions()
	a.sign(readSignature(filepath.Base(at), text))
	return a, true
}

// readCall reads the command of an entry, or of one of its actions.
func (a *App) readCall(c call) {
	r, words := asRoot(c.command)
	first := a.Container == ""
	a.Container, a.Root = c.container, a.Root || c.root
	options := Options{Sudo: r.sudo, EnterFlags: c.flags}
	if odd := c.beyond(); odd == ChangedByHand || r.login || !first && a.Options != options {
		a.Unsupported = ChangedByHand
	}
	a.Options = options
	words, _ = loginScript(words)
	if len(words) == 0 || a.opens {
		return
	}
	a.exec, _, a.opens = strings.Cut(c.line[words[0].Start:], "%")
}

// readOptions reads the flags and the label of an entry, as far as the entry alone has
// them. distrobox-export writes the flags and a blank before the files, so without flags
// there are two blanks. A title without the default label may have another one in
// parentheses, like the default, or none.
func (a *App) readOptions() {
	_, args, _ := strings.Cut(strings.TrimRight(a.exec, " "), " ")
	switch {
	case !a.opens, strings.HasSuffix(a.exec, "  "), strings.HasSuffix(strings.TrimRight(a.exec, " "), "="), args == "":
	default:
		a.Unknown = strings.TrimSpace(args)
	}
	name, isDefault := strings.CutSuffix(a.title, "(on "+a.Container+")")
	i := strings.LastIndex(a.title, " (")
	switch {
	case isDefault:
	case i > 0 && strings.HasSuffix(a.title, ")"):
		name, a.Label = a.title[:i], a.title[i+1:]
	default:
		a.Label = "none"
	}
	a.Name = strings.TrimRight(name, " ")
}

// Compare reads the flags and the label of an entry from the difference to the entry in
// the container.
func (a *App) Compare(original string) {
	if original == "" {
		return
	}
	var own App
	for line := range strings.Lines(original) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		switch {
		case key == "Name" && own.title == "":
			own.title = value
		case key == "Exec" && !own.opens:
			own.exec, _, own.opens = strings.Cut(value, "%")
		}
	}
	label, same := strings.CutPrefix(a.title, own.title)
	a.Unknown, a.Name = "", own.title
	if a.opens {
		flags, ok := strings.CutPrefix(a.exec, strings.TrimRight(own.exec, " "))
		a.Flags, same = strings.TrimSpace(flags), same && ok
	}
	switch label = strings.TrimSpace(label); label {
	case "":
		a.Label = "none"
	case "(on " + a.Container + ")":
		a.Label = ""
	default:
		a.Label = label
	}
	if !same || manifest.CheckExportOptions(a.Flags, a.EnterFlags) != nil {
		a.Unsupported = ChangedByHand
	}
}

// Declared returns an entry as a manifest declares it, in the words of the declaration d.
func (a App) Declared(d manifest.ExportedApp) manifest.ExportedApp {
	if a.Shows(d) {
		return d
	}
	d.Flags, d.Sudo, d.EnterFlags, d.Label = a.Flags, a.Sudo, a.EnterFlags, a.Label
	return d.Short()
}

// Shows reports whether an entry has the options of a declared app. Where they are
// unknown, it may have them.
func (a App) Shows(d manifest.ExportedApp) bool {
	if a.Sudo != d.Sudo || a.EnterFlags != d.EnterFlags {
		return false
	}
	return a.Label == d.Label && (a.Unknown != "" || a.Flags == d.Flags)
}

// sign records whether an entry is unchanged since bkt wrote it. The mark of an earlier
// release alone proves nothing: entries of other containers had it, too.
func (a *App) sign(s signature) {
	a.As, a.ByBkt = s.as, s.whole
	switch {
	case s.whole:
		a.Unsupported, a.Unknown, a.Flags = "", "", ""
		if strings.Contains(" "+a.exec, " "+s.flags+" ") { // none where the command opens no files
			a.Flags = s.flags
		}
		a.Label = s.label
	case s.summed:
		a.Unsupported = ChangedByHand
	}
}

// Is reports whether an entry is the app that is declared with this name. An app that
// bkt did not export must have exactly this name or id.
func (a App) Is(name string) bool {
	if a.ByBkt || a.As == name {
		return a.As == name
	}
	return a.ID == EntryID(name) || a.Name == name
}

// EntryID returns the id of an entry that is declared by its name or its path.
func EntryID(name string) string { return strings.TrimSuffix(path.Base(name), ".desktop") }

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
		switch words := shell.Texts(shell.Split(exec)); {
		case runs && len(words) > 2 && path.Base(words[0]) == "distrobox" && words[1] == "rm":
		case runs:
			c, enters := parseCall(exec)
			if !enters || c.container != container || len(c.command)+len(c.before)+len(c.flags) > 0 || c.root && !ofRoot {
				return false
			}
		case line != "" && !slices.ContainsFunc(begins, func(begin string) bool { return strings.HasPrefix(line, begin) }):
			return false
		}
	}
	return true
}
