package distrobox

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bkt/internal/distrobox/creation"
	"bkt/internal/distrobox/export"
	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// second is a wrapper as the second generation of distrobox-export writes it.
const second = `#!/bin/sh
# distrobox_binary
# name: dev
if [ -z "${CONTAINER_ID}" ]; then
	exec "/usr/bin/distrobox-enter"  -n dev  --  '/usr/bin/bc'  "$@"
elif [ -n "${CONTAINER_ID}" ] && [ "${CONTAINER_ID}" != "dev" ]; then
	exec distrobox-host-exec '/home/u/.local/bin/bc' "$@"
else
	exec '/usr/bin/bc' "$@"
fi
`

// signed returns an export with the signature of bkt.
func signed(name, text, as string) string {
	text += export.Mark + as + "\n"
	sum := sha256.Sum256([]byte(name + "\n" + text))
	return text + export.SumMark + hex.EncodeToString(sum[:]) + "\n"
}

// TestExportsOfRoot checks that exports of a container of root do not count as those of
// the user's container with the same name.
func TestExportsOfRoot(t *testing.T) {
	d := testSnapshot(Domain{Home: t.TempDir(), UID: 1000})
	d.containers = map[string]manager.Container{"dev": {Name: "dev"}}
	d.Data = d.Home + "/.local/share"
	files := map[string]string{
		"/.local/bin/bc": signed("bc", strings.Replace(second, "  -n dev", " -r -n dev", 1), "/usr/bin/bc"),
		"/.local/bin/dc": strings.ReplaceAll(second, "bin/bc", "bin/dc"),
		"/.local/share/applications/dev-gimp.desktop":   "Name=GIMP\nExec=env SUDO_ASKPASS=\"/a\" DBX_SUDO_PROGRAM=\"sudo --askpass\" distrobox-enter --root -n dev --  gimp\n",
		"/.local/share/applications/dev-editor.desktop": "Name=Editor\nExec=distrobox-enter  -n dev --  editor\n",
	}
	for name, text := range files {
		check(t, os.MkdirAll(filepath.Dir(d.Home+name), 0o755))
		check(t, os.WriteFile(d.Home+name, []byte(text), 0o755))
	}
	b := Container{Name: "dev", Container: manifest.Container{Image: "x"}}
	_, err := d.readExports([]Container{b})
	check(t, err)
	d.observeExports(&b, manager.Container{})
	if diff := cmp.Diff(programs("/usr/bin/dc"), b.Bins.Also); diff != "" {
		t.Error("captured:", diff)
	}
	if diff := cmp.Diff([]manifest.ExportedApp{{Name: "editor", Label: "none"}}, b.ExportedApps); diff != "" {
		t.Error("captured:", diff)
	}
	var removed []string
	agreed := Container{Name: "dev", Container: manifest.Container{Bins: manifest.Bins{Also: programs("/usr/bin/bc", "/usr/bin/dc")}, ExportedApps: []manifest.ExportedApp{{Name: "editor", Label: "none"}, {Name: "gimp"}}}}
	for _, s := range d.remove(b, &agreed).Steps {
		if s, ok := s.(plan.Delete); ok {
			removed = append(removed, strings.TrimPrefix(s.Path, d.Home))
		}
	}
	if diff := cmp.Diff([]string{"/.local/bin/dc", "/.local/share/applications/dev-editor.desktop"}, removed); diff != "" {
		t.Error("removed with the container:", diff)
	}
	_, out := d.keptExports(b)
	want := []reconcile.LeftOut{
		{Reason: unexpressed, What: "~/.local/bin/bc belongs to a container of root"},
		{Reason: unexpressed, What: "~/.local/share/applications/dev-gimp.desktop belongs to a container of root"},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error("left out:", diff)
	}
}

// TestPlan checks the steps for containers, in order.
func TestPlan(t *testing.T) {
	d := testSnapshot(Domain{Manager: "podman", Home: "/home/u", Data: "/home/u/.local/share", Cache: "/home/u/.cache/bkt"})
	at := func(name, as string, e export.File) export.Wrapper {
		return export.Wrapper{At: "/home/u/.local/bin/" + name, Container: "dev", Program: as, File: e}
	}
	d.containers = map[string]manager.Container{"dev": {ID: "1", Name: "dev", Running: true}}
	d.images = manager.Images{"localhost/x:1": "x", "localhost/y:1": "y"}
	d.wrappers = []export.Wrapper{
		at("plain", "/opt/plain", export.File{}), at("odd", "/opt/odd", export.File{Unsupported: "was exported with --sudo"}),
		at("ours", "/opt/ours", export.File{ByBkt: true}), at("copy", "/opt/plain", export.File{}), {At: "/home/u/.local/bin/other", Container: "dev-tools", Program: "/opt/other", File: export.File{ByBkt: true}},
	}
	d.apps = []export.App{
		{At: "/a/dev-x.desktop", Container: "dev", ID: "x", File: export.File{ByBkt: true, As: "x"}},
		{At: "/a/dev-tools-x.desktop", Container: "dev-tools", ID: "x", File: export.File{ByBkt: true, As: "x"}},
		{At: "/a/dev-y.desktop", Container: "dev", ID: "y", File: export.File{Unsupported: export.ChangedByHand}},
	}
	container := func(image string, also ...string) *Container {
		return &Container{Name: "dev", Container: manifest.Container{Image: image, Bins: manifest.Bins{Also: programs(also...)}}, ImageID: "x"}
	}
	tests := []struct {
		name string
		diff reconcile.Diff[Container]
		want []string
	}{
		{"removed", reconcile.Diff[Container]{Have: container("localhost/x:1"), Base: container("localhost/x:1", "/opt/plain", "/opt/odd")}, []string{
			"podman rm --force --volumes 1", "rm -r /home/u/.local/bin/ours", "rm -r /home/u/.local/bin/plain", "rm -r /a/dev-x.desktop",
			"leaves ~/.local/bin/copy, which bkt did not export", "leaves ~/.local/bin/odd, which bkt did not export", "leaves /a/dev-y.desktop, which bkt did not export",
		}},
		{"removed, with what was never declared", reconcile.Diff[Container]{Have: container("localhost/x:1"), Base: container("localhost/x:1")}, []string{
			"podman rm --force --volumes 1", "rm -r /home/u/.local/bin/ours", "rm -r /a/dev-x.desktop",
			"leaves ~/.local/bin/copy, which bkt did not export", "leaves ~/.local/bin/odd, which bkt did not export", "leaves ~/.local/bin/plain, which bkt did not export", "leaves /a/dev-y.desktop, which bkt did not export",
		}},
		{"undeclared", reconcile.Diff[Container]{Have: container("localhost/x:1", "/opt/plain", "/opt/odd"), Want: container("localhost/x:1"), Base: container("localhost/x:1", "/opt/plain", "/opt/odd")},
			[]string{"rm -r /home/u/.local/bin/plain"}},
		{"never declared", reconcile.Diff[Container]{Have: container("localhost/x:1", "/opt/plain", "/opt/odd"), Want: container("localhost/x:1")},
			[]string{"cannot be done: ~/.local/bin/plain was exported by hand and is not declared: bkt leaves it alone"}},
		{"another image", reconcile.Diff[Container]{Have: container("localhost/x:1"), Want: &Container{Name: "dev", Container: manifest.Container{Image: "localhost/y:1"}, ImageID: "y"}}, []string{
			"podman stop 1", "podman rename 1 dev.bkt-old", "distrobox create …", "DBX_NON_INTERACTIVE=0 distrobox enter --name dev -- sh -s < input", "podman rm --force --volumes 1",
		}},
		{"another one that cannot be made", reconcile.Diff[Container]{Have: container("localhost/x:1"), Want: &Container{Name: "dev", Container: manifest.Container{Image: "localhost/y:1", Volume: []string{"/nonexistent/x:/x"}}, ImageID: "y"}},
			[]string{"cannot be done: volume /nonexistent/x:/x: /nonexistent/x does not exist"}},
		{"a folder outside of the home", reconcile.Diff[Container]{Want: &Container{Name: "new", Container: manifest.Container{Image: "localhost/x:1", Volume: []string{"/nonexistent/x:/x"}}}},
			[]string{"cannot be done: volume /nonexistent/x:/x: /nonexistent/x does not exist"}},
		{"one of the home", reconcile.Diff[Container]{Want: &Container{Name: "new", Container: manifest.Container{Image: "localhost/x:1", Volume: []string{"~/nonexistent/x:/x:ro", "named:/y"}}}},
			[]string{"mkdir -p -- /home/u/nonexistent/x", "distrobox create …"}},
		{"one that may be a file", reconcile.Diff[Container]{Want: &Container{Name: "new", Container: manifest.Container{Image: "localhost/x:1", Volume: []string{"~/nonexistent/x.conf:/x"}}}},
			[]string{"cannot be done: volume ~/nonexistent/x.conf:/x: /home/u/nonexistent/x.conf does not exist"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			d.facts = d.readFacts(itemsOf(tt.diff))
			for _, c := range d.plan([]reconcile.Diff[Container]{tt.diff}) {
				for _, s := range c.Steps {
					text := s.String()
					if strings.HasPrefix(text, "distrobox create ") {
						text = "distrobox create …"
					}
					got = append(got, text)
				}
				for _, left := range c.Remains {
					got = append(got, "leaves "+left)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFoldersThatCannotBeRead checks that only a missing folder counts as one without programs:
// wrappers of programs in unreadable folders stay.
func TestFoldersThatCannotBeRead(t *testing.T) {
	home := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(home, "bin"), 0o755))
	check(t, os.WriteFile(filepath.Join(home, "bin/tool"), nil, 0o755))
	check(t, os.WriteFile(filepath.Join(home, "file"), nil, 0o644))
	for _, loop := range []string{"loop", "bin/loop", "proc/7/root"} { // cannot be read, not even by root
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(home, loop)), 0o755))
		check(t, os.Symlink(filepath.Base(loop), filepath.Join(home, loop)))
	}
	at := func(name, as string) export.Wrapper {
		return export.Wrapper{At: home + "/.local/bin/" + name, Container: "dev", Program: as, File: export.File{As: as, ByBkt: true}}
	}
	known := []manifest.Found{{Name: "a", Path: "/opt/bin/a"}, {Name: "b", Path: "~/loop/b"}, {Name: "c", Path: "~/none/c"}, {Name: "tool", Path: "~/bin/tool"}}
	for _, tt := range []struct {
		name      string
		from      string
		container manager.Container
		wrapper   export.Wrapper
		notes     []string
		stays     bool
	}{
		{"exists", "~/bin", manager.Container{}, at("tool", home+"/bin/tool"), nil, true},
		{"is removed", "~/bin", manager.Container{}, at("c", home+"/bin/c"), nil, false},
		{"folder is missing", "~/none", manager.Container{}, at("c", home+"/none/c"), []string{"dev has no folder ~/none"}, false},
		{"folder is a file", "~/file", manager.Container{}, at("c", home+"/file/c"), []string{"dev has no folder ~/file"}, false},
		{"folder cannot be read", "~/loop", manager.Container{}, at("b", home+"/loop/b"),
			[]string{"dev has " + home + "/loop, which cannot be read: too many levels of symbolic links: bkt cannot list the programs in its folders"}, true},
		{"container is stopped", "/opt/bin", manager.Container{}, at("a", "/opt/bin/a"),
			[]string{"dev is not running: bkt cannot list the programs in its folders"}, true},
		{"root cannot be read", "/opt/bin", manager.Container{Running: true, PID: 7}, at("a", "/opt/bin/a"),
			[]string{"dev has " + home + "/proc/7/root, which cannot be read: too many levels of symbolic links: bkt cannot list the programs in its folders"}, true},
		{"the process has ended", "/opt/bin", manager.Container{Running: true, PID: 8}, at("a", "/opt/bin/a"),
			[]string{"dev has " + home + "/proc/8/root, which cannot be read: no such file or directory: bkt cannot list the programs in its folders"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := testSnapshot(Domain{Home: home, Data: home + "/share", Proc: home + "/proc"})
			d.wrappers = []export.Wrapper{tt.wrapper}
			b := Container{Name: "dev", Container: manifest.Container{Bins: manifest.Bins{From: []string{tt.from}, Found: known}}}
			observed := b
			if diff := cmp.Diff(tt.notes, d.observeExports(&observed, tt.container)); diff != "" {
				t.Error(diff)
			}
			_, remove := d.missingAndStaleExports(b)
			if stays := len(remove) == 0; stays != tt.stays {
				t.Errorf("removes %v", remove)
			}
			if seen := tt.notes == nil || strings.Contains(tt.notes[0], "no folder"); seen == cmp.Equal(observed.Bins.Found, known) {
				t.Errorf("found %v", observed.Bins.Found)
			}
		})
	}
}

// TestUnreadFiles checks that files and folders that may have exports are named if they cannot
// be read, and that their exports are neither missing nor in the way of others. Only a folder
// that bkt writes to makes all containers unavailable.
func TestUnreadFiles(t *testing.T) {
	home := t.TempDir()
	for _, loop := range []string{"mybin", "share/applications/dev-gimp.desktop"} { // cannot be read, not even by root
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(home, loop)), 0o755))
		check(t, os.Symlink(filepath.Base(loop), filepath.Join(home, loop)))
	}
	d := testSnapshot(Domain{Home: home, Data: home + "/share", Path: []string{home + "/mybin"}})
	d.containers = map[string]manager.Container{"dev": {ID: "1"}}
	c := Container{Name: "dev", Container: manifest.Container{
		Bins: manifest.Bins{Also: programs("/usr/bin/bc", "/usr/bin/dc")}, ExportedApps: []manifest.ExportedApp{manifest.PlainApp("gimp"), manifest.PlainApp("other")},
	}}
	unread, err := d.readExports([]Container{c})
	check(t, err)
	denied := &fs.PathError{Op: "open", Path: home + "/.local/bin/bc", Err: syscall.EACCES}
	unread = append(unread, d.leaveUnread([]error{denied})...)
	var lines []string
	for _, part := range unread {
		lines = append(lines, part.What+": "+part.Err.Error())
	}
	const why = ": too many levels of symbolic links"
	if diff := cmp.Diff([]string{"~/mybin" + why, "~/share/applications/dev-gimp.desktop" + why, "~/.local/bin/bc: permission denied"}, lines); diff != "" {
		t.Errorf("not read (-want +got):\n%s", diff)
	}
	if add, remove := d.missingAndStaleExports(c); len(remove) > 0 || !slices.Equal(add, []string{home + "/.local/bin/dc", "app other"}) {
		t.Errorf("missing: %q, to remove: %q", add, remove)
	}
	if _, failed := (Domain{Home: home + "/mybin"}).searched(map[string]bool{}); len(failed) != 2 {
		t.Errorf("a home that may have further folders cannot be read: %v", failed)
	}
	c.Bins.To = "~/mybin"
	if _, err := d.readExports([]Container{c}); err == nil {
		t.Error("a folder that bkt writes to cannot be read, and there is no error")
	}
}

// TestCommandsAreVerified checks that commands that may report success wrongly are verified,
// and that no missing container is entered.
func TestCommandsAreVerified(t *testing.T) {
	d := testSnapshot(Domain{Manager: "podman", Home: "/home/u"})
	d.containers = map[string]manager.Container{"dev": {ID: "1"}}
	have, want := Container{Name: "dev", Container: manifest.Container{Image: "x"}}, Container{Name: "dev", Container: manifest.Container{Image: "y", Bins: manifest.Bins{Also: programs("/a")}}}
	changes := d.plan([]reconcile.Diff[Container]{{Have: &have, Want: &want}, {Have: &have}, {Want: &want}})
	for _, stage := range d.stages(want, manager.Container{ID: "1"}, "new", "dev-backup", nil) {
		changes = append(changes, plan.Change{Steps: stage.Steps})
	}
	for _, c := range changes {
		for _, s := range append(c.Steps, c.Undo...) {
			r, ok := s.(plan.Run)
			if !ok {
				continue
			}
			switch {
			case r.Argv[0] == "distrobox" && r.Argv[1] == "enter":
				if r.Require == nil || !cmp.Equal(r.Env, []string{"DBX_NON_INTERACTIVE=0"}) {
					t.Errorf("%v may make a container", r)
				}
			case r.Argv[0] == "distrobox", r.Argv[1] == "rm", r.Argv[1] == "rename", r.Argv[1] == "tag", r.Argv[0] == "sh":
				if r.Verify == nil {
					t.Errorf("%v is not verified", r)
				}
			}
		}
	}
}

// testSnapshot returns a snapshot of a system without containers.
func testSnapshot(d Domain) *snapshot {
	return &snapshot{Domain: d, programs: map[string][]manifest.Found{}, captured: map[string][]manifest.Found{}, unread: map[string]bool{}}
}

func itemsOf(d reconcile.Diff[Container]) []Container {
	var all []Container
	for _, b := range []*Container{d.Have, d.Want} {
		if b != nil {
			all = append(all, *b)
		}
	}
	return all
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// programs and apps return exports without options.
func programs(paths ...string) []manifest.Program {
	var all []manifest.Program
	for _, p := range paths {
		all = append(all, manifest.PlainProgram(p))
	}
	return all
}

func apps(names ...string) []manifest.ExportedApp {
	var all []manifest.ExportedApp
	for _, name := range names {
		all = append(all, manifest.PlainApp(name))
	}
	return all
}

// TestUnfitApps checks that an app that was exported with what a manifest refuses is left out,
// and that its container can be captured.
func TestUnfitApps(t *testing.T) {
	home := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(home, "applications"), 0o755))
	for name, text := range map[string]string{
		"label": "Name=X (R&D)\nExec=/usr/bin/distrobox-enter -n dev -- x  %F\n",
		"enter": "Name=X (on dev)\nExec=/usr/bin/distrobox-enter -n dev --clean-path$X -- x  %F\n",
		"plain": "Name=X (on dev)\nExec=/usr/bin/distrobox-enter -n dev -- x  %F\n",
	} {
		check(t, os.WriteFile(filepath.Join(home, "applications/dev-"+name+".desktop"), []byte(text), 0o644))
	}
	d := testSnapshot(Domain{Home: home, Data: home})
	d.containers = map[string]manager.Container{"dev": {ID: "1"}}
	c := Container{Name: "dev", Container: manifest.Container{Image: "x"}}
	_, err := d.readExports([]Container{c})
	check(t, err)
	d.observeExports(&c, manager.Container{})
	if diff := cmp.Diff(apps("plain"), c.ExportedApps); diff != "" {
		t.Error("captured:", diff)
	}
	check(t, manifest.Check(c))
	_, out := d.keptExports(c)
	const why = " was exported with a label or flags that releases of distrobox write in different ways"
	want := []reconcile.LeftOut{
		{Reason: unexpressed, What: "~/applications/dev-enter.desktop" + why},
		{Reason: unexpressed, What: "~/applications/dev-label.desktop" + why},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error("left out:", diff)
	}
}

// TestOrphans checks that exports are left of a container only if the manager has none of
// that name: neither a copy, which bkt leaves alone, nor one that is being recreated.
func TestOrphans(t *testing.T) {
	label, err := creation.Label("dev", manifest.Container{Image: "x"})
	check(t, err)
	labels := map[string]string{creation.LabelName: label}
	d := testSnapshot(Domain{Home: "/home/u"})
	d.classify([]manager.Container{{Name: "copy", Labels: labels}, {Name: "dev" + backupSuffix, Labels: labels}, {Name: "other"}}, nil)
	var apps []export.App
	for _, name := range []string{"copy", "dev", "gone", "other"} {
		byBkt := export.File{ByBkt: true}
		d.wrappers = append(d.wrappers, export.Wrapper{At: "/home/u/.local/bin/" + name, Container: name, File: byBkt})
		apps = append(apps, export.App{At: "/apps/" + name, Container: name, File: byBkt})
	}
	d.findOrphans(apps)
	if len(d.orphans) != 1 || d.orphans[0].Key != "gone" {
		t.Fatalf("%+v", d.orphans)
	}
	want := []plan.Step{plan.Delete{Path: "/home/u/.local/bin/gone"}, plan.Delete{Path: "/apps/gone"}}
	if diff := cmp.Diff(want, d.orphans[0].Remove.Steps); diff != "" {
		t.Error(diff)
	}
}

// TestGoneExports checks that a program or an app is gone only if the root of its container
// can be read and lacks it.
func TestGoneExports(t *testing.T) {
	proc := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(proc, "7/root/usr/bin"), 0o755))
	check(t, os.WriteFile(filepath.Join(proc, "7/root/usr/bin/here"), nil, 0o755))
	check(t, os.MkdirAll(filepath.Join(proc, "9"), 0o755))
	check(t, os.Symlink("root", filepath.Join(proc, "9/root"))) // cannot be read
	for _, tt := range []struct {
		name, program string
		container     manager.Container
		want          bool
	}{
		{"there", "here", manager.Container{Running: true, PID: 7}, false},
		{"gone", "gone", manager.Container{Running: true, PID: 7}, true},
		{"stopped", "gone", manager.Container{PID: 7}, false},
		{"without a process", "gone", manager.Container{Running: true}, false},
		{"ended", "gone", manager.Container{Running: true, PID: 8}, false},
		{"unreadable", "gone", manager.Container{Running: true, PID: 9}, false},
	} {
		d := testSnapshot(Domain{Home: "/home/u", Proc: proc})
		d.containers = map[string]manager.Container{"dev": tt.container}
		if got := d.isGone("dev", "/usr/bin/"+tt.program); got != tt.want {
			t.Errorf("%s: a program is gone: %v", tt.name, got)
		}
		text := "Name=x (on dev)\nExec=/usr/bin/distrobox-enter -n dev -- " + tt.program + "  %F\n"
		at := filepath.Join(t.TempDir(), "dev-x.desktop")
		check(t, os.WriteFile(at, []byte(text), 0o644))
		found, _, unread, err := export.ReadApps(filepath.Dir(at), []string{"dev"})
		if err != nil || len(unread) > 0 || len(found) != 1 {
			t.Fatal(found, unread, err)
		}
		found[0].ByBkt = true
		if got := d.isGoneApp(found[0]); got != tt.want {
			t.Errorf("%s: an app is gone: %v", tt.name, got)
		}
	}
}
