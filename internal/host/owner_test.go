package host_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/testkit"
)

// TestDoGivesNewFilesToTheOwnerOfTheFolder has root write into a folder of another
// user, by each kind of step.
func TestDoGivesNewFilesToTheOwnerOfTheFolder(t *testing.T) {
	testkit.NeedRoot(t, "give files away")
	local := t.TempDir()
	put(t, local+"/x", "content", 0o600)
	for name, step := range map[string]func(dir string) plan.Step{
		"write": func(dir string) plan.Step { return plan.Write{Path: dir + "/a/f", Name: "f", New: []byte("x")} },
		"put":   func(dir string) plan.Step { return plan.Overwrite{Path: dir + "/a/b/f", Text: []byte("x")} },
		"fetch": func(dir string) plan.Step {
			return plan.Fetch{URL: "file://" + local + "/x", Path: dir + "/a/f", Limit: 100}
		},
		"install": func(dir string) plan.Step {
			return plan.Install{Source: plan.Source{URL: "file://" + local + "/x", SHA256: sumOfContent}, Path: dir + "/bin/f", Cache: dir + "/cache/f", Limit: 100, Finish: finisher{}}
		},
		"edit": func(dir string) plan.Step {
			put(t, dir+"/f", "[a]\n", 0o600)
			if err := os.Chown(dir+"/f", 1234, 5678); err != nil {
				t.Fatal(err)
			}
			return plan.EditKeyFile{Path: dir + "/f", Set: []plan.KeyValue{{Group: "a", Key: "b", Value: "c"}}}
		},
		"unzip": func(dir string) plan.Step {
			return plan.Unzip{Archive: put(t, local+"/f.zip", string(archive(t, good...)), 0o600), Dir: dir + "/folders/f", Limit: 100, Expect: isGood}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chown(dir, 1234, 5678); err != nil {
				t.Fatal(err)
			}
			p := plan.Plan{{Targets: []string{"f"}, Steps: []plan.Step{step(dir)}}}
			if err := (host.Executor{}).Execute(t.Context(), p, ignore); err != nil {
				t.Fatal(err)
			}
			checkOwned(t, dir, 1234, 5678)
		})
	}
}

// checkOwned checks that dir has files, and the owner of all of them.
func checkOwned(t *testing.T, dir string, uid, gid uint32) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !d.IsDir() {
			files++
		}
		if s := info.Sys().(*syscall.Stat_t); s.Uid != uid || s.Gid != gid {
			t.Errorf("%s is of %d:%d", path, s.Uid, s.Gid)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestGitRunsAsTheOwner has root stage a file in the repository of another user, who must be
// able to use it afterwards.
func TestGitRunsAsTheOwner(t *testing.T) {
	testkit.NeedRoot(t, "give files away")
	testkit.Need(t, "git")
	dir, err := os.MkdirTemp("", "bkt-test-") // others get there, as they do not into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	put(t, dir+"/f", "a\n", 0o644)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chown(dir, 1234, 5678), os.Chown(dir+"/f", 1234, 5678)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "f"}} {
		if err := host.RunGit(t.Context(), dir, args...); err != nil {
			t.Fatal(err)
		}
	}
	if err := (host.Executor{}).Execute(t.Context(), plan.Restage(dir, "f", []byte("a\n"), []byte("b\n")), ignore); err != nil {
		t.Fatal(err)
	}
	checkOwned(t, dir, 1234, 5678)
}

// TestGitRunsAsRootWhereItsOwnerCannotGo has a folder that only root can reach.
func TestGitRunsAsRootWhereItsOwnerCannotGo(t *testing.T) {
	testkit.NeedRoot(t, "give files away")
	outer := t.TempDir()
	dir := outer + "/theirs"
	if err := errors.Join(os.Chmod(outer, 0o700), os.Mkdir(dir, 0o755), os.Chown(dir, 1234, 5678)); err != nil {
		t.Fatal(err)
	}
	if err := host.RunGit(t.Context(), dir, "--version"); err != nil {
		t.Error(err)
	}
}
