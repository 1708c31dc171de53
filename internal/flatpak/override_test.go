package flatpak_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/flatpak"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// installed returns the domain of a user's installation with an override of
// a.b.c that has this text.
func installed(t *testing.T, text string) flatpak.Overrides {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "repo", "config"), "[core]\nrepo_version=1\n")
	write(t, filepath.Join(dir, "overrides", "a.b.c"), text)
	return flatpak.Overrides{Installations: flatpak.Installations{User: dir, System: filepath.Join(dir, "none")}, Home: "/home/me"}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func observe(t *testing.T, o flatpak.Overrides, known ...manifest.FlatpakOverride) []manifest.FlatpakOverride {
	t.Helper()
	found, err := o.Observe(t.Context(), nil, known)
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

func override(flags ...string) manifest.FlatpakOverride {
	return manifest.FlatpakOverride{App: "a.b.c", Scope: "user", Flags: flags}
}

// all has an example of each kind of entry that "flatpak override" of 1.14 writes, and
// unknown entries.
const all = `[Context]
shared=network;!ipc;
sockets=wayland;!x11;
devices=dri;!all;
features=devel;!bluetooth;
filesystems=/home/me/x:ro;!home;xdg-music:create;!host:reset;/home/mela;
persistent=.cache;
unset-environment=GONE;
later=a;b;

[Session Bus Policy]
org.a=talk
org.b=own
org.c=none

[System Bus Policy]
org.d=talk

[Environment]
GONE=
LANG=C
ODD=a\\b\sc;d
EMPTY=

[Policy tracker]
index=/x;!/y;

[Later]
x=1
`

var allFlags = []string{
	"--share=network", "--unshare=ipc", "--socket=wayland", "--nosocket=x11", "--device=dri", "--nodevice=all",
	"--allow=devel", "--disallow=bluetooth",
	"--filesystem=${HOME}/x:ro", "--nofilesystem=home", "--filesystem=xdg-music:create", "--nofilesystem=host:reset", "--filesystem=/home/mela",
	"--persist=.cache", "--unset-env=GONE", "--entry=[Context]later=a;b;",
	"--talk-name=org.a", "--own-name=org.b", "--no-talk-name=org.c", "--system-talk-name=org.d",
	"--env=LANG=C", `--env=ODD=a\b c;d`, "--env=EMPTY=",
	"--add-policy=tracker.index=/x", "--remove-policy=tracker.index=/y",
	"--entry=[Later]x=1",
}

func TestOverridesAreReadAsOptions(t *testing.T) {
	got := observe(t, installed(t, all))
	if diff := cmp.Diff([]manifest.FlatpakOverride{override(allFlags...)}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// put returns the text that a plan writes.
func put(t *testing.T, o flatpak.Overrides, want manifest.FlatpakOverride) string {
	t.Helper()
	changes := o.Plan([]reconcile.Diff[manifest.FlatpakOverride]{{Want: &want}})
	if len(changes) != 1 || len(changes[0].Steps) != 1 {
		t.Fatalf("%+v", changes)
	}
	return string(changes[0].Steps[0].(plan.Overwrite).Text)
}

func TestNothingOfAnOverrideIsLost(t *testing.T) {
	o := installed(t, all)
	want := observe(t, o)
	again := observe(t, installed(t, put(t, o, want[0])), want...)
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOverridesThatSayTheSameKeepTheirWords(t *testing.T) {
	known := override("--filesystem=host", "--unshare=network", "--share=network", "--filesystem=~/x:rw", "--env=A=1")
	known.Comment = "mine"
	got := observe(t, installed(t, "[Environment]\nA=1\n[Context]\nfilesystems=~/x;host\nshared=network"), known)
	if diff := cmp.Diff([]manifest.FlatpakOverride{known}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatIsNewInAnOverrideFollowsWhatIsKnown(t *testing.T) {
	known := override("--socket=x11", "--filesystem=${HOME}/x", "--env=A=1")
	got := observe(t, installed(t, "[Context]\nfilesystems=/home/me/x;host:ro;\n[Environment]\nA=1\n"), known)
	want := override("--filesystem=${HOME}/x", "--env=A=1", "--filesystem=host:ro")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name               string
		base, ours, theirs []string
		want               []string
		clash              bool
	}{
		{"both add", []string{"--share=ipc"}, []string{"--share=ipc", "--socket=x11"}, []string{"--env=A=1", "--share=ipc"},
			[]string{"--share=ipc", "--socket=x11", "--env=A=1"}, false},
		{"theirs removes", []string{"--share=ipc", "--env=A=1"}, []string{"--share=ipc", "--env=A=1", "--socket=x11"}, []string{"--env=A=1"},
			[]string{"--env=A=1", "--socket=x11"}, false},
		{"theirs changes", []string{"--filesystem=home"}, []string{"--filesystem=home", "--socket=x11"}, []string{"--filesystem=home:ro"},
			[]string{"--socket=x11", "--filesystem=home:ro"}, false},
		{"both to the same", []string{"--env=A=1"}, []string{"--env=A=2"}, []string{"--env=A=2", "--share=ipc"}, []string{"--env=A=2", "--share=ipc"}, false},
		{"paths in the home", nil, []string{"--filesystem=${HOME}/x", "--env=A=${$HOME}"}, []string{"--filesystem=${HOME}/y"},
			[]string{"--filesystem=${HOME}/x", "--env=A=${$HOME}", "--filesystem=${HOME}/y"}, false},
		{"a clash", []string{"--env=A=1"}, []string{"--env=A=2"}, []string{"--env=A=3"}, nil, true},
		{"removed and changed", []string{"--env=A=1"}, []string{"--env=A=2"}, nil, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := flatpak.Overrides{Home: "/home/me"}.Merge(override(tt.base...), override(tt.ours...), override(tt.theirs...))
			if ok == tt.clash {
				t.Fatalf("merged: %t", ok)
			}
			if diff := cmp.Diff(tt.want, got.Flags); ok && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestADamagedOverrideIsNotEmpty checks that a damaged file costs only its own override.
func TestADamagedOverrideIsNotEmpty(t *testing.T) {
	o := installed(t, "[Context]\nfilesystems=~/x\n;~/.local/share/applications\n")
	write(t, filepath.Join(o.User, "overrides", "d.e.f"), "[Context]\nsockets=x11;\n")
	found, err := o.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	good := manifest.FlatpakOverride{App: "d.e.f", Scope: "user", Flags: []string{"--socket=x11"}}
	if diff := cmp.Diff([]manifest.FlatpakOverride{good}, found.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(found.Unread) != 1 || found.Unread[0].What != "user/a.b.c" || !strings.Contains(found.Unread[0].Err.Error(), "a.b.c is damaged: line 3") {
		t.Errorf("unread: %v", found.Unread)
	}
	if !found.Hidden(override()) || found.Hidden(good) {
		t.Error("the wrong override is hidden")
	}
}

// TestOnePermissionIsLeftOut checks that a permission that no manifest can have leaves out
// only itself, and that bkt keeps it in the file.
func TestOnePermissionIsLeftOut(t *testing.T) {
	o := installed(t, "[Context]\nsockets=x11;\nfilesystems=~/a\\nb;\n[Environment]\nLINES=a\\nb\nBELL=\a\n")
	found, err := o.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := override("--socket=x11", "--env=LINES=a\nb")
	if diff := cmp.Diff([]manifest.FlatpakOverride{want}, found.Items); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	left := []string{`user/a.b.c: "--filesystem=~/a\nb"`, `user/a.b.c: "--env=BELL"`}
	for i, l := range found.LeftOut {
		if len(found.LeftOut) != len(left) || l.What != left[i] {
			t.Errorf("left out: %v", found.LeftOut)
		}
	}
	changed := override("--socket=wayland", "--env=LINES=c\nd")
	change := found.Plan([]reconcile.Diff[manifest.FlatpakOverride]{{Have: &want, Want: &changed}})[0]
	const text = "[Context]\nfilesystems=~/a\\nb;\nsockets=wayland;\n\n[Environment]\nBELL=\a\nLINES=c\\nd\n"
	if diff := cmp.Diff(text, string(change.Steps[0].(plan.Overwrite).Text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	change = found.Plan([]reconcile.Diff[manifest.FlatpakOverride]{{Have: &want}})[0]
	const rest = "[Context]\nfilesystems=~/a\\nb;\n\n[Environment]\nBELL=\a\n"
	if diff := cmp.Diff(rest, string(change.Steps[0].(plan.Overwrite).Text)); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}

// FuzzOverride checks that an override is the same after reading, writing and reading it.
func FuzzOverride(f *testing.F) {
	f.Add(all)
	f.Add("[Context]\nfilesystems=a:ro;!a;\\;;b")
	f.Add("[Environment]\nX=\\s y\\n\n[Context]\nunset-environment=X;")
	f.Fuzz(func(t *testing.T, text string) {
		o := installed(t, text)
		found, err := o.Observe(t.Context(), nil, nil)
		if err != nil || len(found.Items) == 0 || manifest.Check(found.Items[0]) != nil {
			return
		}
		again := observe(t, installed(t, put(t, o, found.Items[0])))
		if len(again) != 1 || !o.Same(found.Items[0], again[0]) {
			t.Errorf("%q\nbecame %q", found.Items[0].Flags, again)
		}
	})
}
