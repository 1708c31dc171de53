package manifest

import "reflect"

// Key returns the name of the repository.
func (c Copr) Key() string { return c.Name }

// Key returns the spec of the package.
func (p Package) Key() string { return p.Name }

// Key returns the argument.
func (k Karg) Key() string { return k.Value }

// Key returns the command of the hook.
func (h Hook) Key() string { return h.Run }

// Key returns the command of the hook.
func (h PreHook) Key() string { return h.Run }

// together has the fields, by their names in JSON, of which a part from one side of a merge
// and a part from the other would be wrong: a digest is that of an image.
var together = map[reflect.Type][]string{
	reflect.TypeFor[Base]():          {"image", "digest"},
	reflect.TypeFor[ExternalRepo]():  {"baseurl", "metalink", "mirrorlist"},
	reflect.TypeFor[FlatpakApp]():    {"remote", "bundle", "commit"},
	reflect.TypeFor[FlatpakRemote](): {"url", "gpg_key"},
	reflect.TypeFor[Extension]():     {"source", "version", "sha256"},
	reflect.TypeFor[AppImage]():      {"repo", "asset", "url", "version", "sha256"},
}

// Together returns the fields of a type of a manifest that a merge takes from the same
// side, by their names in JSON; nil: each field stands for itself.
func Together(t reflect.Type) []string { return together[t] }

// limits are the lists of which none means all: a merge of "only these" and "all" is neither.
var limits = map[reflect.Type]string{
	reflect.TypeFor[Image]():   "platforms",
	reflect.TypeFor[Karg]():    "arch",
	reflect.TypeFor[Package](): "arch",
}

// IsLimit reports whether a field of a type of a manifest, by its name in JSON, is a list
// without which an item is not limited.
func IsLimit(t reflect.Type, field string) bool { return field == "hosts" || limits[t] == field }
