package traced_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"bkt/internal/testkit"
	"bkt/internal/testkit/traced"
)

// script uses files in several ways: relative, by a link, in another folder.
const script = `
cat in/link >/dev/null
cd in
mkdir made
mv made moved
ln -s /nowhere dangling
echo x >written
cat 'a "b" c' missing 2>/dev/null
rmdir moved
`

// TestRun checks what a script is seen to do.
func TestRun(t *testing.T) {
	testkit.Need(t, "strace")
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"outside": "x", "in/a \"b\" c": "x", "script": script} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../outside", filepath.Join(dir, "in/link")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "script")
	cmd.Dir = dir
	calls, err := traced.Run(cmd)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		program, path string
		write, failed bool
	}{
		{"cat", "outside", false, false},
		{"mkdir", "in/made", true, false},
		{"mv", "in/moved", true, false},
		{"ln", "in/dangling", true, false},
		{"sh", "in/written", true, false},
		{"cat", `in/a "b" c`, false, false},
		{"cat", "in/missing", false, true},
		{"rmdir", "in/moved", true, false},
	} {
		if !slices.ContainsFunc(calls, func(c traced.Call) bool {
			return c.Program == want.program && c.Write == want.write && c.Failed == want.failed && slices.Contains(c.Paths, filepath.Join(dir, want.path))
		}) {
			t.Errorf("%s of %s is not seen (%+v)", want.program, want.path, want)
		}
	}
}
