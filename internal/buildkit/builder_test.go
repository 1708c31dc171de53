package buildkit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/engineclient"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBuildRefusesForeignFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "context", "Containerfile"), "FROM scratch\n")
	write(t, filepath.Join(dir, "home", "letter"), "precious")
	s := buildspec.Spec{Containerfile: "Containerfile", Context: filepath.Join(dir, "context")}
	_, err := buildkit.Builder{}.Build(t.Context(), s, filepath.Join(dir, "home"), os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "neither empty nor an OCI layout: it holds letter") {
		t.Errorf("error is %v", err)
	}
	_, err = buildkit.Builder{}.Build(t.Context(), s, s.Context, os.Stderr)
	if err == nil || !strings.Contains(err.Error(), "cannot hold the image, too") {
		t.Errorf("error is %v", err)
	}
}

func TestMissingEngine(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "context", "Containerfile"), "FROM scratch\n")
	s := buildspec.Spec{Containerfile: "Containerfile", Context: filepath.Join(dir, "context")}
	b := buildkit.Builder{Config: engineclient.Config{Address: "unix://" + filepath.Join(dir, "sock")}}
	_, err := b.Build(t.Context(), s, filepath.Join(dir, "out"), os.Stderr)
	want := "engine " + b.Config.Address + ": dial unix " + filepath.Join(dir, "sock") + ": connect: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
