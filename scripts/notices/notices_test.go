package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCollect collects from a module that has copied code with another licence.
func TestCollect(t *testing.T) {
	root := t.TempDir()
	write(t, root, "LICENSE", "MIT")
	write(t, root, "NOTICE.txt", "a notice")
	write(t, root, "license.go", "package x")
	write(t, root, "copied/x.LICENSE", "BSD")
	write(t, root, "unused/LICENSE", "GPL")
	write(t, root, "copied/inner/x.go", "package inner")
	empty := t.TempDir()
	modules, err := collect([]pkg{
		{module: "example.org/x", version: "v1.0.0", root: root, dir: filepath.Join(root, "copied", "inner")},
		{module: "bkt/cmd/bkt", root: empty, dir: empty},
	})
	if err != nil || len(modules) != 1 {
		t.Fatal(modules, err)
	}
	text := string(render(modules))
	for _, want := range []string{"example.org/x v1.0.0\n", "x: LICENSE\n\nMIT\n", "x: NOTICE.txt\n\na notice\n", "x: copied/x.LICENSE\n\nBSD\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, not := range []string{"GPL", "package", "bkt/cmd"} {
		if strings.Contains(text, not) {
			t.Errorf("%q in\n%s", not, text)
		}
	}
}

// TestNoLicence checks that a module without a licence is an error.
func TestNoLicence(t *testing.T) {
	dir := t.TempDir()
	if _, err := collect([]pkg{{module: "example.org/x", version: "v1.0.0", root: dir, dir: dir}}); err == nil {
		t.Error("no error")
	}
}

// TestSharedText checks that a text of several modules is written once.
func TestSharedText(t *testing.T) {
	text := string(render([]module{
		{name: "a", version: "v1.0.0", texts: map[string]string{"LICENSE": "MIT\n"}},
		{name: "b", version: "v1.0.0", texts: map[string]string{"COPYING": "MIT  \r\n\r\n"}},
	}))
	if !strings.Contains(text, "a: LICENSE\nb: COPYING\n\nMIT\n") || strings.Count(text, "MIT") != 1 {
		t.Error(text)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
