package images_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// notOnBases are the fields that the manifests of testdata/bases lack.
var notOnBases = []string{
	"image.json: /toolbox",             // has the fields of /system
	"image.json: /system/base/digest",  // a base from a folder has none in a registry
	"system-config.json: /kargs/value", // kargs as a list: it has the fields of append
	"system-config.json: /kargs/arch",
	"external-repos.json: /repos/repo_gpgcheck", // the index of the offline repository is not signed
	"distrobox.json: /containers/*/packages",    // no section has what follows
	"distrobox.json: /containers/*/exported_apps",
	"distrobox.json: /containers/*/init_hooks",
	"distrobox.json: /containers/*/pre_init_hooks",
	"distrobox.json: /containers/*/volume",
	"distrobox.json: /containers/*/pull",
	"distrobox.json: /containers/*/init",
	"distrobox.json: /containers/*/root",
	"distrobox.json: /containers/*/additional_flags",
	"distrobox.json: /containers/*/hosts",
	"distrobox.json: /containers/*/home",
	"distrobox.json: /containers/*/nvidia",
	"distrobox.json: /containers/*/unshare",
	"distrobox.json: /containers/*/bins/also/path", // exports to the image have no options
	"distrobox.json: /containers/*/bins/also/flags",
	"distrobox.json: /containers/*/bins/also/sudo",
	"distrobox.json: /containers/*/bins/also/enter_flags",
	"distrobox.json: /containers/*/bins/also/to",
}

// TestFieldsOnBases compares the manifests of testdata/bases with the schemas: each field
// of a section is built on each base.
func TestFieldsOnBases(t *testing.T) {
	names := []string{"image", "external-repos", "system-packages", "system-config", "distrobox", "toolchains"}
	for _, name := range names {
		var schema, manifest map[string]any
		readJSON(t, filepath.Join("../../schemas", name+".schema.json"), &schema)
		readJSON(t, filepath.Join("testdata/bases/manifests", name+".json"), &manifest)
		used := map[string]bool{}
		fieldsUsed(manifest, "", used)
		for _, field := range fieldsOf(schema, schema, "") {
			place := name + ".json: " + field
			listed := slices.ContainsFunc(notOnBases, func(other string) bool {
				return place == other || strings.HasPrefix(place, other+"/")
			})
			if !used[field] && !listed && !strings.HasSuffix(field, "/comment") && field != "/$schema" {
				t.Errorf("%s is in no manifest of testdata/bases: add it, or to notOnBases why it is not", place)
			}
		}
	}
}

// fieldsOf returns the fields of a schema in which a section can have something, as
// pointers without the numbers of items and with * for names.
func fieldsOf(root, schema map[string]any, at string) (all []string) {
	if ref, ok := schema["$ref"].(string); ok {
		return fieldsOf(root, root["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any), at)
	}
	if about, _ := schema["description"].(string); strings.Contains(about, "without effect") {
		return nil
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			below := at
			if key == "additionalProperties" && inner["type"] != "string" {
				below += "/*"
			}
			all = append(all, fieldsOf(root, inner, below)...)
		}
	}
	forms, _ := schema["oneOf"].([]any)
	for _, form := range forms {
		all = append(all, fieldsOf(root, form.(map[string]any), at)...)
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property := properties[name].(map[string]any)
		if about, _ := property["description"].(string); !strings.Contains(about, "without effect") {
			all = append(all, at+"/"+name)
			all = append(all, fieldsOf(root, property, at+"/"+name)...)
		}
	}
	return all
}

// fieldsUsed adds the fields of a manifest to used, in the form of [fieldsOf].
func fieldsUsed(v any, at string, used map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			fieldsUsed(item, at, used)
		}
	case map[string]any:
		for name, value := range v {
			used[at+"/"+name] = true
			fieldsUsed(value, at+"/"+name, used)
			fieldsUsed(value, at+"/*", used)
		}
	}
}
