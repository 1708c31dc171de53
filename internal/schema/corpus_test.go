package schema_test

import (
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/rogpeppe/go-internal/txtar"
)

// A document of the corpus is a manifest with the verdict that it should get.
type document struct {
	manifest.File
	name    string
	verdict string // "good", "form" or "other", see testdata/corpus/image.txtar
	text    []byte
	twice   bool // it has a field twice, which validators may refuse or not
}

func (d document) String() string { return d.Name + ": " + d.verdict + ": " + d.name }

// corpus returns the documents that are samples of a manifest.
func corpus(t testing.TB, f manifest.File) []document {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/corpus/" + strings.TrimSuffix(f.Name, ".json") + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all []document
	for _, file := range archive.Files {
		verdict, name, _ := strings.Cut(file.Name, ": ")
		if !slices.Contains([]string{"good", "form", "other"}, verdict) {
			t.Fatalf("%s: %s has no verdict", f.Name, file.Name)
		}
		all = append(all, document{f, name, verdict, file.Data, name == "a field twice"})
	}
	return all
}
