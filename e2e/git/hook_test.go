package git_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestHooks commits with the hooks that the documents describe, by the real git and
// the real pre-commit program (https://pre-commit.com).
func TestHooks(t *testing.T) {
	testkit.Need(t, "git", "pre-commit")
	bin := testkit.Programs(t)
	tests := []struct {
		name    string
		install func(t *testing.T, g gitRepo)
	}{
		{"of git", func(*testing.T, gitRepo) {}}, // bkt init has installed it
		{"of pre-commit", installPreCommit},
		{"of pre-commit with our hooks", installOffered},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newGitRepo(t, bin)
			tt.install(t, g)
			checkStaged(t, g)
			checkRemoved(t, g)
		})
	}
	t.Run("check refuses", func(t *testing.T) {
		g := newGitRepo(t, bin)
		g.run(t, "rm", ".git/hooks/pre-commit")
		g.write(t, ".pre-commit-config.yaml", "repos: [{repo: local, hooks: [{id: check, name: check, entry: bkt containerfile sync --staged --check, language: system, pass_filenames: false}]}]\n")
		g.run(t, "pre-commit", "install")
		g.write(t, "manifests/toolbox-packages.json", `{"packages": ["jq"]}`)
		g.run(t, "git", "add", ".")
		if out, err := g.command("git", "commit", "-m", "stale").CombinedOutput(); err == nil || !strings.Contains(string(out), "+    jq") {
			t.Errorf("%v\n%s", err, out)
		}
		g.run(t, "bkt", "containerfile", "sync")
		g.run(t, "git", "commit", "-qam", "fixed")
	})
}

// installPreCommit installs pre-commit with a configuration of someone else, to which bkt adds
// its hook.
func installPreCommit(t *testing.T, g gitRepo) {
	t.Helper()
	g.run(t, "rm", ".git/hooks/pre-commit")
	g.write(t, ".pre-commit-config.yaml", "repos:\n  - repo: local\n    hooks:\n      - {id: other, name: other, entry: 'true', language: system}\n")
	g.run(t, "pre-commit", "install")
	if out, err := g.command("bkt", "doctor").CombinedOutput(); err == nil || !strings.Contains(string(out), "a commit does not update managed sections") {
		t.Errorf("%v\n%s", err, out)
	}
	g.run(t, "bkt", "init", "--hook")
	g.run(t, "pre-commit", "validate-config")
	if out := g.run(t, "bkt", "init", "--hook"); !strings.Contains(out, "nothing to do") {
		t.Errorf("%s", out)
	}
	g.run(t, "git", "add", ".pre-commit-config.yaml")
	g.run(t, "git", "commit", "-qm", "hooks")
}

// installOffered has pre-commit run a hook that this repository offers.
func installOffered(t *testing.T, g gitRepo) {
	t.Helper()
	g.run(t, "rm", ".git/hooks/pre-commit")
	dir := sources(t)
	rev := strings.TrimSpace(g.run(t, "git", "-C", dir, "rev-parse", "HEAD"))
	g.write(t, ".pre-commit-config.yaml", "repos: [{repo: "+dir+", rev: "+rev+", hooks: [{id: bkt-containerfile-sync}]}]\n")
	g.run(t, "pre-commit", "install")
	g.run(t, "git", "add", ".pre-commit-config.yaml")
	g.run(t, "git", "commit", "-qm", "hooks", "--no-verify")
}

// TestOfferedHookBuilds runs an offered hook where bkt is not installed: it builds bkt once.
func TestOfferedHookBuilds(t *testing.T) {
	if !testkit.Full() {
		t.Skip("builds bkt: set BKT_TEST_FULL=1")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	home, dir := t.TempDir(), sources(t)
	for _, want := range []bool{true, false} {
		cmd := exec.Command(filepath.Join(dir, "scripts/pre-commit-hook.sh"), "--version")
		cmd.Env = []string{"PATH=" + filepath.Dir(goTool) + ":/usr/bin:/bin", "HOME=" + home, "GOCACHE=" + goEnv(t, "GOCACHE"), "GOMODCACHE=" + goEnv(t, "GOMODCACHE"), "GOTOOLCHAIN=local"}
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "building it once") != want {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestOfferedHooks checks that pre-commit accepts the hooks that this repository
// offers. TestHooks runs them with BKT_TEST_FULL=1.
func TestOfferedHooks(t *testing.T) {
	testkit.Need(t, "pre-commit")
	if out, err := exec.Command("pre-commit", "validate-manifest", "../../.pre-commit-hooks.yaml").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// checkStaged commits a manifest that is staged in part: the commit must contain the
// staged manifest and the section that is rendered from it.
func checkStaged(t *testing.T, g gitRepo) {
	t.Helper()
	g.write(t, "manifests/toolbox-packages.json", `{"packages": ["jq"]}`)
	g.run(t, "git", "add", "manifests")
	g.write(t, "manifests/toolbox-packages.json", `{"packages": ["jq", "yq"]}`)
	g.commit(t)
	text := g.run(t, "git", "show", "HEAD:toolbox/Containerfile")
	if !strings.Contains(text, "\n    jq \\\n") || strings.Contains(text, "yq") {
		t.Errorf("committed:\n%s", text)
	}
	if text := g.run(t, "git", "show", "HEAD:manifests/toolbox-packages.json"); text != `{"packages": ["jq"]}` {
		t.Errorf("committed: %s", text)
	}
	if text, _ := os.ReadFile(filepath.Join(g.dir, "manifests/toolbox-packages.json")); !strings.Contains(string(text), "yq") {
		t.Errorf("the work tree has lost what was not staged: %s", text)
	}
}

// checkRemoved commits the removal of a manifest, and nothing else.
func checkRemoved(t *testing.T, g gitRepo) {
	t.Helper()
	g.run(t, "git", "rm", "-qf", "manifests/toolbox-packages.json")
	g.commit(t)
	if text := g.run(t, "git", "show", "HEAD:toolbox/Containerfile"); strings.Contains(text, "jq") {
		t.Errorf("committed:\n%s", text)
	}
}

// TestHooksKeepEdits commits while the work tree has edits that are not staged: the
// commit does not contain them, and they are still in the work tree afterwards.
func TestHooksKeepEdits(t *testing.T) {
	testkit.Need(t, "git", "pre-commit")
	bin := testkit.Programs(t)
	const toolbox = "toolbox/Containerfile"
	edits := []struct {
		name, file, text string // added to the file
		after            string // the text before the addition; "": at the end
	}{
		{"to what is not a section", toolbox, "RUN echo mine\n", ""},
		{"right below a section", toolbox, "RUN echo mine\n", "# === END TOOLBOX_PACKAGES ===\n"},
		{"right above a section", toolbox, "RUN echo mine\n", "# === END COPR_REPOS ===\n"},
		{"to a manifest", "manifests/image.json", "\n\n", ""},
		{"a manifest that git does not know", "manifests/distrobox.json", `{"containers": {"dev": {"image": "x", "env": {"A": "mine"}}}}`, ""},
	}
	for hook, install := range map[string]func(*testing.T, gitRepo){"git": func(*testing.T, gitRepo) {}, "pre-commit": installPreCommit} {
		for _, tt := range edits {
			t.Run(hook+"/"+tt.name, func(t *testing.T) {
				g := newGitRepo(t, bin)
				install(t, g)
				g.write(t, "manifests/toolbox-packages.json", `{"packages": ["jq"]}`)
				g.run(t, "git", "add", "manifests")
				g.add(t, tt.file, tt.after, tt.text)
				g.commit(t)
				if text := g.run(t, "git", "show", "HEAD:"+toolbox); !strings.Contains(text, "\n    jq \\\n") || strings.Contains(text, "mine") {
					t.Errorf("committed:\n%s", text)
				}
				if text := g.read(t, tt.file); !strings.Contains(text, tt.after+tt.text) {
					t.Errorf("the edit is lost:\n%s", text)
				}
			})
		}
	}
}

// commit commits the staged files. pre-commit aborts a commit if a hook changes its
// files: then commit first follows the hint in the hook's message.
func (g gitRepo) commit(t *testing.T) {
	t.Helper()
	out, err := g.command("git", "commit", "-qm", "one").CombinedOutput()
	if err == nil {
		return
	}
	if !strings.Contains(string(out), `bkt: to commit it, run "bkt containerfile sync --staged" first`) {
		t.Fatalf("%v\n%s", err, out)
	}
	g.run(t, "bkt", "containerfile", "sync", "--staged")
	g.run(t, "git", "commit", "-qm", "one")
}

// A gitRepo is an image repository under git.
type gitRepo struct {
	dir string
	env []string
}

func newGitRepo(t *testing.T, bin string) gitRepo {
	t.Helper()
	home := t.TempDir()
	g := gitRepo{dir: filepath.Join(home, "repo")}
	g.env = append(os.Environ(),
		"PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home, "PRE_COMMIT_HOME="+home+"/pre-commit",
		"GIT_CONFIG_GLOBAL="+home+"/gitconfig", "GIT_CONFIG_NOSYSTEM=1", "CGO_ENABLED=0", "GOTOOLCHAIN=local",
		"GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"), "GOFLAGS=-modcacherw")
	config := "[user]\n\tname = Test\n\temail = test@example.org\n[safe]\n\tdirectory = *\n[protocol \"file\"]\n\tallow = always\n"
	if err := os.WriteFile(home+"/gitconfig", []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g.run(t, "bkt", "init")
	g.run(t, "git", "add", ".")
	g.run(t, "git", "commit", "-qm", "start")
	return g
}

// command returns a command in the repository. Its environment has no variables of a
// git that runs the tests, in a hook perhaps.
func (g gitRepo) command(argv ...string) *exec.Cmd {
	cmd := exec.Command("env", append([]string{"-u", "GIT_DIR", "-u", "GIT_INDEX_FILE", "-u", "GIT_WORK_TREE"}, argv...)...)
	cmd.Dir, cmd.Env = g.dir, g.env
	return cmd
}

func (g gitRepo) run(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := g.command(argv...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

func (g gitRepo) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (g gitRepo) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// add adds text to a file, after the text in after, or at the end if that is empty.
func (g gitRepo) add(t *testing.T, name, after, text string) {
	t.Helper()
	old := g.read(t, name)
	at := strings.Index(old, after)
	if at < 0 {
		t.Fatalf("%s has no %q", name, after)
	}
	if at += len(after); after == "" {
		at = len(old)
	}
	g.write(t, name, old[:at]+text+old[at:])
}

// sources returns a git repository with the sources in the work tree.
func sources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files, err := exec.Command("git", "-C", "../..", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	copying := exec.Command("tar", "-C", "../..", "--null", "--files-from=-", "--ignore-failed-read", "-cf", dir+".tar")
	copying.Stdin = strings.NewReader(string(files))
	for _, cmd := range []*exec.Cmd{
		copying,
		exec.Command("tar", "-C", dir, "-xf", dir+".tar"),
		exec.Command("git", "-C", dir, "init", "-q"),
		exec.Command("git", "-C", dir, "add", "."),
		exec.Command("git", "-C", dir, "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-qm", "sources"),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	return dir
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
