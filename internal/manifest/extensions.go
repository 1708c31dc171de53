package manifest

import (
	"reflect"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// Extensions has the extensions of GNOME Shell: gnome-extensions.json.
type Extensions struct {
	Schema     string      `json:"$schema,omitempty"`
	Extensions []Extension `json:"extensions"` // the extensions, in any order
}

// An Extension is an extension of GNOME Shell. A string is short for an enabled
// extension without other fields.
type Extension struct {
	ID       string      `json:"id"`               // uuid, such as "caffeine@patapon.info"
	Disabled DefaultTrue `json:"enabled,omitzero"` // whether it is enabled
	Source   string      `json:"source,omitempty"` // "ego" (extensions.gnome.org), "system", "unknown" or a URL
	Version  uint        `json:"version,omitzero"` // from its metadata
	SHA256   string      `json:"sha256,omitempty"` // of the installed archive
	Hosts    Hosts       `json:"hosts,omitempty"`  // the only computers for it; default: all
	Comment  string      `json:"comment,omitempty"`
	Bare     bool        `json:"-"` // written as a string

	// The state of the system, which is not in the manifest.
	Installed Installed `json:"-"`
}

// Installed is the state of an extension on a system.
type Installed struct {
	There   bool
	Version uint
}

// Key returns the uuid.
func (e Extension) Key() string { return e.ID }

// Enabled reports whether the extension is enabled.
func (e Extension) Enabled() bool { return !bool(e.Disabled) }

// Form implements [strictjson.Union].
func (e *Extension) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &e.Bare, &e.ID, (*extension)(e))
}

// An extension is an Extension in the form of an object.
type extension Extension

// MarshalJSONTo implements json.MarshalerTo.
func (e Extension) MarshalJSONTo(enc *jsontext.Encoder) error {
	plain := Extension{ID: e.ID, Bare: true, Installed: e.Installed}
	return writeTextOrObject(enc, reflect.DeepEqual(e, plain), e.ID, extension(e))
}

func (f Extensions) canonical() Extensions {
	f.Extensions = sortItems(f.Extensions)
	return f
}

func (e Extension) canonical() Extension {
	e.Hosts = e.Hosts.canonical()
	return e
}

func (f Extensions) check(r *strictjson.Report) {
	checkItems(r.Object(""), "extensions", "extension", f.Extensions)
}

func (e Extension) check(o strictjson.Object) {
	checkItemText(o, e.Bare, "extension", "id", e.ID, checkUUID)
	o.Optional("source", e.Source, checkSource)
	o.Optional("sha256", e.SHA256, checkSHA256)
	checkNotes(o, e.Hosts, e.Comment)
}

// checkUUID checks the uuid of an extension, which is also the name of a folder, by
// the rules of extensions.gnome.org.
func checkUUID(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with("-@.")), `write the uuid of an extension, as "gnome-extensions list" does, such as "caffeine@patapon.info"`)
}

func checkSource(s string) error {
	if strictjson.OneOf("ego", "system", "unknown")(s) == nil {
		return nil
	}
	return hint.Add(checkURL(s), `"source" is "ego", "system", "unknown" or the URL of an archive`)
}
