package flatpak_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/flatpak"
	"bkt/internal/gvariant"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// deployRuntime adds a runtime of the remote r, written ID/ARCH/BRANCH, to a user's
// installation.
func deployRuntime(t *testing.T, a flatpak.Apps, ref, metadata string) {
	t.Helper()
	active := filepath.Join(a.User, "runtime", ref, "active")
	write(t, filepath.Join(active, "deploy"), "r\x00"+commit+"\x00")
	write(t, filepath.Join(active, "metadata"), metadata)
}

func keysOf(items []manifest.FlatpakApp) []string {
	var keys []string
	for _, item := range items {
		keys = append(keys, item.Key())
	}
	return keys
}

func whats(all []reconcile.LeftOut) []string {
	var texts []string
	for _, l := range all {
		texts = append(texts, l.What)
	}
	return texts
}

// TestRuntimesThatSomeoneWants has metadata as Flathub's: points of extensions with and
// without automatic downloads.
func TestRuntimesThatSomeoneWants(t *testing.T) {
	const platform = "[Runtime]\nname=p.q.Platform\nruntime=p.q.Platform/x86_64/1\n" +
		"[Extension p.q.Platform.GL]\nversions=1;1.4\nsubdirectories=true\nno-autodownload=true\ndownload-if=active-gl-driver\n" +
		"[Extension p.q.Platform.Locale]\ndirectory=l\n" +
		"[Extension p.q.Platform.Codecs@2]\nversion=2\nsubdirectories=true\nno-autodownload=true\n" +
		"[Extension p.q.Platform.Theme]\nversion=1\nsubdirectories=true\nno-autodownload=true\n"
	a := deployed(t, "xa.pinned=runtime/p.q.Platform.Theme.Dark/x86_64/1;p.q.Kept*\n", "a.b.C/x86_64/stable")
	write(t, filepath.Join(a.User, "app/a.b.C/x86_64/stable/active/metadata"), "[Application]\nruntime=p.q.Platform/x86_64/1\nsdk=p.q.Sdk/x86_64/1\n")
	write(t, filepath.Join(a.User, "app/a.b.C/x86_64/beta/active/deploy"), "r\x00"+commit+"\x00")
	write(t, filepath.Join(a.User, "app/a.b.C/x86_64/beta/active/metadata"), "[Application]\n")
	if err := os.Symlink("x86_64/beta", filepath.Join(a.User, "app/a.b.C/current")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(a.User, "app/x.y.Other/i386/stable/active/deploy"), "r\x00"+commit+"\x00")
	for ref, metadata := range map[string]string{
		"p.q.Platform/x86_64/1":                   platform,
		"p.q.Platform.GL.default/x86_64/1.4":      "[Runtime]\n",
		"p.q.Platform.Locale/x86_64/1":            "[Runtime]\n",
		"p.q.Sdk/x86_64/1":                        "[Runtime]\n",
		"p.q.Platform.Theme.Dark/x86_64/1":        "[Runtime]\n",
		"p.q.KeptRuntime/x86_64/3":                "[Runtime]\n",
		"p.q.Platform.Codecs.Full/x86_64/2":       "[Runtime]\n",
		"p.q.Platform.GL.default/x86_64/1.3":      "[Runtime]\n",
		"p.q.Platform.Themes/x86_64/1":            "[Runtime]\n",
		"p.q.Left/x86_64/1":                       "[Runtime]\nruntime=p.q.Left/x86_64/1\n",
		"p.q.Platform.Theme.Dark.Locale/x86_64/9": "[Runtime]\n",
	} {
		deployRuntime(t, a, ref, metadata)
	}
	found, err := a.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"user/a.b.C/beta", "user/a.b.C", "user/runtime/p.q.KeptRuntime/3", "user/runtime/p.q.Platform.Theme.Dark/1"}
	if diff := cmp.Diff(want, keysOf(found.Items)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	left := []string{
		"user/x.y.Other (i386/stable)", "user/runtime/p.q.Left/1", "user/runtime/p.q.Platform.Codecs.Full/2",
		"user/runtime/p.q.Platform.GL.default/1.3", "user/runtime/p.q.Platform.Theme.Dark.Locale/9", "user/runtime/p.q.Platform.Themes/1",
		"user/a.b.C/beta",
	}
	if diff := cmp.Diff(left, whats(found.LeftOut)); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}

	// What an app needs is only pinned and unpinned.
	platformItem := manifest.FlatpakApp{ID: "p.q.Platform", Remote: "r", Scope: "user", Branch: "1", Runtime: true}
	dark := found.Items[3]
	changes := found.Plan([]reconcile.Diff[manifest.FlatpakApp]{{Want: &platformItem}, {Have: &dark}})
	steps := []plan.Step{
		run("uninstall", "--user", "--noninteractive", "runtime/p.q.Platform.Theme.Dark/x86_64/1"),
		run("pin", "--user", "runtime/p.q.Platform/x86_64/1"),
		run("pin", "--user", "--remove", "runtime/p.q.Platform.Theme.Dark/x86_64/1"),
	}
	var got []plan.Step
	for _, c := range changes {
		got = append(got, c.Steps...)
	}
	if diff := cmp.Diff(steps, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

// rename writes the deploy file of an app of the remote r that had other ids before.
func rename(t *testing.T, a flatpak.Apps, app string, former ...string) {
	t.Helper()
	data, err := gvariant.Parse("(ssasta{sv})", "('r', '"+commit+"', [], 0, {'deploy-version': <4>, 'previous-ids': <['"+strings.Join(former, "', '")+"']>})")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(a.User, "app", app, "active", "deploy"), string(data.Encode()))
}

func TestAppsThatUpstreamRenamed(t *testing.T) {
	a := deployed(t, "", "a.b.Still/x86_64/stable")
	rename(t, a, "a.b.New/x86_64/stable", "a.b.Old", "a.b.Older")
	rename(t, a, "a.b.Next/x86_64/stable", "a.b.Still")
	old := manifest.FlatpakApp{ID: "a.b.Old", Remote: "r", Scope: "user", Branch: "stable", Commit: commit, Comment: "mine"}
	found, err := a.Observe(t.Context(), nil, []manifest.FlatpakApp{old})
	if err != nil {
		t.Fatal(err)
	}
	got, ok := found.Renamed(old)
	want := manifest.FlatpakApp{ID: "a.b.New", Remote: "r", Scope: "user", Comment: "mine", Former: []string{"a.b.Old", "a.b.Older"}}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("renamed: %t (-want +got):\n%s", ok, diff)
	}
	if !a.Same(found.Items[0], want) || found.Items[0].Comment != "mine" || found.Items[0].Key() != want.Key() {
		t.Errorf("the app is %+v", found.Items[0])
	}
	for _, x := range []manifest.FlatpakApp{{ID: "a.b.Still", Scope: "user"}, {ID: "a.b.Old", Scope: "system"}, {ID: "a.b.New", Scope: "user"}, {ID: "a.b.Old", Scope: "user", Runtime: true}} {
		if now, ok := found.Renamed(x); ok {
			t.Errorf("%s was renamed to %s", x.Key(), now.Key())
		}
	}
	write(t, filepath.Join(a.User, "app/a.b.New/x86_64/stable/active/deploy"), "r\x00"+commit+"\x00previous-ids")
	if found, err := a.Observe(t.Context(), nil, nil); err != nil || len(found.Unread) != 1 || found.Unread[0].What != "user/a.b.New" {
		t.Errorf("unread: %v, %v", found.Unread, err)
	}
}

// TestOverridesOfRenamedApps checks which files and declarations are for the app under its
// new id.
func TestOverridesOfRenamedApps(t *testing.T) {
	a := deployed(t, "")
	rename(t, a, "a.b.New/x86_64/stable", "a.b.Old")
	o := flatpak.Overrides{Installations: a.Installations, Home: "/home/me", Arch: "x86_64"}
	file := func(id string) string { return filepath.Join(o.User, "overrides", id) }
	of := func(id string) manifest.FlatpakOverride {
		return manifest.FlatpakOverride{App: id, Scope: "user", Flags: []string{"--socket=x11"}}
	}
	const text = "[Context]\nsockets=x11;\n"
	tests := []struct {
		name        string
		files       []string
		known       []manifest.FlatpakOverride
		items, left []string
	}{
		{"a file that nobody knows", []string{"a.b.Old"}, nil, []string{"user/a.b.Old"}, nil},
		{"a declaration", []string{"a.b.Old"}, []manifest.FlatpakOverride{of("a.b.Old")}, nil, []string{"user/a.b.Old"}},
		{"a declaration under the new id", []string{"a.b.Old"}, []manifest.FlatpakOverride{of("a.b.New")}, nil, []string{"user/a.b.Old"}},
		{"both files", []string{"a.b.Old", "a.b.New"}, nil, []string{"user/a.b.New"}, []string{"user/a.b.Old"}},
		{"another app", []string{"a.b.Other"}, nil, []string{"user/a.b.Other"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.RemoveAll(file("")); err != nil {
				t.Fatal(err)
			}
			for _, id := range tt.files {
				write(t, file(id), text)
			}
			found, err := o.Observe(t.Context(), nil, tt.known)
			if err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, item := range found.Items {
				keys = append(keys, item.Key())
			}
			if diff := cmp.Diff(tt.items, keys); diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.left, whats(found.LeftOut)); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
			if now, ok := found.Renamed(of("a.b.Old")); !ok || now.App != "a.b.New" {
				t.Errorf("renamed to %s, %t", now.App, ok)
			}
		})
	}
}

// TestOverridesOfUnreadableApps has an app whose former ids cannot be read: that no file has
// its new id does not mean that its override is gone.
func TestOverridesOfUnreadableApps(t *testing.T) {
	a := deployed(t, "", "a.b.Other/x86_64/stable")
	write(t, filepath.Join(a.User, "app/a.b.New/x86_64/stable/active/deploy"), "damaged")
	o := flatpak.Overrides{Installations: a.Installations, Home: "/home/me", Arch: "x86_64"}
	write(t, filepath.Join(o.User, "overrides/a.b.Old"), "[Context]\nsockets=x11;\n")
	now := manifest.FlatpakOverride{App: "a.b.New", Scope: "user", Flags: []string{"--socket=x11"}}
	other := manifest.FlatpakOverride{App: "a.b.Other", Scope: "user", Flags: []string{"--socket=x11"}}
	found, err := o.Observe(t.Context(), nil, []manifest.FlatpakOverride{now, other})
	if err != nil || !found.Hidden(now) || found.Hidden(other) {
		t.Fatalf("hidden: %+v, %v", found, err)
	}
	if len(found.Unread) != 1 || found.Unread[0].What != "user/a.b.New" || !strings.Contains(found.Unread[0].Err.Error(), "is damaged") {
		t.Errorf("unread: %v", found.Unread)
	}
	write(t, filepath.Join(o.User, "overrides/a.b.New"), "[Context]\nsockets=x11;\n")
	if found, err := o.Observe(t.Context(), nil, []manifest.FlatpakOverride{now}); err != nil || found.Hidden(now) || len(found.Unread) > 0 {
		t.Errorf("with a file of its own: %v, %v", found.Unread, err)
	}
}

func TestBundles(t *testing.T) {
	const config = "[remote \"c-origin\"]\nurl=\nxa.title=c.flatpak\nxa.noenumerate=true\n[remote \"d-origin\"]\nurl=https://example.org\nxa.noenumerate=true\n"
	a := deployed(t, config, "a.b.C/x86_64/stable", "a.b.D/x86_64/stable")
	write(t, filepath.Join(a.User, "app/a.b.C/x86_64/stable/active/deploy"), "c-origin\x00"+commit+"\x00")
	write(t, filepath.Join(a.User, "app/a.b.D/x86_64/stable/active/deploy"), "d-origin\x00"+commit+"\x00")
	found, err := a.Observe(t.Context(), nil, nil)
	if err != nil || len(found.Items) != 2 {
		t.Fatal(found.Items, err)
	}
	c, d := found.Items[0], found.Items[1]
	if c.Bundle != "c.flatpak" || d.Bundle != "" || len(found.Notes) != 1 || !strings.HasPrefix(found.Notes[0], "user/a.b.C: unresolvable: ") {
		t.Errorf("%+v, %+v, %q", c, d, found.Notes)
	}
	// The other app is installed, whatever becomes of the bundle.
	changes := found.Plan([]reconcile.Diff[manifest.FlatpakApp]{{Want: &c}, {Want: &d}})
	_, fails := changes[0].Steps[0].(plan.Fail)
	if len(changes) != 2 || !fails || changes[1].Steps[0].String() != "flatpak install --user --noninteractive d-origin app/a.b.D/x86_64/" {
		t.Errorf("%v", changes)
	}
}

func TestRemoteSettings(t *testing.T) {
	const config = "[remote \"a\"]\nurl=https://example.org/a\nxa.prio=5\nxa.title=Mine\nxa.title-is-set=true\nxa.comment=x\nxa.homepage=y\nxa.homepage-is-set=true\nxa.nodeps=true\nodd=1\n" +
		"[remote \"b\"]\nurl=https://example.org/b\nxa.prio=1\nxa.title=Theirs\nxa.default-branch=stable\nxa.noenumerate=false\ncollection-id=x\n"
	r := remotes(t, config)
	found, err := r.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	five := 5
	want := []manifest.FlatpakRemote{
		*remote("a", func(r *manifest.FlatpakRemote) { r.Priority, r.Title, r.NoUseForDeps = &five, "Mine", true }),
		*remote("b", nil),
	}
	if diff := cmp.Diff(want, found.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user/a xa.homepage", "user/a odd"}, whats(found.LeftOut)); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	one := 1
	known := *remote("b", func(r *manifest.FlatpakRemote) { r.Priority = &one })
	if got := observeRemotes(t, r, known); !r.Same(got[1], known) || got[1].Priority == nil {
		t.Errorf("the default in words of its own: %+v", got[1])
	}
	// A .flatpakrepo may say NoDeps.
	known = *remote("a", func(r *manifest.FlatpakRemote) {
		r.URL, r.Priority, r.Title = "https://example.org/a.flatpakrepo", &five, "Mine"
	})
	if got := observeRemotes(t, r, known); !r.Same(got[0], known) {
		t.Errorf("of a file: %+v", got[0])
	}
}
