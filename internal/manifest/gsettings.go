package manifest

import (
	"errors"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// Settings has the settings of the desktop and its programs: gsettings.json.
type Settings struct {
	Schema   string    `json:"$schema,omitempty"`
	Settings []Setting `json:"settings"` // the settings, in any order
}

// A Setting is the value of a key of a schema.
type Setting struct {
	Schema  string `json:"schema,omitempty"` // may be missing, with a path, for a key without a schema
	Name    string `json:"key"`              // of the setting, such as "icon-theme"
	Value   string `json:"value"`            // as gsettings prints it: "'Adwaita'", "uint32 900"
	Path    string `json:"path,omitempty"`   // of a schema without a fixed path
	Hosts   Hosts  `json:"hosts,omitempty"`  // the only computers for it; default: all
	Comment string `json:"comment,omitempty"`
}

// Key returns schema, path and key in the form of gsettings.
func (s Setting) Key() string {
	return location(s.Location()) + " " + s.Name
}

// Location returns the schema and, for one without a fixed path, the path. The
// field of the schema may have both, as gsettings takes them.
func (s Setting) Location() (schema, path string) {
	schema, path, ok := strings.Cut(s.Schema, ":")
	if !ok {
		path = s.Path
	}
	return schema, path
}

func location(schema, path string) string {
	if schema == "" || path == "" {
		return schema + path
	}
	return schema + ":" + path
}

// canonical sorts settings as "schema.key", which mixes those of a schema with those
// of its children. Existing files have this order.
func (f Settings) canonical() Settings {
	f.Settings = sortItems(f.Settings)
	slices.SortStableFunc(f.Settings, func(a, b Setting) int { return strings.Compare(a.dotted(), b.dotted()) })
	return f
}

func (s Setting) dotted() string { return location(s.Location()) + "." + s.Name }

func (s Setting) canonical() Setting {
	s.Hosts = s.Hosts.canonical()
	return s
}

func (f Settings) check(r *strictjson.Report) {
	checkItems(r.Object(""), "settings", "setting", f.Settings)
}

func (s Setting) check(o strictjson.Object) {
	schema, path := s.Location()
	switch {
	case schema == "" && path == "":
		o.Add(o.Pointer+"/schema", hint.Add(errors.New("schema is missing"), `for a key without a schema, set "path"`))
	case strings.Contains(s.Schema, ":") && s.Path != "":
		o.Add(o.Pointer+"/path", errors.New("path is set, and the schema has one, too"))
	case strings.Contains(s.Schema, ":"):
		o.Verify(o.Pointer+"/schema", "path", path, checkSettingsPath)
	default:
		o.Optional("path", s.Path, checkSettingsPath)
	}
	if schema != "" {
		o.Verify(o.Pointer+"/schema", "schema", schema, checkSettingsSchema)
	}
	o.Required("key", s.Name, checkSettingsKey)
	o.Required("value", s.Value, checkSettingsValue)
	checkNotes(o, s.Hosts, s.Comment)
}

const (
	hintSettingsSchema = `write a schema as "gsettings list-schemas" does, such as "org.gnome.desktop.interface"`
	hintSettingsPath   = `a path begins and ends with "/", such as "/org/gnome/desktop/app-folders/folders/Utilities/"`
	hintSettingsValue  = `write a value on one line, as "gsettings get" prints it: "'Adwaita'", "['a', 'b']", "uint32 900"`
)

func checkSettingsSchema(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with(".-")), hintSettingsSchema)
}

// checkSettingsPath checks a folder of dconf.
func checkSettingsPath(s string) error {
	err := checkTrimmed(s)
	switch {
	case err != nil:
	case s[0] != '/' || !strings.HasSuffix(s, "/"):
		err = errors.New(`does not begin and end with "/"`)
	case strings.Contains(s, "//"):
		err = errors.New(`may not contain "//"`)
	}
	return hint.Add(err, hintSettingsPath)
}

func checkSettingsKey(s string) error {
	err := checkArgument(s)
	if err == nil && strings.ContainsAny(s, "/ \t") {
		err = errors.New("is not a key name")
	}
	return hint.Add(err, `write a key as "gsettings list-keys" does, such as "icon-theme"`)
}

func checkSettingsValue(s string) error { return hint.Add(checkTrimmed(s), hintSettingsValue) }
