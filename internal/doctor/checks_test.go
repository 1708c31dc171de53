package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/finding"
	"bkt/internal/live"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/workspace"

	"github.com/google/go-cmp/cmp"
)

// targetWith returns a target whose repository has these files, by name, and whose
// folders are empty.
func targetWith(t *testing.T, files map[string]string) *Target {
	t.Helper()
	root, home := t.TempDir(), t.TempDir()
	target := &Target{}
	target.Workspace = workspace.Workspace{
		Repo:    repo.Repo{Root: root},
		Folders: workspace.Folders{Home: home, Cache: filepath.Join(home, ".cache"), State: filepath.Join(home, ".local/state")},
	}
	write(t, filepath.Join(root, "manifests", "image.json"), "{}")
	for name, text := range files {
		write(t, filepath.Join(root, name), text)
	}
	return target
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// summary returns a line for each problem: who fixes it, and its message, with paths
// below dir relative to it.
func summary(problems []Problem, dir string) []string {
	var lines []string
	for _, p := range problems {
		by := "user"
		if p.Plan != nil {
			by = "bkt"
		}
		lines = append(lines, by+": "+strings.ReplaceAll(p.Error(), dir+"/", ""))
	}
	return lines
}

// TestChecksThatCannotLook checks for every check that needs a manifest that an
// unreadable one counts neither as empty nor as healthy.
func TestChecksThatCannotLook(t *testing.T) {
	broken := map[string]string{"manifests/distrobox.json": "{,}", "manifests/flatpak-apps.json": "{,}"}
	stray := "#!/bin/sh\n# distrobox_binary\n# name: gone\n# exported by bkt: /usr/bin/gone\nexec distrobox-enter -n gone -- /usr/bin/gone \"$@\"\n"
	for _, c := range checks() {
		if !slices.Contains([]string{"path", "exports", "flatpak"}, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			target := targetWith(t, broken)
			write(t, filepath.Join(target.Folders.Home, ".local/bin/gone"), stray)
			found, err := c.look(t.Context(), target)
			if len(found) != 0 || err == nil || !strings.HasPrefix(err.Error(), "manifests/") {
				t.Errorf("%+v, %v", found, err)
			}
			target.Repo.Root = ""
			if found, err := c.look(t.Context(), target); len(found) != 0 || !errors.Is(err, errNoRepository) {
				t.Errorf("without a repository: %+v, %v", found, err)
			}
		})
	}
}

// TestExamine checks that a check that could not look is reported, unless it needs a
// repository outside of one, and that problems have the names of their checks.
func TestExamine(t *testing.T) {
	target := targetWith(t, map[string]string{"manifests/distrobox.json": "{,}"})
	problems, err := Examine(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	byCheck := map[string][]Problem{}
	for _, p := range problems {
		if p.Rule != "doctor/"+p.Subject {
			t.Errorf("%+v", p)
		}
		byCheck[p.Subject] = append(byCheck[p.Subject], p)
	}
	for name, notChecked := range map[string]bool{"manifests": false, "path": true, "exports": true} {
		if found := byCheck[name]; len(found) != 1 || found[0].NotChecked != notChecked || found[0].Plan != nil {
			t.Errorf("%s: %+v", name, found)
		}
	}
	outside := targetWith(t, nil)
	outside.Repo.Root, outside.RepositoryErr = "", repo.ErrNone
	problems, err = Examine(t.Context(), outside)
	for _, p := range problems {
		if p.NotChecked && p.Subject != "engine" {
			t.Errorf("outside of a repository: %+v", p)
		}
	}
	if err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Examine(ctx, outside); err == nil {
		t.Error("no error of an examination that was interrupted")
	}
}

// TestManifests checks which other files in the folder of manifests are problems.
func TestManifests(t *testing.T) {
	target := targetWith(t, map[string]string{
		"manifests/flatpak-app.json": "{}", "manifests/notes.json": "{}", "manifests/flatpak-app.txt": "",
		"manifests/gsettings.json": `{"setings": []}`, "manifests/gsettings.laptop.json": "{}", "manifests/host-shims.json": "{}",
	})
	found, err := brokenManifests(t.Context(), target)
	want := []string{
		`user: manifests/gsettings.json:1:2: unknown field "setings" (did you mean "settings"?)`,
		"user: manifests/flatpak-app.json: bkt has no manifest of this name, and ignores the file",
		"user: manifests/gsettings.laptop.json: bkt does not read this file: gsettings.json is for all platforms and computers",
		"user: manifests/host-shims.json: bkt does not read this file, which declares commands of the host in a container",
		"user: manifests/notes.json: bkt does not know this manifest, and ignores the file",
	}
	if diff := cmp.Diff(want, summary(found, target.Repo.Root)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	var notes []bool
	for _, p := range found {
		notes = append(notes, p.IsNote())
	}
	if diff := cmp.Diff([]bool{false, false, true, true, true}, notes); diff != "" {
		t.Error(diff)
	}
}

// TestOutdatedSchemas checks that bkt writes a missing schema of its own once, and one of
// another bkt, and does not change the name or the content of another file.
func TestOutdatedSchemas(t *testing.T) {
	const own, other = `{"$schema": "../schemas/gsettings.schema.json"}`, `{"$schema": "../schemas/mine.json"}`
	target := targetWith(t, map[string]string{
		"manifests/gsettings.json": own, "manifests/flatpak-apps.json": own, "manifests/distrobox.json": other,
		"manifests/services.json":        `{"$schema": "https://example.org/x.json"}`,
		"manifests/flatpak-remotes.json": `{"$schema": "../schemas/there.json"}`, "schemas/there.json": "{}",
		"manifests/image.json": `{"$schema": "../schemas/image.schema.json"}`, "schemas/image.schema.json": `{"title": "image.json"}`,
		"manifests/toolchains.json": `{"$schema": "../schemas/toolchains.schema.json"}`, "schemas/toolchains.schema.json": `{"title": "mine"}`,
	})
	found, err := outdatedSchemas(t.Context(), target)
	lines := summary(found, target.Repo.Root)
	slices.Sort(lines)
	want := []string{
		"bkt: manifests/flatpak-apps.json: its $schema schemas/gsettings.schema.json does not exist",
		"bkt: manifests/image.json: its $schema schemas/image.schema.json is not that of this bkt",
		"user: manifests/distrobox.json: its $schema schemas/mine.json does not exist",
	}
	if diff := cmp.Diff(want, lines); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// fake is a domain with a name and with items that are ignored.
type fake struct {
	reconcile.Reconciler
	reconcile.Comparison
	name    string
	ignored []string
	unread  []reconcile.Unread
	hidden  []string // declared items
}

func (f fake) Name() string               { return f.name }
func (f fake) Ignored() []string          { return f.ignored }
func (f fake) Unread() []reconcile.Unread { return f.unread }
func (f fake) Hidden() []string           { return f.hidden }
func (f fake) HiddenDeclared() []string   { return f.hidden }

// TestUselessPatterns checks which lines of the ignore file match nothing. The items of
// an unavailable domain are unknown.
func TestUselessPatterns(t *testing.T) {
	target := targetWith(t, map[string]string{workspace.IgnoreFile: "# units\nservices:user/a*\nservices:user/b*\ngsettings:x\n"})
	read := fake{name: "services", ignored: []string{"user/a.timer"}}
	target.Domains = []*live.Domain{{Reconciler: read, Comparison: read}, {Reconciler: fake{name: "gsettings"}, Err: errors.New("broken")}}
	found, err := uselessPatterns(t.Context(), target)
	want := []string{`user: .bktignore:3:1: "services:user/b*" matches nothing`}
	if diff := cmp.Diff(want, summary(found, target.Repo.Root)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	read.unread = []reconcile.Unread{{What: "b.timer", Err: errors.New("denied")}}
	target.Domains[0] = &live.Domain{Reconciler: read, Comparison: read}
	if found, err := uselessPatterns(t.Context(), target); len(found) != 0 || err != nil {
		t.Errorf("of a system that was read in part: %+v, %v", found, err)
	}
	target.Domains = nil
	if found, err := uselessPatterns(t.Context(), target); len(found) != 0 || err != nil {
		t.Errorf("of a system that was not read: %+v, %v", found, err)
	}
	target.RepositoryErr = errors.New("not valid")
	if found, _ := uselessPatterns(t.Context(), target); len(found) != 1 {
		t.Errorf("of a file that is not valid: %+v", found)
	}
}

// TestUnavailableDomains checks that domains, and parts of them, that cannot be read are
// problems if something in them is declared, and notes otherwise.
func TestUnavailableDomains(t *testing.T) {
	target := targetWith(t, nil)
	part := fake{name: "services", unread: []reconcile.Unread{{What: "user/a.service", Err: errors.New("denied")}}}
	declared := part
	declared.hidden = []string{"user/a.service"}
	target.Domains = []*live.Domain{
		{Reconciler: fake{name: "gsettings"}, Err: reconcile.Unavailablef("damaged"), Needed: true},
		{Reconciler: fake{name: "extensions"}, Err: reconcile.Unavailablef("damaged")},
		{Reconciler: fake{name: "distrobox"}, Err: reconcile.Absentf(false, "no podman")},
		{Reconciler: fake{name: "flatpak-apps"}, Err: errors.New("manifests/flatpak-apps.json: another check reports it")},
		{Reconciler: part, Comparison: part}, {Reconciler: declared, Comparison: declared},
	}
	found, err := unavailableDomains(t.Context(), target)
	var got []string
	for _, p := range found {
		got = append(got, fmt.Sprintf("%v %v", p.IsNote(), p.Finding))
	}
	want := []string{
		"false gsettings: unavailable: damaged",
		"false services: user/a.service cannot be read: denied",
		"true extensions: unavailable: damaged",
		"true services: user/a.service cannot be read: denied",
		"true not installed, and not declared: distrobox",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	target.Elsewhere = errors.New("in a container")
	if found, err := unavailableDomains(t.Context(), target); len(found) != 0 || err != target.Elsewhere {
		t.Errorf("elsewhere: %v, %v", found, err)
	}
}

// TestUndeclaredRemotes checks that a remote of apps is reported once, unless it is
// declared in the same scope.
func TestUndeclaredRemotes(t *testing.T) {
	target := targetWith(t, map[string]string{
		"manifests/flatpak-apps.json": `{"apps": [
			{"id": "org.a.A", "remote": "here", "scope": "user"}, {"id": "org.a.B", "remote": "gone", "scope": "user"},
			{"id": "org.a.C", "remote": "gone", "scope": "user"}, {"id": "org.a.D", "remote": "here", "scope": "system"}]}`,
		"manifests/flatpak-remotes.json": `{"remotes": [{"name": "here", "url": "https://example.org/repo", "scope": "user"}]}`,
	})
	found, err := undeclaredRemotes(t.Context(), target)
	want := []string{
		"user: no manifest declares the remote user/gone of some apps: a new machine cannot install them",
		"user: no manifest declares the remote system/here of some apps: a new machine cannot install them",
	}
	if diff := cmp.Diff(want, summary(found, target.Repo.Root)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestShadowedExports checks which orders of PATH are problems.
func TestShadowedExports(t *testing.T) {
	target := targetWith(t, map[string]string{"manifests/distrobox.json": `{"containers": {"dev": {"image": "x", "bins": {"from": ["~/.cargo/bin"]}}}}`})
	home := target.Folders.Home
	bin, cargo := home+"/.local/bin", home+"/.cargo/bin"
	for path, want := range map[string][]string{
		"/usr/bin:" + bin:               nil,
		bin + ":" + cargo:               nil,
		cargo + ":" + bin:               {"user: PATH has .cargo/bin before .local/bin: the host runs programs of a container outside of it"},
		"/usr/bin":                      {"user: .local/bin is not in PATH, and containers export programs to it"},
		cargo + ":" + home + "/another": {"user: .local/bin is not in PATH, and containers export programs to it"},
	} {
		t.Setenv("PATH", path)
		found, err := shadowedExports(t.Context(), target)
		if diff := cmp.Diff(want, summary(found, home)); diff != "" || err != nil {
			t.Errorf("%s: %s, %v", path, diff, err)
		}
	}
}

// TestFoldersOfSinglePrograms checks that the folder of a single program is one of those that
// PATH must have and wrappers are read from, and the one that no program is exported to is not.
func TestFoldersOfSinglePrograms(t *testing.T) {
	target := targetWith(t, map[string]string{"manifests/distrobox.json": `{"containers": {"dev": {"image": "x", "bins": {"also": [{"path": "/usr/bin/jq", "to": "~/mybin"}]}}}}`})
	home := target.Folders.Home
	t.Setenv("PATH", "/usr/bin")
	found, err := shadowedExports(t.Context(), target)
	if diff := cmp.Diff([]string{"user: mybin is not in PATH, and containers export programs to it"}, summary(found, home)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	write(t, filepath.Join(home, "mybin/jq"), "#!/bin/sh\nexec distrobox enter dev -- jq\n")
	found, err = strayWrappers(t.Context(), target)
	want := []string{"user: mybin/jq enters a container, and distrobox-export did not create it: bkt does not keep it up to date"}
	if diff := cmp.Diff(want, summary(found, home)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestStrayWrappers checks which wrappers are problems, and that bkt removes only those
// that it exported itself.
func TestStrayWrappers(t *testing.T) {
	target := targetWith(t, map[string]string{"manifests/distrobox.json": `{"containers": {"declared": {"image": "x"}}}`})
	home := target.Folders.Home
	wrapper := func(name, container, more string) {
		write(t, filepath.Join(home, ".local/bin", name), "#!/bin/sh\n# distrobox_binary\n# name: "+container+"\n"+more+
			"exec distrobox-enter -n "+container+" -- /usr/bin/"+name+" \"$@\"\n")
	}
	wrapper("ours", "gone", "# exported by bkt: /usr/bin/ours\n")
	wrapper("theirs", "gone", "")
	wrapper("fresh", "declared", "")
	wrapper("used", "here", "")
	wrapper("bkt", "here", "")
	write(t, filepath.Join(home, ".local/bin/mine"), "#!/bin/sh\nexec distrobox enter gone -- jq\n")
	bin := t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("DBX_CONTAINER_MANAGER", "podman")
	t.Setenv("CONTAINER_ID", "")
	t.Setenv("TOOLBOX_PATH", "")

	podman := filepath.Join(bin, "podman")
	write(t, podman, "#!/bin/sh\necho here\n")
	found, err := strayWrappers(t.Context(), target)
	want := []string{
		"user: .local/bin/bkt runs bkt in the container here, where it sees that container",
		"user: .local/bin/mine enters a container, and distrobox-export did not create it: bkt does not keep it up to date",
		"bkt: .local/bin/ours runs a program of the container gone, which does not exist",
		"user: .local/bin/theirs runs a program of the container gone, which does not exist",
	}
	if diff := cmp.Diff(want, summary(found, home)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, prepare := range map[string]func(){
		"podman fails":       func() { write(t, podman, "#!/bin/sh\nexit 125\n") },
		"bkt in a container": func() { t.Setenv("CONTAINER_ID", "dev") },
		"another manager":    func() { t.Setenv("CONTAINER_ID", ""); t.Setenv("DBX_CONTAINER_MANAGER", "lilipod") },
	} {
		prepare()
		found, err := strayWrappers(t.Context(), target)
		for _, p := range found {
			if p.Plan != nil {
				t.Errorf("%s: %v", name, p)
			}
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestStatesOfMissingRepositories checks that bkt removes the last known states only of
// a repository that no longer exists, and only files that it wrote on this computer.
func TestStatesOfMissingRepositories(t *testing.T) {
	target := targetWith(t, nil)
	base := filepath.Join(target.Folders.State, "bkt", "base")
	computer, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	disks := t.TempDir()
	write(t, filepath.Join(disks, "mounted", "file"), "")
	if err := os.Mkdir(filepath.Join(disks, "unmounted"), 0o755); err != nil {
		t.Fatal(err)
	}
	state := func(folder, root string) string {
		dir := filepath.Join(base, folder)
		write(t, filepath.Join(dir, live.RepositoryFile), root+"\n")
		write(t, filepath.Join(dir, computer, "services.json"), `{"version": 1, "items": []}`)
		return dir
	}
	here, away, gone, noted, other := target.Repo.Root, disks+"/unmounted/a", disks+"/mounted/a", disks+"/mounted/b", disks+"/mounted/c"
	state(workspace.ID(here), here)
	state(workspace.ID(away), away)
	state(workspace.ID(gone), gone)
	write(t, filepath.Join(state(workspace.ID(noted), noted), "notes.txt"), "")
	write(t, filepath.Join(state(workspace.ID(other), other), "another-computer", "services.json"), `{"version": 1, "items": []}`)
	state("copy", gone)

	found, err := statesOfMissingRepositories(t.Context(), target)
	lines := summary(found, base)
	slices.Sort(lines)
	want := []string{fmt.Sprintf("bkt: %s holds state of the repository %s, which does not exist", workspace.ID(gone), gone)}
	for folder, root := range map[string]string{workspace.ID(noted): noted, workspace.ID(other): other, "copy": gone} {
		want = append(want, fmt.Sprintf("user: %s holds state of the repository %s, which does not exist", folder, root))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, lines); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if err := os.RemoveAll(base); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("base", base); err != nil {
		t.Fatal(err)
	}
	if found, err := statesOfMissingRepositories(t.Context(), target); len(found) != 0 || err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a folder that cannot be read: %+v, %v", found, err)
	}
}

// TestSharedName checks that a computer with the name that an installer gave it is noted,
// and no other.
func TestSharedName(t *testing.T) {
	for name, shared := range map[string]bool{"fedora": true, "localhost.localdomain": true, "bluefin": true, "fedora-anna": false, "vm": false} {
		target := &Target{}
		target.Repo.Root, target.Host = "/repo", name
		problems, err := sharedName(t.Context(), target)
		if err != nil || len(problems) == 1 != shared {
			t.Errorf("%s: %v, %v", name, problems, err)
		}
		if shared && problems[0].Level != finding.Note {
			t.Errorf("%s: %v", name, problems[0].Level)
		}
	}
}
