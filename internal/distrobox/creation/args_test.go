package creation

import (
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// TestArgs checks the command that creates a container, without its label.
func TestArgs(t *testing.T) {
	user, root := Creator{Home: "/home/u", UID: 1000}, Creator{Home: "/root"}
	tests := []struct {
		name      string
		creator   Creator
		container manifest.Container
		want      []string
	}{
		{"an image", user, manifest.Container{Image: "localhost/x:1"}, nil},
		{"options", user, manifest.Container{Image: "x", Pull: true, Init: true}, []string{"--pull", "--init"}},
		{"of root, by a user", user, manifest.Container{Image: "x", Root: true}, []string{"--root"}},
		{"of root, by root", root, manifest.Container{Image: "x", Root: true}, nil},
		{"packages, sorted", user, manifest.Container{Image: "x", Packages: []string{"vim", "git"}}, []string{"--additional-packages", "git vim"}},
		{"volumes", user, manifest.Container{Image: "x", Volume: []string{"~/data:/data:ro", "/srv:/srv"}}, []string{"--volume", "/home/u/data:/data:ro", "--volume", "/srv:/srv"}},
		{"flags", user, manifest.Container{Image: "x", AdditionalFlags: []string{"--cpus 2"}}, []string{"--additional-flags", "--cpus 2"}},
		{"variables, sorted", user, manifest.Container{Image: "x", Env: map[string]string{"B": "~/b:/c:~", "A": "x y"}},
			[]string{"--additional-flags", "--env=A='x ''y'", "--additional-flags", "--env=B=/home/u/b:/c:/home/u"}},
		{"PATH, before the standard folders", user, manifest.Container{Image: "x", Path: []string{"~/bin"}},
			[]string{"--additional-flags", "--env=PATH=/home/u/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}},
		{"PATH, after them", user, manifest.Container{Image: "x", Path: []string{"$PATH", "/opt/bin"}},
			[]string{"--additional-flags", "--env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.creator.Args("dev", tt.container)
			if err != nil {
				t.Fatal(err)
			}
			want := append([]string{"distrobox", "create", "--yes", "--no-entry", "--name", "dev", "--image", tt.container.Image}, tt.want...)
			n := len(got) - 2
			if diff := cmp.Diff(want, got[:n]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			label, ok := strings.CutPrefix(got[n+1], "--label="+LabelName+"=")
			entry, err := Label("dev", tt.container)
			name, _, isEntry := ParseLabel(label)
			if got[n] != "--additional-flags" || !ok || label != entry || err != nil || !isEntry || name != "dev" {
				t.Errorf("label %v of %s, %v", got[n:], name, err)
			}
		})
	}
}

// TestArgsOfHooks checks that hooks reach distrobox as one command each.
func TestArgsOfHooks(t *testing.T) {
	b := manifest.Container{Image: "x", PreInitHooks: []manifest.PreHook{{Run: "a", Bare: true}, {Run: "b", Comment: "why"}}, InitHooks: []manifest.Hook{{Run: "c"}, {Run: "d", As: "root"}}}
	got, err := Creator{Home: "/home/u", UID: 1000}.Args("dev", b)
	if err != nil {
		t.Fatal(err)
	}
	if got[8] != "--pre-init-hooks" || got[10] != "--init-hooks" || !strings.Contains(got[9], " && ") || !strings.Contains(got[11], " && ") {
		t.Errorf("%q", got)
	}
}

// TestArgsRefuses checks values that distrobox, a shell script, would spoil.
func TestArgsRefuses(t *testing.T) {
	for want, b := range map[string]manifest.Container{
		"image a b: distrobox does not accept": {Image: "a b"},
		"image $x: distrobox does not accept":  {Image: "$x"},
		"volume /a b:/c: distrobox does not":   {Image: "x", Volume: []string{"/a b:/c"}},
		"volume /a;rm:/c: distrobox does not":  {Image: "x", Volume: []string{"/a;rm:/c"}},
		"variable A: cannot quote character a": {Image: "x", Env: map[string]string{"A": "secret\x00"}},
	} {
		_, err := Creator{Home: "/home/u"}.Args("dev", b)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
