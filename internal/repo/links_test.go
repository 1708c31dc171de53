package repo_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/plan"
	"bkt/internal/repo"

	"github.com/google/go-cmp/cmp"
)

// linked returns a repository with links to a folder beside it.
func linked(t *testing.T) (r repo.Repo, outside string) {
	t.Helper()
	dir := populate(t, "repo/manifests/", "repo/Containerfile", "outside/x.json", "outside/Containerfile")
	for name, target := range map[string]string{
		"repo/manifests/x.json": "../../outside/x.json", "repo/toolbox": "../outside", "repo/build": "/nowhere/build", "repo/inside": "Containerfile",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return repo.Repo{Root: dir + "/repo"}, dir + "/outside"
}

// TestLinksOut checks what the repository does about links that lead out of it, and that
// files count as existing, so that reading them is the error.
func TestLinksOut(t *testing.T) {
	r, outside := linked(t)
	permitted := repo.Repo{Root: r.Root, Links: func() ([]string, error) { return []string{outside}, nil }}
	for _, name := range []string{"manifests/x.json", "toolbox/Containerfile"} {
		if _, err := fs.ReadFile(r.FS(), name); err == nil || !strings.Contains(err.Error(), "outside of "+r.Root) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, err := fs.ReadFile(permitted.FS(), name); err != nil {
			t.Errorf("%s, permitted: %v", name, err)
		}
		if !r.Has(name) || !permitted.Has(name) {
			t.Errorf("%s does not exist", name)
		}
	}
	if permitted.Has("toolbox/missing") {
		t.Error("toolbox/missing exists")
	}
	checkFound(t, r.Root, r.Root)
}

// TestRewrite checks that only links that lead out ask for the permitted folders.
func TestRewrite(t *testing.T) {
	r, outside := linked(t)
	r.Links = func() ([]string, error) { return []string{outside}, nil }
	for name, want := range map[string][]string{
		"new": {r.Root}, "inside": {r.Root}, "toolbox/Containerfile": {r.Root, outside}, "manifests/x.json": {r.Root, outside},
	} {
		wanted := plan.RewriteWithin(want, r.Path(name), name, nil, []byte("x"))
		if diff := cmp.Diff(wanted, r.Rewrite(name, nil, []byte("x"))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if within := r.Within(outside + "/report.xml"); within != nil {
		t.Errorf("a file elsewhere must be in %q", within)
	}
}

func TestFollow(t *testing.T) {
	r, outside := linked(t)
	for path, want := range map[string]string{
		r.Path("inside"): r.Path("Containerfile"), r.Path("new/x"): r.Path("new/x"), outside + "/x": outside + "/x",
		r.Path("build/system"): "", r.Path("toolbox/x"): "",
	} {
		got, err := r.Follow(path)
		if (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
}

// TestLockThroughALink checks that a folder elsewhere is locked only if that is permitted.
func TestLockThroughALink(t *testing.T) {
	dir := populate(t, "repo/Containerfile", "outside/")
	if err := os.Symlink("../outside", dir+"/repo/manifests"); err != nil {
		t.Fatal(err)
	}
	r := repo.Repo{Root: dir + "/repo"}
	if _, err := r.Lock(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "outside of "+r.Root) {
		t.Errorf("error %v", err)
	}
	if _, err := r.TryLock(); err == nil {
		t.Error("locked")
	}
	r.Links = func() ([]string, error) { return []string{dir + "/outside"}, nil }
	lock := mustLock(t, r)
	defer lock.Close()
	if _, err := repo.TryLock(dir + "/outside"); err != repo.ErrLocked {
		t.Errorf("error %v", err)
	}
}

// TestProperties checks that a link is not followed for its own properties, but on the way
// to another file, if it stays in the repository.
func TestProperties(t *testing.T) {
	r, _ := linked(t)
	err := os.Symlink("manifests", r.Path("m"))
	if err == nil {
		err = os.WriteFile(r.Path("manifests/run"), nil, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"toolbox": "L ../outside", "build": "L /nowhere/build", "m": "L manifests", "m/run": "-rwxr-xr-x", "m/x.json": "L ../../outside/x.json"} {
		info, err := fs.Lstat(r.FS(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := info.Mode().String()
		if target, err := fs.ReadLink(r.FS(), name); err == nil {
			got = got[:1] + " " + target
		}
		if got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
	if _, err := fs.Lstat(r.FS(), "toolbox/Containerfile"); err == nil || !strings.Contains(err.Error(), "outside of "+r.Root) {
		t.Error(err)
	}
	if _, err := fs.Lstat(r.FS(), "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
