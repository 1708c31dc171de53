package schema_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/schema"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemas = "../../schemas"

// updating reports whether the test rewrites the files in schemas/: -update is a flag of
// package testkit.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

func fileOf(f manifest.File) string {
	return filepath.Join(schemas, strings.TrimSuffix(f.Name, ".json")+".schema.json")
}

func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	for _, f := range manifest.All() {
		want, err := schema.Generate(f, "../manifest")
		if err != nil {
			t.Error(err)
			continue
		}
		if updating() {
			if err := os.WriteFile(fileOf(f), want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(fileOf(f))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got), make update rewrites it:\n%s", fileOf(f), diff)
		}
	}
}

// compile returns the schema of a manifest, as a validator.
func compile(t testing.TB, f manifest.File) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(fileOf(f))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// validate returns the error of a text by a schema.
func validate(s *jsonschema.Schema, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return s.Validate(value)
}

// TestSchemasAgreeWithReading checks that a schema accepts what bkt reads, and refuses what
// bkt refuses by form.
func TestSchemasAgreeWithReading(t *testing.T) {
	for _, f := range manifest.All() {
		s := compile(t, f)
		for _, d := range corpus(t, f) {
			if err := validate(s, d.text); (err == nil) == (d.verdict == "form") && !d.twice {
				t.Errorf("%s: the schema says %v", d, err)
			}
			if _, err := f.Format(f.Name, d.text); (err == nil) != (d.verdict == "good") {
				t.Errorf("%s: bkt says %v", d, err)
			}
		}
	}
}

// FuzzSchemas checks that a schema accepts whatever bkt reads.
func FuzzSchemas(f *testing.F) {
	var all []*jsonschema.Schema
	for i, m := range manifest.All() {
		all = append(all, compile(f, m))
		for _, d := range corpus(f, m) {
			f.Add(i, d.text)
		}
	}
	f.Fuzz(func(t *testing.T, i int, text []byte) {
		i = int(uint(i) % uint(len(all)))
		m := manifest.All()[i]
		if _, err := m.Format(m.Name, text); err != nil {
			return
		}
		if err := validate(all[i], text); err != nil {
			t.Errorf("%s: bkt reads %s, and by the schema: %v", m.Name, text, err)
		}
	})
}

// TestSchemasAcceptOtherSamples checks that schemas accept the manifests that are samples in
// the tests of other packages.
func TestSchemasAcceptOtherSamples(t *testing.T) {
	archives, err := filepath.Glob("../manifest/testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	read := 0
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			for _, f := range manifest.All() {
				if _, err := f.Format(f.Name, file.Data); err != nil {
					continue
				}
				read++
				if err := validate(compile(t, f), file.Data); err != nil {
					t.Errorf("%s: %s: by the schema of %s: %v", path, file.Name, f.Name, err)
				}
			}
		}
	}
	if read == 0 {
		t.Error("bkt reads none of the samples")
	}
}

// TestOwnManifests checks the manifests of this repository.
func TestOwnManifests(t *testing.T) {
	for _, f := range manifest.All() {
		text, err := os.ReadFile(filepath.Join("../../manifests", f.Name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(compile(t, f), text); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}
