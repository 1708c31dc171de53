package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb"
	"bkt/internal/gvdb/gvdbtest"
)

// shellKeys are the keys of org.gnome.shell that the stand-in knows, with the
// values of the schema.
var shellKeys = map[string]string{
	"disable-extension-version-validation": "false",
	"disable-user-extensions":              "false",
	"disabled-extensions":                  "@as []",
	"enabled-extensions":                   "@as []",
	"favorite-apps":                        "['org.gnome.Nautilus.desktop']",
}

// standInGsettings is gsettings, with the one schema org.gnome.shell.
func standInGsettings() {
	const path = "/org/gnome/shell/"
	args := append(os.Args[1:], "", "", "")
	if args[1] != "org.gnome.shell" {
		standInFails("No such schema “%s”", args[1])
	}
	d := readDatabases()
	switch args[0] {
	case "list-recursively":
		for _, key := range slices.Sorted(maps.Keys(shellKeys)) {
			fmt.Println("org.gnome.shell", key, d.value(path+key))
		}
	case "get":
		fmt.Println(d.value(path + args[2]))
	case "set":
		d.load(map[string]string{path + args[2]: args[3]})
	default:
		standInFails("unknown command")
	}
}

// standInGdbus is gdbus, which calls the service of dconf, and the desktop, which
// shows nothing.
func standInGdbus() {
	if slices.Contains(os.Args, "org.freedesktop.Notifications") {
		return
	}
	changes, err := gvariant.Parse("ay", os.Args[len(os.Args)-1])
	if err == nil {
		changes, err = gvariant.Decode("a{smv}", changes.Bytes())
	}
	if err != nil {
		standInFails("%v", err)
	}
	d := readDatabases()
	for _, entry := range changes.Inner() {
		path, _ := entry.Inner()[0].Text()
		if slices.Contains(d.locks, path) {
			standInFails("Error: GDBus.Error:ca.desrt.dconf.Error.Failed: locked")
		}
		delete(d.user, path)
	}
	d.write()
}

// standInDconf is dconf.
func standInDconf() {
	args := append(os.Args[1:], "", "")
	switch args[0] {
	case "dump":
		fmt.Print(formatKeys(readDatabases().all(), args[1]))
	case "load":
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			standInFails("%v", err)
		}
		readDatabases().load(parseKeys(string(text), args[1]))
	case "reset": // -f DIR, or a key
		readDatabases().reset(cmp.Or(args[2], args[1]))
	case "write":
		readDatabases().load(map[string]string{args[1]: args[2]})
	case "compile":
		compileDatabase(args[1], args[2])
	default:
		standInFails("unknown command")
	}
}

func standInFails(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// databases are those of a profile: that of the user, and below it one of the
// system. They are files as the real one writes them.
type databases struct {
	path         string
	user, system map[string]string
	locks        []string
}

func readDatabases() databases {
	d := databases{path: filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "dconf", "user")}
	d.user, _ = readDatabase(d.path)
	profile, _ := os.ReadFile(os.Getenv("DCONF_PROFILE"))
	for line := range strings.Lines(string(profile)) {
		if file, ok := strings.CutPrefix(strings.TrimSpace(line), "file-db:"); ok {
			d.system, d.locks = readDatabase(file)
		}
	}
	return d
}

// readDatabase reads the keys that it can read, as the real program does.
func readDatabase(path string) (keys map[string]string, locks []string) {
	keys = map[string]string{}
	data, err := os.ReadFile(path)
	if err != nil {
		return keys, nil
	}
	table, err := gvdb.Parse(data)
	if err != nil {
		return keys, nil
	}
	for _, name := range table.Names() {
		if v, ok, err := table.Value(name); ok && err == nil {
			keys[name] = v.String()
		}
	}
	if locked, ok, err := table.Table(".locks"); ok && err == nil {
		locks = locked.Names()
	}
	return keys, locks
}

func writeDatabase(path string, keys map[string]string, locks []string) {
	table := gvdbtest.Table{Values: map[string]gvariant.Value{}, Tables: map[string]gvdbtest.Table{}}
	for key, text := range keys {
		v, err := gvariant.Parse("", text)
		if err != nil {
			standInFails("error: %s: %v", key, err)
		}
		table.Values[key] = v
	}
	if len(locks) > 0 {
		locked := map[string]gvariant.Value{}
		for _, key := range locks {
			locked[key] = gvariant.NewString("")
		}
		table.Tables[".locks"] = gvdbtest.Table{Values: locked}
	}
	if err := os.WriteFile(path, gvdbtest.File(table), 0o600); err != nil {
		standInFails("%v", err)
	}
}

func (d databases) value(path string) string {
	if v, ok := d.all()[path]; ok {
		return v
	}
	return shellKeys[filepath.Base(path)]
}

func (d databases) all() map[string]string {
	keys := maps.Clone(d.user)
	for path, value := range d.system {
		if _, ok := keys[path]; !ok || slices.Contains(d.locks, path) {
			keys[path] = value
		}
	}
	return keys
}

func (d databases) load(keys map[string]string) {
	for path, value := range keys {
		if slices.Contains(d.locks, path) {
			standInFails("error: The operation attempted to modify one or more non-writable keys")
		}
		d.user[path] = value
	}
	d.write()
}

func (d databases) reset(dir string) {
	maps.DeleteFunc(d.user, func(path, _ string) bool { return strings.HasPrefix(path, dir) })
	d.write()
}

func (d databases) write() {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		standInFails("%v", err)
	}
	writeDatabase(d.path, d.user, nil)
}

// compileDatabase makes a database of the key files in dir, and of its locks.
func compileDatabase(path, dir string) {
	keys, locks := map[string]string{}, []string{}
	files, _ := filepath.Glob(dir + "/*")
	for _, file := range files {
		part, _ := os.ReadFile(file) // nothing, of folders
		maps.Copy(keys, parseKeys(string(part), "/"))
	}
	files, _ = filepath.Glob(dir + "/locks/*")
	for _, file := range files {
		part, _ := os.ReadFile(file)
		locks = append(locks, strings.Fields(string(part))...)
	}
	writeDatabase(path, keys, locks)
}

func parseKeys(text, dir string) map[string]string {
	keys, group := map[string]string{}, dir
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok && strings.HasSuffix(line, "]") {
			group = filepath.Join(dir, strings.TrimSuffix(name, "]"))
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			keys[filepath.Join(group, key)] = value
		}
	}
	return keys
}

func formatKeys(keys map[string]string, dir string) string {
	var out strings.Builder
	last := ""
	for _, path := range slices.Sorted(maps.Keys(keys)) {
		below, ok := strings.CutPrefix(path, dir)
		if !ok {
			continue
		}
		group, key := filepath.Split(below)
		group = strings.TrimSuffix(group, "/")
		if group == "" {
			group = "/"
		}
		if group != last {
			if last != "" {
				out.WriteString("\n")
			}
			last = group
			fmt.Fprintf(&out, "[%s]\n", group)
		}
		fmt.Fprintf(&out, "%s=%s\n", key, keys[path])
	}
	return out.String()
}
