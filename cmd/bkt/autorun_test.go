package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/reconcile"
	"bkt/internal/repo"
)

// The texts of a repository whose box exports one program, and then another.
const (
	boxes = `{"containers": {"dev": {"image": "x", "bins": {"also": ["/opt/a"], "to": "/usr/bin"}}}}`
	empty = "FROM base\n# === HOST_EXPORTS (managed by bkt) ===\n# === END HOST_EXPORTS ===\n"
)

// TestCaptureRendersSections checks that what is captured changes the sections
// that are made of it, and that nothing else that is due comes along.
func TestCaptureRendersSections(t *testing.T) {
	dir := t.TempDir()
	r := repo.Repo{Root: dir}
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("manifests/distrobox.json", boxes)
	put("Containerfile", empty)
	put("toolbox/Containerfile", "FROM base\n")
	round := &autoRound{system: system{repo: r}}
	other := reconcile.NewEdits(r.FS())
	other.WriteFile("manifests/distrobox.json", []byte(strings.Replace(boxes, "/opt/a", "/opt/b", 1)))

	stale := round.render(t.Context(), other)
	if len(stale) != 1 || stale[0].name != "Containerfile" || !stale[0].stale {
		t.Fatalf("of sections that were not what the manifests said: %+v", stale)
	}
	inStep := render(t.Context(), r.FS(), "Containerfile", asIs)
	if inStep.err != nil {
		t.Fatal(inStep.err)
	}
	put("Containerfile", string(inStep.text))
	if same := round.render(t.Context(), reconcile.NewEdits(r.FS())); len(same) != 0 {
		t.Errorf("of no edit: %+v", same)
	}
	changed := round.render(t.Context(), other)
	if len(changed) != 1 || changed[0].stale || !strings.Contains(string(changed[0].text), "/opt/b") || strings.Contains(string(changed[0].text), "/opt/a") {
		t.Errorf("of an edit: %+v", changed)
	}
}
