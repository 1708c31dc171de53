package githook_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/githook"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

const hookOfTop = `#!/bin/sh
# Renders the managed sections of what is staged (bkt init --hook).
test -d manifests || exit 0
exec bkt containerfile sync --staged
`

func TestPlan(t *testing.T) {
	tests := []struct {
		name   string
		isGit  bool   // the top folder is a git repository
		shared string // core.hooksPath
		dir    string // of the image repository
		old    string // the hook that exists
		hook   string // the text to write; empty: nothing
		err    string // the end of the error
		advice string
	}{
		{name: "no hook", isGit: true, dir: ".", hook: hookOfTop},
		{name: "up to date", isGit: true, dir: ".", old: hookOfTop},
		{name: "a folder with a blank", isGit: true, dir: "my image", hook: "#!/bin/sh\n" +
			"# Renders the managed sections of what is staged (bkt init --hook).\n" +
			"test -d 'my image'/manifests || exit 0\nexec bkt -C 'my image' containerfile sync --staged\n"},
		{name: "another hook", isGit: true, dir: ".", old: "#!/bin/sh\n",
			err: "/pre-commit: a different pre-commit hook exists", advice: `add the line "bkt containerfile sync --staged" to it`},
		{name: "another hook that runs bkt", isGit: true, dir: ".", old: "#!/bin/sh\nmake lint\nbkt containerfile sync --staged\n"},
		{name: "another hook, with bkt in a comment", isGit: true, dir: ".", old: "#!/bin/sh\n# bkt containerfile sync --staged\n",
			err: "/pre-commit: a different pre-commit hook exists", advice: `add the line "bkt containerfile sync --staged" to it`},
		{name: "the hook of another folder", isGit: true, dir: "two", old: "#!/bin/sh\nbkt -C one containerfile sync --staged\n",
			err: "/pre-commit: a different pre-commit hook exists", advice: `add the line "bkt -C two containerfile sync --staged" to it`},
		{name: "no git repository", dir: ".", err: " is not a git repository", advice: `run "git init" in it first`},
		{name: "hooks of several repositories", isGit: true, shared: "/nowhere/hooks", dir: ".",
			err: "git's folder for hooks, /nowhere/hooks, is shared with other repositories (core.hooksPath)"},
	}
	testkit.Need(t, "git")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := repository(t, tt.isGit, tt.shared, tt.dir, tt.old)
			p, err := githook.Plan(t.Context(), repo.Repo{Root: filepath.Join(top, tt.dir)})
			if tt.err != "" {
				if err == nil || !strings.HasSuffix(err.Error(), tt.err) {
					t.Fatalf("error %v, not %q", err, tt.err)
				}
				if hints := hint.Of(err); tt.advice != "" && (len(hints) != 1 || hints[0] != tt.advice) {
					t.Errorf("hints %q", hints)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.hook, written(t, p, filepath.Join(top, ".git/hooks/pre-commit"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestHooksOfTheWorkTree has a folder of hooks that is part of the repository, so that a link
// in it may come from someone else.
func TestHooksOfTheWorkTree(t *testing.T) {
	testkit.Need(t, "git")
	for _, tt := range []struct {
		link, target string // $TOP is the top folder
		hook         bool   // it is written
	}{
		{".husky", "hooks", true},
		{".husky", "$TOP/hooks", true},
		{".husky", "../outside", false},
		{".husky/pre-commit", "../../outside/authorized_keys", false},
	} {
		top := repository(t, true, ".husky", ".", "")
		outside := filepath.Join(filepath.Dir(top), "outside")
		write(t, filepath.Join(outside, "authorized_keys"), "mine")
		write(t, filepath.Join(top, "hooks/other"), "")
		link := filepath.Join(top, tt.link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(strings.ReplaceAll(tt.target, "$TOP", top), link)); err != nil {
			t.Fatal(err)
		}
		p, err := githook.Plan(t.Context(), repo.Repo{Root: top})
		if err == nil {
			err = host.Executor{}.Execute(t.Context(), p, nil)
		}
		if (err == nil) != tt.hook || err != nil && !strings.Contains(err.Error(), "outside of "+top) {
			t.Errorf("%s -> %s: %v", tt.link, tt.target, err)
		}
		if _, err := os.Stat(filepath.Join(top, "hooks/pre-commit")); (err == nil) != tt.hook {
			t.Errorf("%s -> %s: the hook: %v", tt.link, tt.target, err)
		}
		if found, err := filepath.Glob(outside + "/*"); err != nil || len(found) != 1 {
			t.Errorf("%s -> %s: outside are %q", tt.link, tt.target, found)
		}
	}
}

// repository returns a new folder with an image repository at dir.
func repository(t *testing.T, isGit bool, shared, dir, hook string) string {
	t.Helper()
	for _, name := range []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"} { // of a git that runs the tests
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	top := t.TempDir()
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(top))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(t.TempDir(), "gitconfig"))
	if isGit {
		run(t, top, "init", "-q")
	}
	if shared != "" {
		run(t, top, "config", "core.hooksPath", shared)
	}
	if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if hook != "" {
		write(t, filepath.Join(top, ".git/hooks/pre-commit"), hook)
	}
	return top
}

func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// written returns the text that a plan writes to a file, "" if the plan is empty.
func written(t *testing.T, p plan.Plan, name string) string {
	t.Helper()
	if len(p) == 0 {
		return ""
	}
	if len(p) > 1 || len(p[0].Steps) != 1 {
		t.Fatalf("plan %v", p)
	}
	w, ok := p[0].Steps[0].(plan.Write)
	if !ok || w.Path != name || w.Mode != 0o755 {
		t.Fatalf("step %+v", p[0].Steps[0])
	}
	return string(w.New)
}
