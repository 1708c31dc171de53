package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestAdd adds two programs that share a module, one of them with another module in its
// place. Each module is there once, and every relationship is between what is there.
func TestAdd(t *testing.T) {
	var d document
	shared := &debug.Module{Path: "example.org/Shared", Version: "v1.2.3+incompatible"}
	replaced := &debug.Module{Path: "example.org/old", Version: "v0.0.1", Replace: &debug.Module{Path: "example.org/new", Version: "v2.0.0"}}
	d.add(program("build/amd64/one", "v1.0.0", "12"), &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{shared}})
	d.add(program("build/amd64/two", "v1.0.0", "34"), &debug.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{shared, replaced}})
	var names, purls []string
	for _, p := range d.Packages {
		names = append(names, p.Name+" "+p.VersionInfo)
		for _, r := range p.ExternalRefs {
			purls = append(purls, r.Locator)
		}
	}
	if want := []string{"one v1.0.0", "stdlib 1.26.8", "example.org/Shared v1.2.3+incompatible", "two v1.0.0", "example.org/new v2.0.0"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if want := []string{"pkg:golang/stdlib@1.26.8", "pkg:golang/example.org/shared@v1.2.3%2Bincompatible", "pkg:golang/example.org/new@v2.0.0"}; !slices.Equal(purls, want) {
		t.Errorf("got %q, want %q", purls, want)
	}
	checkReferences(t, d)
	if n := len(d.Relationships); n != 2+5 {
		t.Errorf("%d relationships: %v", n, d.Relationships)
	}
}

// TestDescribe describes this test itself, twice.
func TestDescribe(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var texts [2][]byte
	for i := range texts {
		d, err := describe("v1.0.0", "2026-12-01T00:00:00Z", []string{self})
		if err != nil {
			t.Fatal(err)
		}
		checkReferences(t, d)
		if texts[i], err = json.Marshal(d); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Errorf("they differ:\n%s\n%s", texts[0], texts[1])
	}
	if want := `"versionInfo":"` + strings.TrimPrefix(runtime.Version(), "go") + `"`; !bytes.Contains(texts[0], []byte(want)) {
		t.Errorf("no %s in %s", want, texts[0])
	}
	if _, err := describe("v1.0.0", "", []string{"main.go"}); err == nil {
		t.Error("a file that is no program is described")
	}
}

func checkReferences(t *testing.T, d document) {
	t.Helper()
	ids := map[string]bool{documentID: true}
	for _, p := range d.Packages {
		if ids[p.SPDXID] || !regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`).MatchString(p.SPDXID) {
			t.Errorf("%s is there twice, or no identifier", p.SPDXID)
		}
		ids[p.SPDXID] = true
	}
	for _, r := range d.Relationships {
		if !ids[r.Element] || !ids[r.Related] {
			t.Errorf("%v is about what is not there", r)
		}
	}
}
