package flatpak_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/flatpak"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

func TestSettings(t *testing.T) {
	const config = "xa.languages=de;en\nxa.extra-languages=\nxa.masked=app/a.b.C/x86_64/*;a.b.X\nxa.pinned=runtime/p.q.R/x86_64/1;runtime/p.q.Gone/x86_64/1;p.q.Z*\n"
	a := deployed(t, config, "a.b.C/x86_64/stable")
	deployRuntime(t, a, "p.q.R/x86_64/1", "")
	s := flatpak.Settings{Installations: a.Installations, Arch: "x86_64"}
	found, err := s.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []manifest.FlatpakInstallation{{Scope: "user", Languages: "de;en", Masks: []string{"a.b.X"}, Pins: []string{"p.q.Z*"}}}
	if diff := cmp.Diff(want, found.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"user runtime/p.q.Gone/x86_64/1"}, whats(found.LeftOut)); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}
	// Declared patterns count, whatever they match, and keep their words.
	known := manifest.FlatpakInstallation{Scope: "user", Languages: "de;en;", Masks: []string{"a.b.X", "app/a.b.C/x86_64/*"}, Pins: []string{"p.q.Z*", "runtime/p.q.Gone/x86_64/1"}, Comment: "mine"}
	found, err = s.Observe(t.Context(), nil, []manifest.FlatpakInstallation{known})
	if diff := cmp.Diff([]manifest.FlatpakInstallation{known}, found.Items); err != nil || diff != "" {
		t.Errorf("known (-want +got):\n%s", diff)
	}
}

func TestFurtherInstallations(t *testing.T) {
	a := deployed(t, "")
	a.Config = t.TempDir()
	dir := filepath.Join(a.Config, "installations.d")
	write(t, filepath.Join(dir, "a.conf"), "[Installation \"a\"]\nPath=/none/a\nDisplayName=An A\nPriority=2\nStorageType=sdcard\n")
	write(t, filepath.Join(dir, "two.conf"), "[Installation \"b\"]\nPath="+a.User+"\n[Installation \"c\"]\nPath=/none/c\n")
	write(t, filepath.Join(dir, "bad.conf"), "[Installation \"d\"]\n")
	write(t, filepath.Join(dir, "note"), "nothing")
	s := flatpak.Settings{Installations: a.Installations, Arch: "x86_64"}
	found, err := s.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []manifest.FlatpakInstallation{
		{Scope: "installation=a", Path: "/none/a", DisplayName: "An A", Priority: 2, StorageType: "sdcard"},
		{Scope: "installation=b", Path: a.User},
		{Scope: "installation=c", Path: "/none/c"},
	}
	if diff := cmp.Diff(want, found.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(found.Unread) != 1 || found.Unread[0].What != filepath.Join(dir, "bad.conf") {
		t.Errorf("unread: %v", found.Unread)
	}
	if !found.Hidden(manifest.FlatpakInstallation{Scope: "installation=d"}) || found.Hidden(want[0]) || found.Hidden(manifest.FlatpakInstallation{Scope: "user"}) {
		t.Error("the wrong installation is hidden")
	}

	changed, other := want[0], want[1]
	changed.Priority, other.Path = 3, "/other"
	fresh := manifest.FlatpakInstallation{Scope: "installation=e", Path: "/e", Masks: []string{"x.y.Z"}}
	changes := found.Plan([]reconcile.Diff[manifest.FlatpakInstallation]{{Have: &want[0], Want: &changed}, {Want: &fresh}, {Have: &want[1], Want: &other}, {Have: &want[2]}})
	text := "[Installation \"a\"]\nPath=/none/a\nDisplayName=An A\nPriority=3\nStorageType=sdcard\n"
	steps := []plan.Step{
		plan.Overwrite{Path: filepath.Join(dir, "a.conf"), Text: []byte(text)},
		plan.Overwrite{Path: filepath.Join(dir, "e.conf"), Text: []byte("[Installation \"e\"]\nPath=/e\n")},
		run("mask", "--installation=e", "x.y.Z"),
	}
	if diff := cmp.Diff(steps, append(changes[0].Steps, changes[1].Steps...)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	for _, c := range changes[2:] {
		if _, fails := c.Steps[0].(plan.Fail); !fails {
			t.Errorf("bkt edits a file that has more: %v", c.Steps)
		}
	}
}

func TestPlanOfSettings(t *testing.T) {
	have := manifest.FlatpakInstallation{Scope: "user", Languages: "de", ExtraLanguages: "fr", Masks: []string{"a.b.C", "a.b.D"}, Pins: []string{"p.q.R"}}
	want := manifest.FlatpakInstallation{Scope: "user", Languages: "de;en", Masks: []string{"a.b.D", "a.b.E"}, Pins: []string{"p.q.R"}}
	changes := flatpak.Settings{}.Plan([]reconcile.Diff[manifest.FlatpakInstallation]{{Have: &have, Want: &want}})
	steps := []plan.Step{
		run("config", "--user", "--set", "languages", "de;en"),
		run("config", "--user", "--unset", "extra-languages"),
		run("mask", "--user", "--remove", "a.b.C"),
		run("mask", "--user", "a.b.E"),
	}
	if diff := cmp.Diff(steps, changes[0].Steps); len(changes) != 1 || diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMergeOfSettings(t *testing.T) {
	of := func(languages string, masks ...string) manifest.FlatpakInstallation {
		return manifest.FlatpakInstallation{Scope: "user", Languages: languages, Masks: masks}
	}
	tests := []struct {
		name               string
		base, ours, theirs manifest.FlatpakInstallation
		want               manifest.FlatpakInstallation
		clash              bool
	}{
		{"patterns", of("de", "a", "b"), of("de", "a", "b", "c"), of("de", "b", "d"), of("de", "b", "c", "d"), false},
		{"their languages", of("de"), of("de", "c"), of("en"), of("en", "c"), false},
		{"our languages", of("de"), of("en"), of("de", "d"), of("en", "d"), false},
		{"both", of("de"), of("en"), of("fr"), manifest.FlatpakInstallation{}, true},
	}
	for _, tt := range tests {
		got, ok := flatpak.Settings{}.Merge(tt.base, tt.ours, tt.theirs)
		if diff := cmp.Diff(tt.want, got); ok == tt.clash || ok && diff != "" {
			t.Errorf("%s: merged: %t (-want +got):\n%s", tt.name, ok, diff)
		}
	}
}

// TestPatternsOfWhatCannotBeRead checks that the mask of an app and the pin of a runtime whose
// files cannot be read are taken for those of installed ones.
func TestPatternsOfWhatCannotBeRead(t *testing.T) {
	a := deployed(t, "xa.masked=app/a.b.X/x86_64/*\nxa.pinned=runtime/p.q.X/x86_64/1\n")
	for _, link := range []string{"app/a.b.X/x86_64", "runtime/p.q.X/x86_64/1"} {
		path := filepath.Join(a.User, link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.Symlink(filepath.Base(path), path)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := flatpak.Settings{Installations: a.Installations, Arch: "x86_64"}.Observe(t.Context(), nil, nil)
	if err != nil || len(found.Items) > 0 || len(found.LeftOut) > 0 {
		t.Errorf("%+v, left out: %v, %v", found.Items, found.LeftOut, err)
	}
}
