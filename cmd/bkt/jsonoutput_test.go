package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"bkt/internal/autocapture"
	"bkt/internal/doctor"
	"bkt/internal/report"
	"bkt/internal/testkit"
	"bkt/internal/ui"
	"bkt/internal/version"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// outputs are the objects that commands print with --json, by their names in
// docs/json.md.
func outputs() map[string]any {
	return map[string]any{
		"auto-capture": autocapture.Status{},
		"builds":       buildsJSON{},
		"check":        checkJSON{},
		"completion":   completionJSON{},
		"doctor":       doctor.Report{},
		"domains":      report.Domains{},
		"engine":       engineJSON{},
		"hooks":        hookCheckJSON{},
		"ini":          iniJSON{},
		"lines":        whyJSON{},
		"names":        schemaNamesJSON{},
		"packages":     listJSON{},
		"plan":         ui.PlanJSON{},
		"pruned":       prunedJSON{},
		"status":       statusJSON{},
		"stopped":      stoppedJSON{},
		"tests":        testsJSON{},
		"upgrade":      upgradeJSON{},
		"version":      version.Info{},
	}
}

// TestOutputSchema checks that docs/json.schema.json describes the types that --json
// prints. "make update" rewrites it.
func TestOutputSchema(t *testing.T) {
	const file = "../../" + testkit.OutputsSchema
	g := generator{defs: map[string]any{}, comments: map[string]map[string]string{}}
	for name, value := range outputs() {
		g.defs[name] = g.object(t, reflect.TypeOf(value))
	}
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "The output of bkt with --json, version 1",
		"$defs":   g.defs,
	})
	if err != nil {
		t.Fatal(err)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if diff := cmp.Diff(want.String(), string(got)); diff != "" || err != nil {
		t.Errorf("%v; (-want +got), make update rewrites it:\n%s", err, diff)
	}
}

// A generator makes JSON Schemas of Go types.
type generator struct {
	defs     map[string]any
	comments map[string]map[string]string // by package, those of fields, as TYPE.FIELD
}

// object returns the schema of a struct.
func (g generator) object(t *testing.T, typ reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	g.addFields(t, typ, properties, &required)
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

func (g generator) addFields(t *testing.T, typ reflect.Type, properties map[string]any, required *[]string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		tag, tagged := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && !tagged:
			below, needed := f.Type, required
			if below.Kind() == reflect.Pointer { // nil: its fields are missing
				below, needed = below.Elem(), new([]string)
			}
			g.addFields(t, below, properties, needed)
			continue
		case tag == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case name == "":
			t.Errorf("%v.%s has no name in JSON", typ, f.Name)
		}
		s := g.schema(t, f.Type)
		if comment := g.comment(t, typ, f.Name); comment != "" && s["$ref"] == nil {
			s["description"] = comment
		}
		properties[name] = s
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
			if k := f.Type.Kind(); k == reflect.Pointer || k == reflect.Map {
				t.Errorf("%v.%s can be null", typ, f.Name)
			}
		}
	}
}

func (g generator) schema(t *testing.T, typ reflect.Type) map[string]any {
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case typ == reflect.TypeFor[json.RawMessage]():
		return map[string]any{}
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return g.schema(t, typ.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": g.schema(t, typ.Elem())}
	case reflect.Struct:
		name := strings.TrimPrefix(strings.TrimSuffix(typ.String(), "JSON"), "main.")
		if g.defs[name] == nil {
			g.defs[name] = true // it may contain itself
			g.defs[name] = g.object(t, typ)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	t.Errorf("no schema for %v", typ)
	return nil
}

// comment returns the comment of a field in the source.
func (g generator) comment(t *testing.T, typ reflect.Type, field string) string {
	pkg := typ.PkgPath()
	if g.comments[pkg] == nil {
		g.comments[pkg] = readComments(t, filepath.Join("../..", strings.TrimPrefix(pkg, "bkt/")))
	}
	return g.comments[pkg][typ.Name()+"."+field]
}

func readComments(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	all := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, id := range f.Names {
						text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
						all[spec.Name.Name+"."+id.Name] = text
					}
				}
			}
			return true
		})
	}
	return all
}

// TestEveryOutputIsDescribed checks that docs/json.md has a row for each command, with the
// objects that it prints and their fields, and that a script checks the output of each
// command that prints one.
func TestEveryOutputIsDescribed(t *testing.T) {
	rows, err := testkit.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	parser, _, err := (&app{}).parser(t.Context(), commands()...)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, leaf := range parser.Model.Leaves(true) {
		names = append(names, pathOf(leaf))
	}
	scripts := checkedOutputs(t)
	described := map[string]bool{}
	for _, name := range names {
		objects, ok := rows[name]
		if !ok {
			t.Errorf("docs/json.md has no row for %q", "bkt "+name)
		}
		if len(objects) > 0 && !slices.Contains(scripts, name) {
			t.Errorf("no script has the line \"valid '%s'\"", name)
		}
		for _, object := range objects {
			described[object] = true
		}
	}
	for name := range rows {
		if !slices.Contains(names, name) {
			t.Errorf("docs/json.md has a row for %q, which is no command", "bkt "+name)
		}
	}
	want := slices.Sorted(maps.Keys(outputs()))
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(described))); diff != "" {
		t.Errorf("objects in the table of commands (-want +got):\n%s", diff)
	}
	fieldsAreDescribed(t)
}

// pathOf returns a command as users type it, without "bkt". That of a default command is the
// one of its group.
func pathOf(leaf *kong.Node) string {
	name := strings.TrimPrefix(leaf.FullPath(), "bkt ")
	if leaf.Parent != nil && leaf.Parent.DefaultCmd == leaf {
		name = strings.TrimSuffix(name, " "+leaf.Name)
	}
	return name
}

// checkedOutputs returns the commands whose output a script checks.
func checkedOutputs(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/*/*.txtar", "../../e2e/*/testdata/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts %s: %v", pattern, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^valid (?:'([^']+)'|(\S+))$`).FindAllStringSubmatch(string(text), -1) {
				all = append(all, m[1]+m[2])
			}
		}
	}
	return all
}

// fieldsAreDescribed checks that the table of objects in docs/json.md has the fields of each.
func fieldsAreDescribed(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../" + testkit.OutputsDocument)
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n## Objects\n")
	got := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(table, -1) {
		for _, field := range regexp.MustCompile("`([a-zA-Z_]+)`").FindAllStringSubmatch(m[2], -1) {
			got[m[1]] = append(got[m[1]], field[1])
		}
		slices.Sort(got[m[1]])
	}
	g := generator{defs: map[string]any{}, comments: map[string]map[string]string{}}
	want := map[string][]string{}
	for name, value := range outputs() {
		properties := g.object(t, reflect.TypeOf(value))["properties"].(map[string]any)
		delete(properties, "version")
		want[name] = slices.Sorted(maps.Keys(properties))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields in docs/json.md (-want +got):\n%s", diff)
	}
}
