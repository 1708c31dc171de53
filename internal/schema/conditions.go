package schema

import (
	"reflect"

	"bkt/internal/manifest"
)

// addConditions adds what the fields of an object demand of each other.
func addConditions(s *schema) {
	if add, ok := conditions[s.of]; ok {
		add(s)
	}
}

// conditions are those of types. An empty field is as good as a missing one.
var conditions = map[reflect.Type]func(s *schema){
	reflect.TypeFor[manifest.ExternalRepo](): func(s *schema) {
		s.OneOf = []*schema{given("baseurl"), given("metalink"), given("mirrorlist")}
		s.AnyOf = []*schema{given("gpg_key"), givenList("gpg_keys")}
	},
	reflect.TypeFor[manifest.Package](): func(s *schema) {
		s.If = given("from_repo")
		s.Then = &schema{Fields: fields{{"name", &schema{Type: "string", Pattern: anchored(forms["checkOwnPackage"].Pattern)}}}}
	},
	reflect.TypeFor[manifest.AppImage](): func(s *schema) {
		s.If, s.Then = given("asset"), given("repo")
	},
	reflect.TypeFor[manifest.Hook]():    allowWithComment,
	reflect.TypeFor[manifest.PreHook](): allowWithComment,
	reflect.TypeFor[manifest.FlatpakInstallation](): func(s *schema) {
		s.If, s.Then = customScope(), given("path")
		s.Else = &schema{Fields: fields{none("path"), none("display_name"), {"priority", &schema{Const: 0}}, none("storage_type")}}
	},
	reflect.TypeFor[manifest.FlatpakApp](): func(s *schema) {
		runtime := &schema{Fields: fields{{"runtime", &schema{Const: true}}}, Required: []string{"runtime"}}
		s.If = &schema{AnyOf: []*schema{runtime, customScope()}}
		s.Then = &schema{Fields: fields{{"overrides", &schema{MaxItems: new(int)}}}}
	},
	reflect.TypeFor[manifest.Setting](): func(s *schema) {
		s.AnyOf = []*schema{given("schema"), given("path")}
		s.If = &schema{Fields: fields{{"schema", &schema{Type: "string", Pattern: ":"}}}, Required: []string{"schema"}}
		s.Then = &schema{Fields: fields{none("path")}}
	},
}

// allowWithComment demands a comment of a hook that allows rules.
func allowWithComment(s *schema) { s.If, s.Then = givenList("allow"), given("comment") }

// given returns the schema of an object that has a text.
func given(name string) *schema {
	return &schema{Fields: fields{{name, &schema{Type: "string", MinLength: 1}}}, Required: []string{name}}
}

// givenList returns the schema of an object that has a list with items.
func givenList(name string) *schema {
	return &schema{Fields: fields{{name, &schema{Type: "array", MinItems: 1}}}, Required: []string{name}}
}

// none returns a field whose text is empty.
func none(name string) *field { return &field{name, &schema{MaxLength: new(int)}} }

// customScope returns the schema of an object of an installation with a name of its own.
func customScope() *schema {
	scope := &schema{Type: "string", Pattern: "^" + string(manifest.CustomScope(""))}
	return &schema{Fields: fields{{"scope", scope}}, Required: []string{"scope"}}
}
