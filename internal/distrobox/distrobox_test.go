package distrobox_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/distrobox"
	"bkt/internal/distrobox/creation"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// answers are the answers of a system, by the first words of the question.
type answers map[string]string

func (a answers) Output(_ context.Context, r plan.Run) ([]byte, error) {
	question := strings.Join(r.Argv, " ")
	for begin, answer := range a {
		if strings.HasPrefix(question, begin) {
			return []byte(answer), nil
		}
	}
	return nil, fmt.Errorf("nobody was to ask %q", question)
}

func domain(t *testing.T) distrobox.Domain {
	home := t.TempDir()
	return distrobox.Domain{
		Remember: func(plan.Overwrite) {},
		Recall:   os.ReadFile,
		Manager:  "podman", Home: home, Data: filepath.Join(home, ".local/share"), Config: filepath.Join(home, ".config"),
		Storage: []string{home}, Proc: filepath.Join(home, "proc"), UID: 1000,
	}
}

func observe(t *testing.T, d distrobox.Domain, sys answers, known ...distrobox.Container) reconcile.Snapshot[distrobox.Container] {
	t.Helper()
	o, err := d.Observe(context.Background(), sys, known)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestRootfulIsHidden checks that a container of root is neither present nor missing, and
// does not hide other containers.
func TestRootfulIsHidden(t *testing.T) {
	theirs := distrobox.Container{Name: "theirs", Container: manifest.Container{Image: "x", Root: true}}
	mine := distrobox.Container{Name: "mine", Container: manifest.Container{Image: "localhost/x:1"}}
	o := observe(t, domain(t), answers{
		"podman ps":      `[{"Id":"1","Names":["mine"],"Image":"localhost/x:1","Labels":{"manager":"distrobox"},"Command":["--"]}]`,
		"podman images":  `[]`,
		"podman inspect": `[{"Id":"1","Name":"mine","Args":["--"],"Config":{"Labels":{"manager":"distrobox"}}}]`,
	}, mine, theirs)
	if len(o.Items) != 1 || o.Items[0].Name != "mine" {
		t.Errorf("%v", o.Items)
	}
	if o.Hidden(mine) || !o.Hidden(theirs) {
		t.Error("the container of root is not the hidden one")
	}
	if len(o.Notes) != 1 || !strings.Contains(o.Notes[0], "theirs belongs to root") {
		t.Errorf("%q", o.Notes)
	}
}

// TestContainersOfDistrobox checks which containers belong to distrobox.
func TestContainersOfDistrobox(t *testing.T) {
	row := func(name, labels string) string {
		return fmt.Sprintf(`{"Id":%[1]q,"Names":[%[1]q],"Image":"localhost/x:1","Labels":%[2]s,"Command":["--"]}`, name, labels)
	}
	var inspected []string
	for _, name := range []string{"a", "b"} {
		inspected = append(inspected, fmt.Sprintf(`{"Id":%[1]q,"Name":%[1]q,"Args":["--"],"Config":{"Labels":{"manager":"distrobox"}}}`, name))
	}
	o := observe(t, domain(t), answers{
		"podman ps": "[" + strings.Join([]string{
			row("a", `{"manager":"distrobox"}`), row("b", `{"distrobox.version":"2"}`), row("c", `{"com.github.containers.toolbox":"true"}`),
			row("d", `null`), row("e", `{"x":"distrobox.y"}`),
		}, ",") + "]",
		"podman images":  ``,
		"podman inspect": "[" + strings.Join(inspected, ",") + "]",
	})
	var names []string
	for _, b := range o.Items {
		names = append(names, b.Name)
	}
	if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" {
		t.Error(diff)
	}
}

// TestALabelThatCannotBeRead checks that a container with a label of another release
// is named, and not silently compared without it.
func TestALabelThatCannotBeRead(t *testing.T) {
	sys := answers{
		"podman ps":      `[{"Id":"1","Names":["mine"],"Image":"localhost/x:1","Labels":{"manager":"distrobox","bkt.box":"e30"},"Command":["--"]}]`,
		"podman images":  `[]`,
		"podman inspect": `[{"Id":"1","Name":"mine","Args":["--"]}]`,
	}
	o := observe(t, domain(t), sys)
	if len(o.Items) != 1 || len(o.Notes) != 1 || !strings.HasPrefix(o.Notes[0], "mine: its label bkt.box, the entry that bkt created it from, cannot be read") {
		t.Errorf("%v, %q", o.Items, o.Notes)
	}
}

// TestDocker checks that containers of docker are observed like those of podman.
func TestDocker(t *testing.T) {
	d := domain(t)
	d.Manager = "docker"
	o := observe(t, d, answers{
		"docker ps --all --no-trunc --quiet": "1\n2\n",
		"docker images":                      "alpine:latest sha256:0123456789abcdef\n<none>:<none> sha256:ff\n",
		"docker inspect --type container 1 2": `[
			{"Id":"1","Name":"/box","Image":"sha256:0123456789abcdef","Args":["--init","0","--additional-packages","git","--",""],
			 "Config":{"Image":"alpine","Labels":{"manager":"distrobox"}},"State":{"Running":false},
			 "Mounts":[{"Type":"bind","Source":"/srv","Destination":"/srv","RW":false},{"Type":"bind","Source":"/","Destination":"/run/host","RW":true}]},
			{"Id":"2","Name":"/other","Config":{"Labels":{}}}]`,
	})
	want := []distrobox.Container{{
		Name:      "box",
		Container: manifest.Container{Image: "alpine", Packages: []string{"git"}, Volume: []string{"/srv:/srv:ro"}},
		ImageID:   "0123456789ab",
	}}
	if diff := cmp.Diff(want, o.Items, equateEmpty); diff != "" {
		t.Error(diff)
	}
	if got := o.Resolve(distrobox.Container{Container: manifest.Container{Image: "docker.io/library/alpine"}}).ImageID; got != "" {
		t.Errorf("docker.io/library/alpine is %q", got)
	}
	if got := o.Resolve(distrobox.Container{Container: manifest.Container{Image: "alpine"}}).ImageID; got != "0123456789ab" {
		t.Errorf("alpine is %q", got)
	}
}

var equateEmpty = cmp.Transformer("", func(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
})

// TestUnavailable checks that containers that cannot be read are no empty list. Without the
// programs, there are none.
func TestUnavailable(t *testing.T) {
	for _, tt := range []struct {
		change func(d *distrobox.Domain)
		absent bool
		err    string
	}{
		{func(d *distrobox.Domain) { d.Manager = "" }, true, "neither podman nor docker is installed"},
		{func(d *distrobox.Domain) { d.NoManager = true }, true, "podman is not installed"},
		{func(d *distrobox.Domain) { d.Manager = "lilipod" }, false, `bkt does not know the container manager "lilipod"`},
		{func(d *distrobox.Domain) { d.Manager, d.NoManager = "lilipod", true }, true, `bkt does not know the container manager "lilipod"`},
		{func(d *distrobox.Domain) { d.Missing = true }, true, "distrobox is not installed"},
		{func(d *distrobox.Domain) {}, false, "podman ps"},
	} {
		d := domain(t)
		tt.change(&d)
		_, err := d.Observe(context.Background(), answers{"podman images": "[]", "podman ps": "{"}, nil)
		if u, ok := errors.AsType[*reconcile.Unavailable](err); !ok || u.Absent != tt.absent || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v, not %s", err, tt.err)
		}
	}
}

// TestFoldersOfAContainer checks that programs are found as in the container: links
// are followed within its root.
func TestFoldersOfAContainer(t *testing.T) {
	d := domain(t)
	root := filepath.Join(d.Proc, "7", "root")
	for path, mode := range map[string]fs.FileMode{"opt/bin/plain": 0o755, "opt/bin/data": 0o644, "usr/lib/real": 0o755, "opt/bin/.hidden": 0o755, "opt/bin/bkt": 0o755, "opt/bin/it's": 0o755, "opt/bin/new\nline": 0o755} {
		write(t, filepath.Join(root, path), "", mode)
	}
	for name, to := range map[string]string{"absolute": "/usr/lib/real", "relative": "../../usr/lib/real", "dangling": "/nowhere", "loop": "loop", "host": "/bin/sh", "folder": "/usr"} {
		check(t, os.Symlink(to, filepath.Join(root, "opt/bin", name)))
	}
	container := distrobox.Container{Name: "box", Container: manifest.Container{Image: "localhost/x:1", Bins: manifest.Bins{From: []string{"/opt/bin", "/opt/none"}}}}
	o := observe(t, d, answers{
		"podman ps":      `[{"Id":"1","Names":["box"],"Image":"localhost/x:1","State":"running","Pid":7,"Labels":{"manager":"distrobox"},"Command":["--"]}]`,
		"podman images":  `[]`,
		"podman inspect": `[{"Id":"1","Name":"box","Args":["--"],"Config":{"Labels":{"manager":"distrobox"}}}]`,
	}, container)
	var found []string
	for _, f := range o.Items[0].Bins.Found {
		found = append(found, f.Path)
	}
	if diff := cmp.Diff([]string{"/opt/bin/absolute", "/opt/bin/plain", "/opt/bin/relative"}, found); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(o.Notes, "box has no folder /opt/none") {
		t.Errorf("%q", o.Notes)
	}
}

// TestAdded checks that manually installed packages are distinguished from those of the
// image and of distrobox.
func TestAdded(t *testing.T) {
	sys := answers{
		"podman ps":                    `[{"Id":"1","Names":["box"],"ImageID":"ff","State":"running","Labels":{"manager":"distrobox"}},{"Id":"2","Names":["still"],"Labels":{"manager":"distrobox"}}]`,
		"podman exec --user root 1 sh": "zoxide\nbash\nsudo\ngcc\nfish\nfish\n",
		"podman run --rm --network none --user root --entrypoint sh ff": "bash\ngcc\n",
	}
	got, err := domain(t).Added(context.Background(), sys, "box")
	if diff := cmp.Diff([]string{"fish", "zoxide"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, container := range []string{"still", "none"} {
		if got, err := domain(t).Added(context.Background(), sys, container); err == nil {
			t.Errorf("%s: %v", container, got)
		}
	}
}

// TestNothingIsAskedTwice checks that the manager is asked only if its list of
// containers has changed since, or something differs.
func TestNothingIsAskedTwice(t *testing.T) {
	d := domain(t)
	d.Cache = t.TempDir()
	d.Remember = func(p plan.Overwrite) { write(t, p.Path, string(p.Text), 0o600) }
	list := filepath.Join(d.Storage[0], "overlay-containers", "containers.json")
	write(t, list, "[]", 0o600)
	write(t, filepath.Join(d.Storage[0], "overlay-images", "images.json"), `[{"id":"ff","names":["localhost/x:1"]}]`, 0o600)
	container := distrobox.Container{Name: "box", Container: manifest.Container{Image: "localhost/x:1"}}
	sys := answers{
		"podman ps":      `[{"Id":"1","Names":["box"],"Image":"localhost/x:1","ImageID":"ff","Labels":{"manager":"distrobox"},"Command":["--"]}]`,
		"podman inspect": `[{"Id":"1","Name":"box","Args":["--"]}]`,
	}
	asks := func(known ...distrobox.Container) bool {
		_, err := d.Observe(t.Context(), answers{}, known)
		return err != nil
	}
	if !asks(container) {
		t.Error("nothing was asked at first")
	}
	observe(t, d, sys, container)
	if asks(container) {
		t.Error("it was asked again")
	}
	other := container
	other.Packages = []string{"jq"}
	if !asks(other) || !asks() {
		t.Error("nothing was asked about what differs")
	}
	delete(sys, "podman inspect")
	write(t, list, "[ ]", 0o600)
	if !asks(container) {
		t.Error("nothing was asked about another list")
	}
	observe(t, d, sys, container)
	if asks(container) {
		t.Error("it was asked again about the new list")
	}
}

// TestLearn checks that manually installed packages belong to a container from the first
// answer on, also after it was stopped, and that no question is repeated.
func TestLearn(t *testing.T) {
	const row = `{"Id":"%s","Names":["%[1]s"],"Image":"localhost/x:1","ImageID":"ff","State":"%s","Labels":{"manager":"distrobox"},"Command":["--"]}`
	ps := func(a, b string) string {
		return "[" + fmt.Sprintf(row, "a", a) + "," + fmt.Sprintf(row, "b", b) + "]"
	}
	d := domain(t)
	d.State = t.TempDir()
	d.Remember = func(p plan.Overwrite) {
		if err := os.WriteFile(p.Path, p.Text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d.Cache = t.TempDir()
	look := answers{
		"podman ps":      ps("running", "running"),
		"podman images":  `[]`,
		"podman inspect": `[{"Id":"a","Name":"a"},{"Id":"b","Name":"b"}]`,
	}
	ask := answers{
		"podman ps":                    ps("running", "running"),
		"podman exec --user root a sh": "bash\nfish\n",
		"podman run --rm --network none --user root --entrypoint sh ff": "bash\n",
	}
	check := func(want ...string) {
		t.Helper()
		o := observe(t, d, look)
		if diff := cmp.Diff(want, o.Items[0].Packages); diff != "" || len(o.Items[1].Packages) > 0 {
			t.Error(diff, o.Items[1].Packages)
		}
	}
	learn := func(sys answers) {
		t.Helper()
		if notes := d.Learn(t.Context(), sys, "b"); len(notes) > 0 {
			t.Error(notes)
		}
	}
	learn(ask)
	check("fish")
	delete(ask, "podman run --rm --network none --user root --entrypoint sh ff")
	ask["podman exec --user root a sh"] = "bash\nfish\nzoxide\n"
	learn(ask)
	check("fish", "zoxide")
	learn(answers{"podman ps": ps("exited", "exited")})
	check("fish", "zoxide")
	if notes := d.Learn(t.Context(), answers{"podman ps": ps("running", "exited")}, ""); len(notes) != 1 || !strings.HasPrefix(notes[0], "a: cannot list the packages that were installed by hand: ") {
		t.Errorf("%q", notes)
	}
	check("fish", "zoxide")
	damaged := filepath.Join(d.State, "packages.json")
	for _, text := range []string{`{"boxes": {"a": [`, ""} { // the other way round, fish and zoxide would seem to be removed
		write(t, damaged, text, 0o600)
		learn(ask)
		_, err := d.Observe(t.Context(), look, nil)
		if _, ok := errors.AsType[*reconcile.Unavailable](err); !ok || !strings.HasPrefix(err.Error(), damaged+", the list of manually installed packages, cannot be read: ") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if text, err := os.ReadFile(damaged); err != nil || string(text) != "" {
		t.Errorf("it was written: %s, %v", text, err)
	}
}

// A shell answers some questions by running their scripts, with programs of its own.
type shell struct {
	answers
	programs string
}

func (s shell) Output(ctx context.Context, r plan.Run) ([]byte, error) {
	i := slices.Index(r.Argv, "-c")
	if i < 0 {
		return s.answers.Output(ctx, r)
	}
	cmd := exec.Command("sh", r.Argv[i:]...)
	cmd.Env = []string{"PATH=" + s.programs + ":/usr/bin:/bin", "OF=" + r.Argv[1]}
	return cmd.Output()
}

// TestAddedOfOtherArchitectures checks that a package for another architecture
// is distinguished from the one with the same name in the image.
func TestAddedOfOtherArchitectures(t *testing.T) {
	arch, err := exec.Command("uname", "-m").Output()
	check(t, err)
	sys := shell{programs: t.TempDir(), answers: answers{"podman ps": `[{"Id":"1","Names":["box"],"ImageID":"ff","State":"running","Labels":{"manager":"distrobox"}}]`}}
	const dnf = "#!/bin/sh\n" + `packages='zlib NATIVE'; test $OF = run || packages='zlib NATIVE;zlib other;jq NATIVE;fonts noarch;a.NATIVE noarch'
for last; do :; done
echo "$packages" | tr ';' '\n' | while read name arch; do printf "$(printf %s "$last" | sed "s/%{name}/$name/; s/%{arch}/$arch/")"; done
`
	write(t, filepath.Join(sys.programs, "dnf5"), strings.ReplaceAll(dnf, "NATIVE", strings.TrimSpace(string(arch))), 0o755)
	got, err := domain(t).Added(context.Background(), sys, "box")
	want := []string{"a." + strings.TrimSpace(string(arch)), "fonts", "jq", "zlib.other"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestAddedFailsWithThePackageManager checks that a failing package manager does not
// count as one without packages.
func TestAddedFailsWithThePackageManager(t *testing.T) {
	for _, manager := range []string{"dnf5", "dnf"} {
		sys := shell{programs: t.TempDir(), answers: answers{"podman ps": `[{"Id":"1","Names":["box"],"ImageID":"ff","State":"running","Labels":{"manager":"distrobox"}}]`}}
		for fails, want := range map[string]bool{"run": true, "exec": true, "none": false} {
			write(t, filepath.Join(sys.programs, manager), "#!/bin/sh\necho some-1\nif test $OF = "+fails+"; then exit 1; fi\n", 0o755)
			if got, err := domain(t).Added(t.Context(), sys, "box"); (err != nil) != want || len(got) > 0 && want {
				t.Errorf("%s, %s: %v, %v", manager, fails, got, err)
			}
		}
	}
}

// TestMergeOfContainers checks that each field is merged by itself, and lists by their
// elements.
func TestMergeOfContainers(t *testing.T) {
	container := func(image, packages, found string) distrobox.Container {
		b := distrobox.Container{Name: "x", Container: manifest.Container{Image: image, Packages: strings.Fields(packages)}}
		for _, name := range strings.Fields(found) {
			b.Bins.Found = append(b.Bins.Found, manifest.Found{Name: name})
		}
		return b
	}
	base := container("a", "gcc make", "x y")
	tests := []struct {
		name               string
		ours, theirs, want distrobox.Container
		ok                 bool
	}{
		{"other fields", container("b", "gcc make", "x y"), container("a", "gcc", "x y"), container("b", "gcc", "x y"), true},
		{"other elements", container("a", "gcc make vim", "x"), container("a", "make git", "x y z"), container("a", "make vim git", "x z"), true},
		{"the same", container("b", "", ""), container("b", "", ""), container("b", "", ""), true},
		{"one field to others", container("b", "gcc make", "x y"), container("c", "gcc make", "x y"), container("b", "gcc make", "x y"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := (distrobox.Domain{}).Merge(base, tt.ours, tt.theirs)
			if diff := cmp.Diff(tt.want, got, equateEmpty); diff != "" || ok != tt.ok {
				t.Errorf("%v\n%s", ok, diff)
			}
		})
	}
}

// TestStoreLeavesTheEnvironmentToTheImage checks that the environment of an image is not
// part of its container, and stays in the manifest.
func TestStoreLeavesTheEnvironmentToTheImage(t *testing.T) {
	const text = `{
  "containers": {
    "dev": {
      "image": "localhost/x:1",
      "path": [
        "~/bin"
      ],
      "env": {
        "A": "b",
        "H": "~/h"
      }
    },
    "other": {
      "image": "alpine",
      "env": {
        "C": "d"
      }
    }
  }
}
`
	store := distrobox.Store{InImage: func(fs.FS, manifest.Containers) (string, error) { return "dev", nil }}
	edits := reconcile.NewEdits(fstest.MapFS{distrobox.File: {Data: []byte(text)}})
	containers, err := store.Load(edits)
	if err != nil || len(containers) != 2 || containers[0].Env != nil || containers[0].Path != nil || containers[1].Env["C"] != "d" {
		t.Fatalf("%+v, %v", containers, err)
	}
	if diff := cmp.Diff(creation.Home{Env: map[string]string{"H": "~/h"}, Path: []string{"~/bin"}}, containers[0].InHome); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"A": "b", "H": "~/h"}, containers[0].ImageEnv); diff != "" {
		t.Error(diff)
	}
	last := distrobox.Container{Name: "dev", Container: containers[0].Container}
	last.Env = map[string]string{"A": "b"}
	if !(distrobox.Domain{}).Same(last, containers[0]) {
		t.Error("the last known state of a container differs for values that the image has")
	}
	if bare := (distrobox.Container{Name: "dev", Container: containers[0].Container}); !(distrobox.Domain{}).Same(containers[0], bare) {
		t.Error("an existing container differs for values that the image has")
	}
	containers[1].Image = "debian"
	check(t, store.Save(edits, containers))
	got, err := edits.ReadFile(distrobox.File)
	if diff := cmp.Diff(strings.Replace(text, "alpine", "debian", 1), string(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	untold := errors.New("untold")
	store.InImage = func(fs.FS, manifest.Containers) (string, error) { return "", untold }
	if items, err := store.Load(edits); !errors.Is(err, untold) {
		t.Errorf("%v, %v", items, err)
	}
	if err := store.Save(edits, nil); !errors.Is(err, untold) {
		t.Error(err)
	}
}

func write(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), mode))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
