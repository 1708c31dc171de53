package creation

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestRecords checks that the options of a container, and nothing that distrobox adds, are
// read from what podman recorded, and that a container created with them has the same
// ones. testdata has records of the real programs.
func TestRecords(t *testing.T) {
	c := Creator{Home: "/home/u", UID: 1001}
	options := manifest.Container{
		Image: "localhost/deb:1", Volume: []string{"named:/cache", "~/vol:/vol:ro"}, Home: "~/box",
		Env: map[string]string{"FOO": "bar", "A_B": "c d", "DIR": "~/x"},
		AdditionalFlags: []string{
			"--cap-add=SYS_PTRACE", "--memory=512m", "--device=/dev/null:/dev/x", "--label=x=y", "--publish=8080:80",
			"--security-opt=seccomp=unconfined", "--read-only", "--hostname=foo",
		},
	}
	since16 := options
	since16.Nvidia, since16.Unshare = true, []string{"groups", "ipc"}
	want := map[string]manifest.Container{"options": since16, "init": {Image: "localhost/deb:1", Init: true}, "plain": {Image: "localhost/deb:1"}}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		release := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, f := range archive.Files {
			want := want[f.Name]
			if release == "1.4.2.1" && f.Name == "options" {
				want = options
			}
			t.Run(release+" "+f.Name, func(t *testing.T) {
				of := manager.Container{Name: f.Name, Image: "localhost/deb:1", Inspected: true}
				if err := json.Unmarshal(f.Data, &of); err != nil {
					t.Fatal(err)
				}
				got, out := c.FromContainer(of, manifest.Container{}, false)
				if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || len(out) > 0 {
					t.Errorf("(-want +got):\n%s%v", diff, out)
				}
				if again, _ := c.FromContainer(of, got, false); !cmp.Equal(got, again) {
					t.Error("its own declaration differs")
				}
			})
		}
	}
}

// TestOtherWords checks that a declaration in other words with the same meaning keeps its
// words, and that one with another meaning does not.
func TestOtherWords(t *testing.T) {
	c := Creator{Home: "/home/u"}
	of := manager.Container{Name: "dev", Inspected: true, CreateCommand: []string{
		"podman", "create", "--ipc", "host", "--network", "host", "--pid", "host", "--volume", "/dev:/dev:rslave",
		"--env", "A=b c", "-v", "/x:/y", "-it", "--cap-add=SYS_PTRACE", "--net", "none", "-e=B=1", "--entrypoint", "/usr/bin/entrypoint", "image", "--verbose",
	}}
	for name, tt := range map[string]struct {
		declared manifest.Container
		same     bool
	}{
		"flags in other words": {manifest.Container{AdditionalFlags: []string{`--env 'A=b 'c --network=none -t -i -eB=1 --cap-add SYS_PTRACE --volume=/x/:/y`}}, true},
		"fields":               {manifest.Container{Env: map[string]string{"A": "b c", "B": "1"}, Volume: []string{"/x/:/y/"}, AdditionalFlags: []string{"--network none", "-ti", "--cap-add SYS_PTRACE"}}, true},
		"another value":        {manifest.Container{Env: map[string]string{"A": "b", "B": "1"}, Volume: []string{"/x:/y"}, AdditionalFlags: []string{"--network none", "-ti", "--cap-add SYS_PTRACE"}}, false},
		"one less":             {manifest.Container{Env: map[string]string{"A": "b c", "B": "1"}, Volume: []string{"/x:/y"}, AdditionalFlags: []string{"-ti", "--cap-add SYS_PTRACE"}}, false},
		"one more":             {manifest.Container{Path: []string{"/opt"}, Env: map[string]string{"A": "b c", "B": "1"}, Volume: []string{"/x:/y"}, AdditionalFlags: []string{"--network none", "-ti", "--cap-add SYS_PTRACE"}}, false},
	} {
		got, _ := c.FromContainer(of, tt.declared, false)
		if same := cmp.Equal(got, tt.declared, cmpopts.EquateEmpty()); same != tt.same {
			t.Errorf("%s: %v: %+v", name, same, got)
		}
	}
}

// TestEnvironmentOfTheImage checks that variables do not count if the image has them.
func TestEnvironmentOfTheImage(t *testing.T) {
	of := manager.Container{Name: "dev", Inspected: true, CreateCommand: []string{
		"podman", "create", "--ipc=host", "--network=host", "--pid=host", "--volume=/dev:/dev:rslave", "--env=A=1", "-it", "--entrypoint=/usr/bin/entrypoint", "image",
	}}
	declared := manifest.Container{AdditionalFlags: []string{"-t -i"}}
	if got, out := (Creator{Home: "/home/u"}).FromContainer(of, declared, true); !cmp.Equal(got, declared, cmpopts.EquateEmpty()) || out != nil {
		t.Errorf("%+v %v", got, out)
	}
}

// TestUnfitOptions checks that options that a manifest cannot express are named, and the
// others are not lost.
func TestUnfitOptions(t *testing.T) {
	c := Creator{Home: "/home/u"}
	create := func(options ...string) manager.Container {
		command := append([]string{"podman", "create", "--ipc=host", "--network=host", "--pid=host", "--volume=/dev:/dev:rslave"}, options...)
		return manager.Container{Name: "dev", Inspected: true, CreateCommand: append(command, "--entrypoint", "/usr/bin/entrypoint", "image")}
	}
	const standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, tt := range []struct {
		name string
		of   manager.Container
		want manifest.Container
		out  []string
	}{
		{"no record", manager.Container{Name: "dev", Inspected: true, Args: []string{"--home", "/home/u/box"}}, manifest.Container{Home: "~/box"}, []string{"its options: there is no record of the command that created it"}},
		{"by another program", manager.Container{Name: "dev", Inspected: true, CreateCommand: []string{"podman", "create", "image"}}, manifest.Container{}, []string{"its options: there is no record of the command that created it"}},
		{"PATH", create("--env=PATH=/home/u/bin:"+standard, "--tty"), manifest.Container{Path: []string{"~/bin"}, AdditionalFlags: []string{"--tty"}}, nil},
		{"PATH with folders after the standard ones", create("--env=PATH=/a:" + standard + ":/b"), manifest.Container{Path: []string{"/a", "$PATH", "/b"}}, nil},
		{"PATH without the standard folders", create("--env=PATH=/a", "--env=A=1"), manifest.Container{Env: map[string]string{"A": "1"}}, []string{"PATH=/a"}},
		{"a text that would become the home", create("--env=A=~/x", "--env=B=1"), manifest.Container{Env: map[string]string{"B": "1"}}, []string{"variable A"}},
		{"a name that is none", create("--env=A B=1"), manifest.Container{}, []string{"variable A B"}},
		{"a line break", create("--label=a=b\nc", "--tty"), manifest.Container{AdditionalFlags: []string{"--tty"}}, []string{"--label"}},
		{"a variable of the host", create("--env", "LANG"), manifest.Container{AdditionalFlags: []string{"--env=LANG"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, out := c.FromContainer(tt.of, manifest.Container{}, false)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.out, out); diff != "" {
				t.Error(diff)
			}
		})
	}
}
