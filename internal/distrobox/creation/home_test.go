package creation

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// TestInHome checks which part of an environment depends on the home.
func TestInHome(t *testing.T) {
	got := InHome(manifest.Container{
		Env:  map[string]string{"A": "~/a", "B": "/b:~", "C": "c~", "D": "/d/~"},
		Path: []string{"/opt", "~/bin"},
	})
	want := Home{Env: map[string]string{"A": "~/a", "B": "/b:~"}, Path: []string{"/opt", "~/bin"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Home{}, InHome(manifest.Container{Env: map[string]string{"C": "c"}, Path: []string{"/opt"}})); diff != "" {
		t.Error(diff)
	}
}

// TestAddHome runs the command that creates a container, with a manager that knows the
// PATH of the image, or pulls it first, and with a distrobox that passes options to a
// shell again.
func TestAddHome(t *testing.T) {
	const standard = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, tt := range []struct {
		name, image string // of the image: its environment
		home        Home
		want        string // or the beginning of an error
	}{
		{"nothing", "PATH=/image", Home{}, ""},
		{"a variable", "PATH=/image", Home{Env: map[string]string{"TOOLS": "~/x  y:~"}}, "--env=TOOLS=/home/it's me/x  y:/home/it's me\n"},
		{"before the PATH of the image", "A=PATH=x\nPATH=/image:/bin\nB=x", Home{Path: []string{"~/my  bin", "/opt"}}, "--env=PATH=/home/it's me/my  bin:/opt:/image:/bin\n"},
		{"around it", "PATH=/image", Home{Path: []string{"/opt", "$PATH", "~/*"}}, "--env=PATH=/opt:/image:/home/it's me/*\n"},
		{"after it", "PATH=/image", Home{Path: []string{"$PATH", "~"}}, "--env=PATH=/image:/home/it's me\n"},
		{"an image without PATH", "", Home{Path: []string{"~/bin"}}, "--env=PATH=/home/it's me/bin:" + standard + "\n"},
		{"an image with a PATH for shells", "PATH=/a;b", Home{Path: []string{"~/bin"}}, "PATH of image localhost/x:1 has a character that distrobox does not accept: /a;b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			program(t, filepath.Join(dir, "manager"), fmt.Sprintf(`case $1 in
pull) echo id; : >%[1]s/pulled ;;
image) test -e %[1]s/pulled && cat %[1]s/env ;;
esac`, dir))
			program(t, filepath.Join(dir, "distrobox"), `command="printf '%s\n'"
while [ $# -gt 0 ]; do [ "$1" != --additional-flags ] || { shift; command="$command $1"; shown=1; }; shift; done
[ -z "$shown" ] || eval ${command}`)
			if err := os.WriteFile(filepath.Join(dir, "env"), []byte(tt.image+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			argv, err := Creator{Home: "/home/it's me"}.AddHome([]string{filepath.Join(dir, "distrobox"), "create"}, filepath.Join(dir, "manager"), "docker://localhost/x:1", tt.home)
			if err != nil {
				t.Fatal(err)
			}
			got, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
			if (err != nil) != strings.HasPrefix(tt.want, "PATH of image") {
				t.Errorf("%v\n%s", err, got)
			}
			if diff := cmp.Diff(tt.want, strings.TrimSuffix(string(got), "\n")+strings.Repeat("\n", strings.Count(tt.want, "\n"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func program(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
