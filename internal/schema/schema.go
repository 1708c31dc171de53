// Package schema generates the JSON Schemas of the manifests from their types and the
// comments in their source. Only the test that keeps the folder schemas/ up to date
// uses it; bkt has the files.
package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/invopop/jsonschema"
)

// Generate returns the schema of a manifest. source is the folder with the
// source of package manifest.
func Generate(f manifest.File, source string) ([]byte, error) {
	r := &jsonschema.Reflector{
		Anonymous:      true, // files are found by path, not by id
		ExpandedStruct: true,
		Mapper:         special,
	}
	if err := r.AddGoComments("bkt/internal/manifest", source); err != nil {
		return nil, err
	}
	s := r.ReflectFromType(f.Type)
	s.Title = f.Name
	s.Required = nil // a file may declare nothing
	text, err := json.MarshalIndent(s, "", "  ")
	return append(bytes.TrimSpace(text), '\n'), err
}

// special returns the schemas of types with their own form in files, nil for others.
func special(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == reflect.TypeFor[jsontext.Value]():
		return &jsonschema.Schema{Description: "anything; kept, without effect"}
	case t == reflect.TypeFor[manifest.DefaultTrue]():
		return &jsonschema.Schema{Type: "boolean", Default: true}
	case reflect.PointerTo(t).Implements(reflect.TypeFor[strictjson.Union]()):
		return either(t)
	}
	return nil
}

// either returns the schema of a type that is an object or, for short, its first
// field.
func either(t reflect.Type) *jsonschema.Schema {
	plain := &jsonschema.Reflector{Anonymous: true, ExpandedStruct: true, DoNotReference: true, Mapper: func(inner reflect.Type) *jsonschema.Schema {
		if inner == t {
			return nil
		}
		return special(inner)
	}}
	object := plain.ReflectFromType(t)
	object.Version = ""
	short := plain.ReflectFromType(t.Field(0).Type)
	short.Version = ""
	if name, _, _ := strings.Cut(t.Field(0).Tag.Get("json"), ","); t.Field(0).Type.Kind() == reflect.String {
		object.Required = []string{name}
	}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{short, object}}
}
