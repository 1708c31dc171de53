package flatpak_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/flatpak"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// These tests have files that the real flatpak, other programs and users write.

func TestAResetStays(t *testing.T) {
	// flatpak override --nofilesystem=host:reset
	const text = "[Context]\nfilesystems=!host:reset;!host;\n"
	o := installed(t, text)
	got := observe(t, o)
	want := override("--nofilesystem=host:reset", "--nofilesystem=host")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if written := put(t, o, want); !strings.Contains(written, "!host:reset;") || !strings.Contains(written, "!host;") {
		t.Errorf("written: %s", written)
	}
	known := override("--nofilesystem=host:reset")
	if diff := cmp.Diff([]manifest.FlatpakOverride{known}, observe(t, o, known)); diff != "" {
		t.Errorf("in words of its own (-want +got):\n%s", diff)
	}
	if o.Same(override("--nofilesystem=host"), known) {
		t.Error("without a reset it is said to be the same")
	}
}

func TestAFolderBesideAResetIsGivenBack(t *testing.T) {
	o := installed(t, "")
	for _, flags := range [][]string{
		{"--nofilesystem=host:reset", "--filesystem=host:ro"},
		{"--filesystem=host:ro", "--nofilesystem=host:reset"},
	} {
		written := put(t, o, override(flags...))
		if !strings.Contains(written, "host:ro;") || strings.Contains(written, "!host;") {
			t.Errorf("%q: %s", flags, written)
		}
	}
}

func TestWhatNoOptionDeniesIsAnEntry(t *testing.T) {
	o := installed(t, "[Context]\npersistent=!.cache;.x;\nsockets=;!;x11;\n")
	got := observe(t, o)
	want := override("--entry=[Context]persistent=!.cache", "--persist=.x", "--socket=x11")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if written := put(t, o, want); !strings.Contains(written, "persistent=!.cache;.x;") {
		t.Errorf("written: %s", written)
	}
}

func TestOfWhatAKeyFileHasTwiceTheLastHolds(t *testing.T) {
	got := observe(t, installed(t, "[Context]\nsockets=x11;\n[Environment]\nA=1\n[Context]\nsockets=wayland;\nshared=ipc;\n"))
	want := override("--socket=wayland", "--share=ipc", "--env=A=1")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestEveryHomeInAPathIsWrittenAsOne(t *testing.T) {
	o := installed(t, "[Environment]\nP=/home/mela:/home/me/bin:/home/me\n")
	got := observe(t, o)
	want := override("--env=P=/home/mela:${HOME}/bin:${HOME}")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if written := put(t, o, want); !strings.Contains(written, "P=/home/mela:/home/me/bin:/home/me\n") {
		t.Errorf("written: %s", written)
	}
}

// TestHomeThatIsText has a variable of a shell, and the home by another name.
func TestHomeThatIsText(t *testing.T) {
	o := installed(t, "")
	dir := filepath.Dir(o.User)
	o.Home = filepath.Join(dir, "me")
	other := filepath.Join(dir, "other")
	write(t, filepath.Join(o.Home, "x"), "")
	if err := os.Symlink("me", other); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(o.User, "overrides", "a.b.c"), "[Context]\nfilesystems="+other+"/data;\n[Environment]\nA=${HOME}/x\nB="+other+":${$HOME}\n")
	want := override("--filesystem=${HOME}/data", "--env=A=${$HOME}/x", "--env=B=${HOME}:${$$HOME}")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, observe(t, o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if written := put(t, o, want); !strings.Contains(written, "A=${HOME}/x\n") || !strings.Contains(written, "B="+o.Home+":${$HOME}\n") {
		t.Errorf("written: %s", written)
	}
	declared := override("--env=A=${$HOME}/x", "--filesystem="+other+"/data", "--env=B="+other+":${$$HOME}")
	if diff := cmp.Diff([]manifest.FlatpakOverride{declared}, observe(t, o, declared)); diff != "" {
		t.Errorf("in other words (-want +got):\n%s", diff)
	}
}

// Flatseal writes overrides of the system's apps where the user has installed
// nothing.
func TestOverridesNeedNoRepository(t *testing.T) {
	o := installed(t, "[Context]\nsockets=x11;\n")
	if err := os.RemoveAll(filepath.Join(o.User, "repo")); err != nil {
		t.Fatal(err)
	}
	found, err := o.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := override("--socket=x11")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, found.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if found.Identity(want) == "" {
		t.Error("it is part of no installation")
	}
}

// deployed returns the domain of a user's installation with these apps, written
// ID/ARCH/BRANCH, of the remote r.
func deployed(t *testing.T, config string, apps ...string) flatpak.Apps {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "repo", "config"), "[core]\nrepo_version=1\n"+config)
	for _, app := range apps {
		write(t, filepath.Join(dir, "app", app, "active", "deploy"), "r\x00"+commit+"\x00")
	}
	return flatpak.Apps{Installations: flatpak.Installations{User: dir, System: filepath.Join(dir, "none")}, Arch: "x86_64"}
}

var commit = strings.Repeat("c", 64)

// TestOneDamagedApp checks that the damaged files of an app cost only this app, also of its
// own branches.
func TestOneDamagedApp(t *testing.T) {
	a := deployed(t, "", "a.b.Good/x86_64/stable", "a.b.Bad/x86_64/stable", "a.b.Bad/x86_64/beta", "a.b.Closed/x86_64/stable")
	write(t, filepath.Join(a.User, "app/a.b.Bad/x86_64/stable/active/deploy"), "r\x00abc")
	if err := os.RemoveAll(filepath.Join(a.User, "app/a.b.Closed/x86_64")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("x86_64", filepath.Join(a.User, "app/a.b.Closed/x86_64")); err != nil {
		t.Fatal(err)
	}
	known := manifest.FlatpakApp{ID: "a.b.Closed", Remote: "r", Scope: "user", Branch: "1"}
	found, err := a.Observe(t.Context(), nil, []manifest.FlatpakApp{known})
	if err != nil {
		t.Fatal(err)
	}
	var keys, parts []string
	for _, item := range found.Items {
		keys = append(keys, item.Key())
	}
	for _, u := range found.Unread {
		parts = append(parts, u.What)
	}
	if diff := cmp.Diff([]string{"user/a.b.Bad/beta", "user/a.b.Good"}, keys); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user/a.b.Bad", "user/a.b.Closed"}, parts); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	for _, app := range []manifest.FlatpakApp{{ID: "a.b.Bad", Scope: "user"}, {ID: "a.b.Bad", Scope: "user", Branch: "stable"}, known} {
		if !found.Hidden(app) {
			t.Errorf("%s is not hidden", app.Key())
		}
	}
	for _, app := range []manifest.FlatpakApp{{ID: "a.b.Bad", Scope: "user", Branch: "beta"}, {ID: "a.b.Bad", Scope: "system"}, {ID: "a.b.Good", Scope: "user"}} {
		if found.Hidden(app) {
			t.Errorf("%s is hidden", app.Key())
		}
	}
}

// TestOneDamagedInstallation checks that an installation that cannot be read costs only
// itself, and that the domains are unavailable if none can be read.
func TestOneDamagedInstallation(t *testing.T) {
	a := deployed(t, "", "a.b.Good/x86_64/stable")
	write(t, filepath.Join(a.System, "repo", "config"), "nonsense")
	found, err := a.Observe(t.Context(), nil, nil)
	if err != nil || len(found.Items) != 1 || len(found.Unread) != 1 || found.Unread[0].What != `the installation "system"` {
		t.Errorf("%v, unread: %v, %v", found.Items, found.Unread, err)
	}
	if !found.Hidden(manifest.FlatpakApp{ID: "a.b.X", Scope: "system"}) || found.Hidden(manifest.FlatpakApp{ID: "a.b.X", Scope: "user"}) {
		t.Error("the wrong installation is hidden")
	}
	remotes, err := flatpak.Remotes{Installations: a.Installations}.Observe(t.Context(), nil, nil)
	if err != nil || len(remotes.Unread) != 1 || !remotes.Hidden(manifest.FlatpakRemote{Name: "r", Scope: "system"}) {
		t.Errorf("remotes: unread: %v, %v", remotes.Unread, err)
	}
	write(t, filepath.Join(a.User, "repo", "config"), "nonsense")
	if _, err := a.Observe(t.Context(), nil, nil); err == nil {
		t.Error("no error")
	}
}

// TestOneDamagedKey checks that a remote whose key cannot be read costs only itself.
func TestOneDamagedKey(t *testing.T) {
	a := deployed(t, "[remote \"a\"]\nurl=https://a\n[remote \"b\"]\nurl=https://b\n")
	if err := os.Mkdir(filepath.Join(a.User, "repo", "a.trustedkeys.gpg"), 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := flatpak.Remotes{Installations: a.Installations}.Observe(t.Context(), nil, nil)
	if err != nil || len(found.Items) != 1 || found.Items[0].Name != "b" || len(found.Unread) != 1 || found.Unread[0].What != "user/a" {
		t.Errorf("%v, unread: %v, %v", found.Items, found.Unread, err)
	}
	if !found.Hidden(manifest.FlatpakRemote{Name: "a", Scope: "user"}) || found.Hidden(manifest.FlatpakRemote{Name: "b", Scope: "user"}) {
		t.Error("the wrong remote is hidden")
	}
}

func branch(id, name string) manifest.FlatpakApp {
	return manifest.FlatpakApp{ID: id, Remote: "r", Scope: "user", Branch: name}
}

func observeApps(t *testing.T, a flatpak.Apps, known ...manifest.FlatpakApp) []manifest.FlatpakApp {
	t.Helper()
	found, err := a.Observe(t.Context(), nil, known)
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

func TestAppsOfOtherArchitecturesAndThoseThatAreNotInstalledAreNone(t *testing.T) {
	a := deployed(t, "", "a.b.C/x86_64/stable", "a.b.D/i386/stable")
	write(t, filepath.Join(a.User, "app", "a.b.E", "x86_64", "stable", "left"), "over")
	write(t, filepath.Join(a.User, "app", "notes"), "a file")
	if diff := cmp.Diff([]manifest.FlatpakApp{branch("a.b.C", "")}, observeApps(t, a)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAnAppKeepsItsNotesBesideAnotherBranch(t *testing.T) {
	known := branch("a.b.C", "")
	known.Comment, known.Hosts, known.Commit = "mine", manifest.Hosts{"laptop"}, "abcdef123456"
	got := observeApps(t, deployed(t, "", "a.b.C/x86_64/beta", "a.b.C/x86_64/stable"), known)
	if diff := cmp.Diff([]manifest.FlatpakApp{branch("a.b.C", "beta"), known}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAFolderWithOddCharactersIsNotEmpty(t *testing.T) {
	a := deployed(t, "", "a.b.C/x86_64/stable")
	odd := filepath.Join(t.TempDir(), "a[b*")
	if err := os.Rename(a.User, odd); err != nil {
		t.Fatal(err)
	}
	a.User = odd
	if got := observeApps(t, a); len(got) != 1 {
		t.Errorf("%v", got)
	}
}

func TestAnAppThatCannotBeReadIsNotGone(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "zeros": "\x00\x00\x00\x00", "cut": "r\x00" + commit[:9]} {
		a := deployed(t, "", "a.b.C/x86_64/stable")
		write(t, filepath.Join(a.User, "app", "a.b.C", "x86_64", "stable", "active", "deploy"), text)
		found, err := a.Observe(t.Context(), nil, nil)
		if err != nil || len(found.Unread) != 1 || !found.Hidden(branch("a.b.C", "")) {
			t.Errorf("%s: %v, unread: %v", name, err, found.Unread)
		}
	}
}

func TestPatternsOfMasks(t *testing.T) {
	known := branch("a.b.C", "")
	known.Commit = commit
	for pattern, held := range map[string]bool{
		"app/a.b.C/x86_64/stable":     true,
		"app/a.b.C/x86_64/*":          true,
		"a.b.C":                       true,
		"a.b.*//stable":               true,
		"x.y.Z;a.b.C":                 true,
		"app/a.b.C/x86_64/beta":       false,
		"a.b":                         false,
		"runtime/a.b.C/x86_64/stable": false,
		"":                            false,
		";":                           false, // what is left of the last one
	} {
		got := observeApps(t, deployed(t, "xa.masked="+pattern+"\n", "a.b.C/x86_64/stable"), known)
		if len(got) != 1 || (got[0].Commit == commit) != held {
			t.Errorf("%q: %+v", pattern, got)
		}
	}
}

// remotes returns the domain of a user's installation with these remotes.
func remotes(t *testing.T, config string) flatpak.Remotes {
	t.Helper()
	return flatpak.Remotes{Installations: deployed(t, config).Installations}
}

func observeRemotes(t *testing.T, r flatpak.Remotes, known ...manifest.FlatpakRemote) []manifest.FlatpakRemote {
	t.Helper()
	found, err := r.Observe(t.Context(), nil, known)
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

const remoteText = "[remote %q]\nurl=https://example.org/%[1]s\n%s\n"

func TestRemotesThatAreNotListedAreThere(t *testing.T) {
	r := remotes(t, fmt.Sprintf(remoteText, "a", "xa.noenumerate=true")+fmt.Sprintf(remoteText, "b-origin", "xa.noenumerate=true"))
	unlisted := *remote("a", func(r *manifest.FlatpakRemote) { r.NoEnumerate = true })
	if diff := cmp.Diff([]manifest.FlatpakRemote{unlisted}, observeRemotes(t, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	both := []manifest.FlatpakRemote{unlisted, *remote("b-origin", nil)}
	if diff := cmp.Diff(both, observeRemotes(t, r, *remote("b-origin", nil))); diff != "" {
		t.Errorf("declared (-want +got):\n%s", diff)
	}
}

func TestASubsetThatNoOneChoseIsTheRepositorys(t *testing.T) {
	r := remotes(t, fmt.Sprintf(remoteText, "a", "xa.subset=verified")+fmt.Sprintf(remoteText, "b", "xa.subset=floss\nxa.subset-is-set=true"))
	want := []manifest.FlatpakRemote{*remote("a", nil), *remote("b", func(r *manifest.FlatpakRemote) { r.Subset = "floss" })}
	if diff := cmp.Diff(want, observeRemotes(t, r)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestARemoteIsNotTakenAwayForAFlatpakrepo(t *testing.T) {
	want := remote("a", func(r *manifest.FlatpakRemote) { r.URL = "https://example.com/a.flatpakrepo" })
	changes := flatpak.Remotes{Installations: folders}.Plan([]reconcile.Diff[manifest.FlatpakRemote]{{Have: remote("a", nil), Want: want}})
	if len(changes) != 1 || len(changes[0].Steps) != 1 {
		t.Fatalf("%+v", changes)
	}
	fail, ok := changes[0].Steps[0].(plan.Fail)
	if !ok || len(hint.Of(fail.Reason)) != 1 {
		t.Errorf("%+v", changes[0].Steps)
	}
}

func TestWhatTwoBranchesMayBothDoIsDeclaredOnce(t *testing.T) {
	repo := os.DirFS(t.TempDir())
	dir := fmt.Sprint(repo)
	write(t, filepath.Join(dir, flatpak.AppsFile), `{"apps": [
  {"id": "a.b.C", "remote": "r", "scope": "user", "branch": "beta", "overrides": ["--share=ipc"]},
  {"id": "a.b.C", "remote": "r", "scope": "user", "branch": "stable", "overrides": ["--share=ipc", "--socket=x11"]}
]}`)
	items, err := flatpak.OverrideStore{}.Load(repo)
	if err != nil {
		t.Fatal(err)
	}
	want := manifest.FlatpakOverride{App: "a.b.C", Scope: "user", Flags: []string{"--share=ipc", "--socket=x11"}}
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := (flatpak.OverrideStore{}).Save(reconcile.NewEdits(repo), items); err != nil {
		t.Errorf("saving: %v", err)
	}
}
