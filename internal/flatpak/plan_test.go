package flatpak_test

import (
	"testing"

	"bkt/internal/flatpak"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

var folders = flatpak.Installations{User: "/u", System: "/s"}

func run(argv ...string) plan.Step {
	return plan.Run{Argv: append([]string{"flatpak"}, argv...)}
}

// remote returns a remote of the user, after an edit.
func remote(name string, change func(*manifest.FlatpakRemote)) *manifest.FlatpakRemote {
	r := &manifest.FlatpakRemote{Name: name, URL: "https://example.org/" + name, Scope: "user"}
	if change != nil {
		change(r)
	}
	return r
}

func TestPlanOfRemotes(t *testing.T) {
	const key = "AAAA"
	all := func(r *manifest.FlatpakRemote) {
		r.Subset, r.Filter, r.GPGKey, r.Disabled = "verified", "deny *\n", key, true
	}
	putKey := plan.Overwrite{Path: "/c/a.gpg", Text: []byte{0, 0, 0}}
	putFilter := plan.Overwrite{Path: "/u/filters/a", Text: []byte("deny *\n")}
	undo := []plan.Step{run("remote-delete", "--user", "a")}
	tests := []struct {
		name       string
		have, want *manifest.FlatpakRemote
		change     plan.Change
	}{
		{"a new one", nil, remote("a", nil), plan.Change{Op: plan.Add, Undo: undo,
			Steps: []plan.Step{run("remote-add", "--user", "a", "https://example.org/a")}}},
		{"with everything", nil, remote("a", all), plan.Change{Op: plan.Add, Undo: undo, Steps: []plan.Step{
			putKey, putFilter,
			run("remote-add", "--user", "--subset=verified", "--gpg-import=/c/a.gpg", "--filter=/u/filters/a", "--disable", "a", "https://example.org/a"),
		}}},
		{"without verification", nil, remote("a", func(r *manifest.FlatpakRemote) { r.NoGPGVerify = true }), plan.Change{Op: plan.Add, Undo: undo,
			Steps: []plan.Step{run("remote-add", "--user", "--no-gpg-verify", "a", "https://example.org/a")}}},
		{"of a file, which may have no key", nil, remote("a", func(r *manifest.FlatpakRemote) { r.URL += ".flatpakrepo" }), plan.Change{Op: plan.Add, Undo: undo, Steps: []plan.Step{
			run("remote-add", "--user", "--from", "a", "https://example.org/a.flatpakrepo"),
			run("remote-modify", "--user", "--gpg-verify", "a"),
		}}},
		{"everything is new", remote("a", nil), remote("a", all), plan.Change{Op: plan.Modify, Steps: []plan.Step{
			putKey, putFilter,
			run("remote-modify", "--user", "--subset=verified", "--gpg-import=/c/a.gpg", "--filter=/u/filters/a", "--disable", "a"),
		}}},
		{"everything is gone", remote("a", all), remote("a", nil), plan.Change{Op: plan.Modify, Steps: []plan.Step{
			run("remote-modify", "--user", "--subset=", "--no-filter", "--enable", "a"),
		}}},
		{"another url", remote("b", nil), remote("a", nil), plan.Change{Op: plan.Modify,
			Steps: []plan.Step{run("remote-modify", "--user", "--url=https://example.org/a", "a")}}},
		{"another key", remote("a", func(r *manifest.FlatpakRemote) { r.GPGKey = "BBBB" }), remote("a", func(r *manifest.FlatpakRemote) { r.GPGKey = key }),
			plan.Change{Op: plan.Modify, Steps: []plan.Step{
				putKey, plan.Delete{Path: "/u/repo/a.trustedkeys.gpg"}, run("remote-modify", "--user", "--gpg-import=/c/a.gpg", "a"),
			}, Undo: []plan.Step{plan.Overwrite{Path: "/u/repo/a.trustedkeys.gpg", Text: []byte{4, 16, 65}}}}},
		{"verification", remote("a", func(r *manifest.FlatpakRemote) { r.NoGPGVerify = true }), remote("a", nil), plan.Change{Op: plan.Modify,
			Steps: []plan.Step{run("remote-modify", "--user", "--gpg-verify", "a")}}},
		{"no verification", remote("a", nil), remote("a", func(r *manifest.FlatpakRemote) { r.NoGPGVerify = true }), plan.Change{Op: plan.Modify,
			Steps: []plan.Step{run("remote-modify", "--user", "--no-gpg-verify", "a")}}},
		{"removed", remote("a", all), nil, plan.Change{Op: plan.Remove, Steps: []plan.Step{run("remote-delete", "--user", "a")},
			Hint: `runtimes of removed apps stay installed: "flatpak uninstall --user --unused" removes them`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.change.Targets = []string{"user/a"}
			got := flatpak.Remotes{Installations: folders, Cache: "/c"}.Plan([]reconcile.Diff[manifest.FlatpakRemote]{{Have: tt.have, Want: tt.want}})
			if diff := cmp.Diff([]plan.Change{tt.change}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// app returns an app of the remote, pinned to the commit unless that is "".
func app(id, remote, commit string) *manifest.FlatpakApp {
	return &manifest.FlatpakApp{ID: id, Remote: remote, Scope: "user", Commit: commit}
}

func TestPlanOfApps(t *testing.T) {
	const old, later = "0000000000000000000000000000000000000000000000000000000000000000", "1111111111111111111111111111111111111111111111111111111111111111"
	one := func(op plan.Op, id string, argv ...string) plan.Change {
		return plan.Change{Op: op, Targets: []string{"user/" + id}, Steps: []plan.Step{run(argv...)}}
	}
	install := func(id, remote string) plan.Change {
		c := one(plan.Add, id, "install", "--user", "--noninteractive", remote, "app/"+id+"/x86_64/")
		c.Fallback = []plan.Change{one(plan.Add, id, "install", "--user", "--noninteractive", remote, "app/"+id+"/x86_64/stable")}
		return c
	}
	reinstall := one(plan.Modify, "a.b.c", "install", "--user", "--noninteractive", "--reinstall", "r", "app/a.b.c/x86_64/")
	reinstall.Fallback = []plan.Change{one(plan.Modify, "a.b.c", "install", "--user", "--noninteractive", "--reinstall", "r", "app/a.b.c/x86_64/stable")}
	mask, unmask := run("mask", "--user", "app/a.b.c/x86_64/*"), run("mask", "--user", "--remove", "app/a.b.c/x86_64/*")
	move := func(commit string) plan.Step {
		return run("update", "--user", "--noninteractive", "--commit="+commit, "app/a.b.c/x86_64/")
	}
	system := &manifest.FlatpakApp{ID: "a.b.c", Remote: "r", Scope: "system", Branch: "beta"}
	tests := []struct {
		name  string
		diffs []reconcile.Diff[manifest.FlatpakApp]
		want  []plan.Change
	}{
		{"a new one", []reconcile.Diff[manifest.FlatpakApp]{{Want: app("a.b.c", "r", "")}}, []plan.Change{install("a.b.c", "r")}},
		{"several of two remotes and scopes", []reconcile.Diff[manifest.FlatpakApp]{
			{Want: app("a.b.c", "r", "")}, {Want: app("a.b.d", "s", "")}, {Want: app("a.b.e", "r", "")}, {Want: system},
		}, []plan.Change{
			{
				Op: plan.Add, Targets: []string{"user/a.b.c", "user/a.b.e"},
				Steps:    []plan.Step{run("install", "--user", "--noninteractive", "r", "app/a.b.c/x86_64/", "app/a.b.e/x86_64/")},
				Fallback: []plan.Change{install("a.b.c", "r"), install("a.b.e", "r")},
			},
			install("a.b.d", "s"),
			{Op: plan.Add, Targets: []string{"system/a.b.c/beta"}, Steps: []plan.Step{run("install", "--system", "--noninteractive", "r", "app/a.b.c/x86_64/beta")}},
		}},
		{"another remote", []reconcile.Diff[manifest.FlatpakApp]{{Have: app("a.b.c", "s", ""), Want: app("a.b.c", "r", "")}},
			[]plan.Change{reinstall}},
		{"part of a commit", []reconcile.Diff[manifest.FlatpakApp]{{Want: app("a.b.c", "r", "0123456789ab")}}, []plan.Change{install("a.b.c", "r")}},
		{"a new one that is held", []reconcile.Diff[manifest.FlatpakApp]{{Want: app("a.b.c", "r", old)}},
			[]plan.Change{install("a.b.c", "r"), {Op: plan.Modify, Targets: []string{"user/a.b.c"}, Steps: []plan.Step{move(old), mask}}}},
		{"held at another commit", []reconcile.Diff[manifest.FlatpakApp]{{Have: app("a.b.c", "r", old), Want: app("a.b.c", "r", later)}},
			[]plan.Change{{Op: plan.Modify, Targets: []string{"user/a.b.c"}, Steps: []plan.Step{unmask, move(later), mask}, Undo: []plan.Step{mask}}}},
		{"no longer held", []reconcile.Diff[manifest.FlatpakApp]{{Have: app("a.b.c", "r", old), Want: app("a.b.c", "r", "")}},
			[]plan.Change{{Op: plan.Modify, Targets: []string{"user/a.b.c"}, Steps: []plan.Step{unmask}}}},
		{"removed", []reconcile.Diff[manifest.FlatpakApp]{{Have: app("a.b.c", "r", old)}, {Have: app("a.b.d", "s", "")}}, []plan.Change{
			{
				Op: plan.Remove, Targets: []string{"user/a.b.c", "user/a.b.d"},
				Steps: []plan.Step{run("uninstall", "--user", "--noninteractive", "app/a.b.c/x86_64/", "app/a.b.d/x86_64/")},
				Fallback: []plan.Change{
					one(plan.Remove, "a.b.c", "uninstall", "--user", "--noninteractive", "app/a.b.c/x86_64/"),
					one(plan.Remove, "a.b.d", "uninstall", "--user", "--noninteractive", "app/a.b.d/x86_64/"),
				},
			},
			{Op: plan.Modify, Targets: []string{"user/a.b.c"}, Steps: []plan.Step{unmask}},
		}},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := flatpak.Apps{Installations: folders, Arch: "x86_64"}.Plan(tt.diffs)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
