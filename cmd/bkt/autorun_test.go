package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/containerfile"
	"bkt/internal/live"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/workspace"
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
	round := &autoRound{system: system{live.System{Workspace: workspace.Workspace{Repo: r}}}}
	other := reconcile.NewEdits(r.FS())
	other.WriteFile("manifests/distrobox.json", []byte(strings.Replace(boxes, "/opt/a", "/opt/b", 1)))

	stale := round.render(t.Context(), other)
	if len(stale) != 1 || stale[0].name != "Containerfile" || !stale[0].stale {
		t.Fatalf("of sections that were not what the manifests said: %+v", stale)
	}
	put("Containerfile", strings.Replace(empty, "# === END", "RUN someone's\n# === END", 1))
	if theirs := round.render(t.Context(), other); len(theirs) != 1 || !theirs[0].stale {
		t.Errorf("of a section that bkt has never rendered: %+v", theirs)
	}
	put("Containerfile", empty)
	inStep := containerfile.Render(t.Context(), r.FS(), "Containerfile", containerfile.Unchanged)
	if inStep.Err != nil {
		t.Fatal(inStep.Err)
	}
	put("Containerfile", string(inStep.Text))
	if same := round.render(t.Context(), reconcile.NewEdits(r.FS())); len(same) != 0 {
		t.Errorf("of no edit: %+v", same)
	}
	changed := round.render(t.Context(), other)
	if len(changed) != 1 || changed[0].stale || !strings.Contains(string(changed[0].text), "/opt/b") || strings.Contains(string(changed[0].text), "/opt/a") {
		t.Errorf("of an edit: %+v", changed)
	}
}

// TestIdentities checks that computers and checkouts are told apart, again and
// again in the same way, and that the identity of the machine cannot be read
// off.
func TestIdentities(t *testing.T) {
	const one, other = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcde0"
	seen := map[string]string{}
	for _, machine := range []string{one, other, "ONCE MADE UP"} {
		for _, checkout := range []string{"/home/a/ws", "/home/b/ws"} {
			got := identityOf(machine, checkout)
			if before, ok := seen[got]; ok || len(got) != 8 || strings.Contains(machine, got) {
				t.Errorf("%s %s is %q, as is %s", machine, checkout, got, before)
			}
			seen[got] = machine + " " + checkout
			if again := identityOf(machine, checkout); again != got {
				t.Errorf("%s and then %s", got, again)
			}
		}
	}
}

func TestMachineWithoutIdentity(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	for text, want := range map[string]string{
		id + "\n": id, "": "", "uninitialized\n": "", "0123\n": "", strings.Repeat("0", 32) + "\n": "", strings.Repeat("x", 32): "",
	} {
		file := filepath.Join(t.TempDir(), "machine-id")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := machineID(file); got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
		r := &autoRound{}
		first := r.identity(file)
		if kept := r.state.Computer != ""; kept != (want == "") || r.identity(file) != first {
			t.Errorf("%q: %q, kept: %v, then %q", text, first, kept, r.identity(file))
		}
	}
	other := &autoRound{}
	if r := (&autoRound{}); r.identity("/missing") == other.identity("/missing") {
		t.Error("two computers without an identity have the same one")
	}
}
