package autocapture

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"bkt/internal/testkit"
)

// gitIn creates the repository of a run, with one commit of all files, and returns a
// function that runs git in it.
func gitIn(t *testing.T, r *captureRun) func(args ...string) string {
	t.Helper()
	testkit.Need(t, "git")
	for name, value := range map[string]string{
		"HOME": t.TempDir(), "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
	} {
		t.Setenv(name, value)
	}
	git := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("git", append([]string{"-C", r.system.Repo.Root}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	git("init", "-q", "-b", "main")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	return git
}

// TestCommitJournal checks that exactly the files that still have their captured
// content are committed, and that the user's index stays unchanged.
func TestCommitJournal(t *testing.T) {
	r := in(t, map[string]string{"m": "old", "edited": "old", "staged": "old"})
	git := gitIn(t, r)
	for _, name := range []string{"m", "new", "edited", "staged"} {
		write(t, r.system.Repo.Path(name), "captured")
	}
	write(t, r.system.Repo.Path("edited"), "someone's")
	git("add", "staged")
	captured := hash([]byte("captured"))
	r.state.Journal = &journal{map[string]string{"m": captured, "new": captured, "edited": captured}, []string{"x"}, map[string]int{"services": 2}, nil}
	r.tree.Branch = "main"
	if err := r.commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := git("show", "--name-only", "--format=%s"), "Capture 2 changes on desk\n\nm\nnew\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := git("status", "--porcelain"), " M edited\nM  staged\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if r.state.Journal != nil || r.state.Captured != 2 || r.state.Commit == "" || r.state.Unpushed {
		t.Errorf("%+v", r.state)
	}
}

// TestRefusedCommit checks that a commit that a hook refuses leaves the journal and the
// index as they were, and so does one that takes too long.
func TestRefusedCommit(t *testing.T) {
	// The second hook waits for someone to write into a pipe.
	for hook, want := range map[string]string{"echo not today >&2; exit 1": "not today", "exec cat .git/pipe >/dev/null 2>&1": "timed out"} {
		t.Run(want, func(t *testing.T) {
			r := in(t, map[string]string{"m": "old"})
			git := gitIn(t, r)
			write(t, r.system.Repo.Path(".git/hooks/pre-commit"), "#!/bin/sh\n"+hook+"\n")
			if err := os.Chmod(r.system.Repo.Path(".git/hooks/pre-commit"), 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, r.system.Repo.Path("new"), "captured")
			r.state.Journal = &journal{map[string]string{"new": hash([]byte("captured"))}, nil, nil, nil}
			r.tree.Branch = "main"
			if want == "timed out" {
				r.CommitTimeout = 200 * time.Millisecond
				pipe := r.system.Repo.Path(".git/pipe")
				if err := syscall.Mkfifo(pipe, 0o600); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { // ends the hook
					if f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
						f.Close()
					}
				})
			}
			if err := r.commit(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v", err)
			}
			if got := git("status", "--porcelain"); got != "?? new\n" {
				t.Errorf("left: %q", got)
			}
			if r.state.Journal == nil || r.state.Committed != nil {
				t.Errorf("%+v", r.state)
			}
		})
	}
}

// TestCommitOnAnotherBranch checks that nothing is committed to a branch that was
// checked out meanwhile.
func TestCommitOnAnotherBranch(t *testing.T) {
	r := in(t, map[string]string{"m": "old"})
	git := gitIn(t, r)
	write(t, r.system.Repo.Path("m"), "captured")
	r.state.Journal = &journal{map[string]string{"m": hash([]byte("captured"))}, nil, nil, nil}
	r.tree.Branch = "main"
	git("switch", "-q", "-c", "other")
	if err := r.commit(t.Context()); err != nil || r.state.Journal == nil || r.tree.Busy == "" {
		t.Errorf("%v, %+v", err, r.state)
	}
	if got := git("status", "--porcelain"); got != " M m\n" {
		t.Errorf("%q", got)
	}
}

// TestUncommittable checks which files are not captured, as git would not commit them.
func TestUncommittable(t *testing.T) {
	r := in(t, map[string]string{".gitignore": "ignored\n", "dir/m": "x"})
	gitIn(t, r)
	if err := os.Symlink("dir", r.system.Repo.Path("link")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"dir/m": "", "new": "", "ignored": "git ignores ignored", "link/m": "link is a symbolic link, which git does not follow"} {
		got, err := r.uncommittable(t.Context(), []string{"dir/m", name})
		if got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestPushSetting checks that a setting that cannot be read is an error, and not the
// same as one that is missing.
func TestPushSetting(t *testing.T) {
	r := in(t, map[string]string{"m": "old"})
	git := gitIn(t, r)
	if pushes, err := r.git.pushes(t.Context()); pushes || err != nil {
		t.Errorf("not set: %v, %v", pushes, err)
	}
	for value, want := range map[string]bool{"true": true, "no": false} {
		git("config", pushKey, value)
		if pushes, err := r.git.pushes(t.Context()); pushes != want || err != nil {
			t.Errorf("%s: %v, %v", value, pushes, err)
		}
	}
	git("config", pushKey, "sometimes")
	if pushes, err := r.git.pushes(t.Context()); pushes || err == nil {
		t.Errorf("no error of a value that is neither: %v", pushes)
	}
}
