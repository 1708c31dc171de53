package distrobox

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// first and second are wrappers as the two generations of distrobox-export write
// them.
const (
	first = `#!/bin/sh
# distrobox_binary
# name: dev
if [ ! -f /run/.containerenv ] && [ ! -f /.dockerenv ]; then
	command="/usr/bin/distrobox-enter  -n dev --  /usr/bin/bc  "

	for arg in "$@"; do
		if echo "${arg}" | grep -Eq "'|\""; then
			command="${command} \
				$(echo "${arg}" | sed 's|\\|\\\\|g' |
				sed 's| |\\ |g' |
				sed 's|\$|\\\$|g' |
				sed "s|'|\\\'|g" |
				sed 's|"|\\\"|g')"
		elif echo "${arg}" | grep -q "'"; then
			command="${command} \"${arg}\""
		else
			command="${command} '${arg}'"
		fi
	done
	eval ${command}
else
	/usr/bin/bc "$@"
fi
`
	second = `#!/bin/sh
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
)

// signed returns what bkt makes of an export.
func signed(name, text, as string) string {
	text += mark + as + "\n"
	return text + sumMark + sum(name, text) + "\n"
}

// TestWhoseWrapper checks which wrappers are bkt's, and what is told of those that no
// manifest can express.
func TestWhoseWrapper(t *testing.T) {
	const at = "/home/u/.local/bin/bc"
	replaced := func(old, text string) string {
		if !strings.Contains(second, old) {
			t.Fatalf("there is no %q", old)
		}
		return strings.Replace(second, old, text, 1)
	}
	const flags = `was exported with flags "-q -l"`
	tests := []struct {
		name, text string
		want       wrapper
	}{
		{"first generation", first, wrapper{program: "/usr/bin/bc"}},
		{"second generation", second, wrapper{program: "/usr/bin/bc"}},
		{"bkt's, first", signed("bc", first, "/usr/bin/bc"), wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", byBkt: true}}},
		{"bkt's, second", signed("bc", second, "/usr/bin/bc"), wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", byBkt: true}}},
		{"an earlier bkt's", second + mark + "/usr/bin/bc\n", wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", byBkt: true}}},
		{"an earlier bkt's, edited", replaced("  -n dev", "  -n dev --clean-path") + mark + "/usr/bin/bc\n", wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", odd: `was exported with --enter-flags "--clean-path"`}}},
		{"edited", strings.Replace(signed("bc", second, "/usr/bin/bc"), "exec", "export A=b\n\texec", 1), wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", odd: changedByHand}}},
		{"edited at the end", signed("bc", second, "/usr/bin/bc") + "echo\n", wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", odd: changedByHand}}},
		{"a copy", signed("dc", second, "/usr/bin/bc"), wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", odd: changedByHand}}},
		{"flags, first", strings.Replace(first, "/usr/bin/bc  \"", "/usr/bin/bc -q -l \"", 1), wrapper{program: "/usr/bin/bc", export: export{odd: flags}}},
		{"flags, second", replaced("'/usr/bin/bc'  ", "'/usr/bin/bc' -q -l "), wrapper{program: "/usr/bin/bc", export: export{odd: flags}}},
		{"flags, also inside", strings.ReplaceAll(second, `'/usr/bin/bc' `, `'/usr/bin/bc' -q -l `), wrapper{program: "/usr/bin/bc", export: export{odd: flags}}},
		{"sudo, first", strings.Replace(first, "--  /usr", "-- sudo /usr", 1), wrapper{program: "/usr/bin/bc", export: export{odd: "was exported with --sudo"}}},
		{"sudo, second", replaced("--  '", "-- sudo -S  '"), wrapper{program: "/usr/bin/bc", export: export{odd: "was exported with --sudo"}}},
		{"without sudo", replaced(`'/usr/bin/bc'  "$@"`, `su-exec root sh -l -c "'/usr/bin/bc'  $@"`), wrapper{program: "/usr/bin/bc", export: export{odd: "was exported with --sudo"}}},
		{"flags of distrobox", replaced("-n dev", "-n dev -nw -a '--env A=b'"), wrapper{program: "/usr/bin/bc", export: export{odd: `was exported with --enter-flags "-nw -a --env A=b"`}}},
		{"a variable before", replaced(`exec "/usr`, `exec env A=b "/usr`), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"a line more", replaced("if [", "export A=b\nif ["), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"of root's container", replaced("  -n dev", " --root -n dev"), wrapper{program: "/usr/bin/bc", export: export{root: true}}},
		{"a comment more", replaced("if [", "# mine\nif ["), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"a command more", replaced("if [", "exec 2>>~/log\nif ["), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"a call more", replaced("if [", "logger \"$@\"\nif ["), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"an earlier bkt's, a command more", replaced("if [", "sed -i 1d ~/log\nif [") + mark + "/usr/bin/bc\n", wrapper{program: "/usr/bin/bc", export: export{as: "/usr/bin/bc", odd: changedByHand}}},
		{"flags, only inside", strings.Replace(second, "exec '/usr/bin/bc' ", "exec '/usr/bin/bc' -q ", 1), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"another container's call", replaced("-n dev ", "-n dev-tools "), wrapper{program: "/usr/bin/bc", export: export{odd: changedByHand}}},
		{"quoted name", replaced("-n dev ", `--name "dev" `), wrapper{program: "/usr/bin/bc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parseWrapper(at, tt.text)
			tt.want.at, tt.want.box = at, "dev"
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(wrapper{}, export{})); diff != "" || !ok {
				t.Error(ok, diff)
			}
		})
	}
	for _, text := range []string{"", "#!/bin/sh\necho\n\n\n", strings.Replace(second, "# distrobox_binary", "# another", 1), strings.Replace(second, "# name: dev", "# of dev", 1)} {
		if w, ok := parseWrapper(at, text); ok {
			t.Errorf("%q: %v", text, w)
		}
	}
}

// TestWhoseApp checks which container an entry is of, and whether it is bkt's.
func TestWhoseApp(t *testing.T) {
	const head = "[Desktop Entry]\nName=GIMP (on dev)\n"
	const plain = head + "Exec=/usr/bin/distrobox-enter  -n dev --   gimp-2.10  %U\n"
	of := func(e export) app { return app{box: "dev", id: "gimp", name: "GIMP", export: e} }
	tests := []struct {
		file, text string
		want       app
	}{
		{"dev-gimp", plain, of(export{})},
		{"dev-gimp", signed("dev-gimp.desktop", plain, "gimp"), of(export{as: "gimp", byBkt: true})},
		{"dev-gimp", plain + mark + "gimp\n", of(export{as: "gimp"})},
		{"dev-gimp", strings.Replace(signed("dev-gimp.desktop", plain, "gimp"), "[", "\n[", 1), of(export{as: "gimp", odd: changedByHand})},
		{"dev-gimp", signed("dev-other.desktop", plain, "gimp"), of(export{as: "gimp", odd: changedByHand})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 -n -s %U\n", of(export{odd: `was exported with flags: it has "-n -s"`})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 --own  %U\n", of(export{})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 --uri= %U\n", of(export{})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 --own\n", of(export{})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- sudo -S  gimp-2.10  %U\n", of(export{odd: "was exported with --sudo"})},
		{"dev-gimp", head + "Exec=env A=b distrobox-enter -n dev -- gimp-2.10\n", of(export{odd: changedByHand})},
		{"dev-gimp", head + "Exec=distrobox enter --name 'dev' -e gimp-2.10\n", of(export{})},
		{"dev-gimp", head + "Exec=distrobox enter dev -- gimp-2.10\n", of(export{})},
		{"dev-tools-gimp", head + "Exec=distrobox-enter -n dev-tools -- gimp\n", app{box: "dev-tools", id: "gimp", name: "GIMP (on dev)"}},
		{"dev-tools-gimp", head + "Exec=distrobox-enter -n dev -- gimp\n", app{box: "dev", id: "tools-gimp", name: "GIMP"}},
		{"dev-tools-gimp", head + "Exec=distrobox-enter -n dev- -- gimp\n", app{}},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp\nExec=distrobox-enter -n dev-tools -- gimp\n", app{}},
		{"dev-gimp", head + "Exec=gimp -n dev\n", app{}},
		{"dev-gimp", head + "Exec=echo distrobox-enter-not -n dev --\n", app{}},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.text, func(t *testing.T) {
			got, ok := parseApp("/a/"+tt.file+".desktop", tt.text)
			if tt.want.box != "" {
				tt.want.at = "/a/" + tt.file + ".desktop"
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(app{}, export{})); diff != "" || ok != (tt.want.box != "") {
				t.Error(ok, diff)
			}
		})
	}
}

// TestLinkedApp checks that an entry that someone has moved, and linked to, is theirs.
func TestLinkedApp(t *testing.T) {
	dir := t.TempDir()
	const name = "dev-gimp.desktop"
	text := signed(name, "[Desktop Entry]\nName=GIMP (on dev)\nExec=distrobox-enter  -n dev --   gimp  %U\n", "gimp")
	for _, byBkt := range []bool{true, false} {
		if byBkt {
			check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
		} else {
			check(t, os.Rename(filepath.Join(dir, name), filepath.Join(dir, "mine")))
			check(t, os.Symlink("mine", filepath.Join(dir, name)))
		}
		apps, _, err := readApps(dir, []string{"dev"})
		check(t, err)
		if len(apps) != 1 || apps[0].byBkt != byBkt || (apps[0].odd == "") != byBkt {
			t.Errorf("bkt's: %v: %+v", byBkt, apps)
		}
	}
}

// TestMenuEntry checks that the entry of a container goes with it only if it is as
// distrobox has made it, for this very container.
func TestMenuEntry(t *testing.T) {
	const first = `[Desktop Entry]
Name=Dev
GenericName=Terminal entering Dev
Comment=Terminal entering Dev
Category=Distrobox;System;Utility"
Exec=/usr/bin/distrobox enter dev
Icon=/home/u/.local/share/icons/terminal-distrobox-icon.svg
Keywords=distrobox;
NoDisplay=false
Terminal=true
TryExec=/usr/bin/distrobox
Type=Application
`
	second := strings.NewReplacer("Category=Distrobox;System;Utility\"", "Categories=Distrobox;System;Utility", "enter dev", "enter  dev").Replace(first) +
		"Actions=Remove;\n\n[Desktop Action Remove]\nName=Remove Dev from system\nExec=/usr/bin/distrobox rm  dev\n"
	for name, tt := range map[string]struct {
		text string
		want bool
	}{
		"first generation":    {first, true},
		"second generation":   {second, true},
		"of another one":      {strings.Replace(second, "enter  dev", "enter  dev-tools", 1), false},
		"of root's":           {strings.ReplaceAll(second, "  dev", " --root dev"), false},
		"another program":     {strings.Replace(first, "enter dev", "enter dev -- htop", 1), false},
		"flags":               {strings.Replace(first, "enter dev", "enter --clean-path dev", 1), false},
		"a window of its own": {strings.Replace(first, "Exec=", "Exec=foot ", 1), false},
		"an action more":      {second + "[Desktop Action Top]\nName=Top\nExec=/usr/bin/distrobox enter dev -- top\n", false},
		"a translation":       {first + "Name[de]=Werkstatt\n", false},
		"someone's own":       {"[Desktop Entry]\nName=Dev\nExec=/usr/bin/distrobox enter dev\nType=Application\n", false},
	} {
		at := filepath.Join(t.TempDir(), "dev.desktop")
		check(t, os.WriteFile(at, []byte(tt.text), 0o644))
		if got := isMenuEntry(at, "dev", false); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if isMenuEntry(filepath.Join(t.TempDir(), "dev.desktop"), "dev", false) {
		t.Error("of none: true")
	}
}

// TestNamesOfApps checks that an app is known by its name, and not by what that begins
// with or has in it.
func TestNamesOfApps(t *testing.T) {
	exported := app{id: "org.x.Gimp", name: "GIMP", export: export{as: "gimp", byBkt: true}}
	byHand := app{id: "gimp-plugin", name: "Plugin"}
	for name, want := range map[string][2]bool{
		"gimp": {true, false}, "GIMP": {}, "org.x.Gimp": {}, "gimp-plugin": {false, true}, "Plugin": {false, true}, "plugin": {}, "gimp-": {},
		"/usr/share/applications/gimp-plugin.desktop": {false, true}, "gimp-plugin.desktop": {false, true},
	} {
		if got := [2]bool{exported.is(name), byHand.is(name)}; got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}

// TestExportsOfRoot checks that exports of a container of root's are not taken for
// those of the user's container of the same name.
func TestExportsOfRoot(t *testing.T) {
	d := testSnapshot(Domain{Home: t.TempDir(), UID: 1000})
	d.containers = map[string]container{"dev": {name: "dev"}}
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
	b := Box{Name: "dev", Box: manifest.Box{Image: "x"}}
	_, err := d.readExports([]Box{b})
	check(t, err)
	d.observeExports(&b, container{})
	if diff := cmp.Diff([]string{"/usr/bin/dc", "editor"}, append(b.Bins.Also, b.ExportedApps...)); diff != "" {
		t.Error("captured:", diff)
	}
	var removed []string
	agreed := Box{Name: "dev", Box: manifest.Box{Bins: manifest.Bins{Also: []string{"/usr/bin/bc", "/usr/bin/dc"}}, ExportedApps: []string{"editor", "gimp"}}}
	for _, s := range d.remove(b, &agreed).Steps {
		if s, ok := s.(plan.Delete); ok {
			removed = append(removed, strings.TrimPrefix(s.Path, d.Home))
		}
	}
	if diff := cmp.Diff([]string{"/.local/bin/dc", "/.local/share/applications/dev-editor.desktop"}, removed); diff != "" {
		t.Error("removed with the container:", diff)
	}
	if notes := strings.Join(d.keptExports(b), "\n"); !strings.Contains(notes, "bin/bc is of root's container") || !strings.Contains(notes, "dev-gimp.desktop is of root's container") {
		t.Error(notes)
	}
}

// TestSignature checks that what the script signs in a box, bkt knows on the host.
func TestSignature(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a b": "x\n", "dev-ü.desktop": "without an end", `back\slash`: "y\n\n"} {
		at := filepath.Join(dir, name)
		check(t, os.WriteFile(at, []byte(text), 0o600))
		out, err := exec.Command("sh", "-c", "mark=$1 summark=$2\n"+exporting+`sign "$3" "$4"`, "sh", mark, sumMark, at, `/x/y\z`).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got, err := os.ReadFile(at)
		check(t, err)
		if s := readSignature(name, string(got)); !s.whole || s.as != `/x/y\z` {
			t.Errorf("%s: %+v\n%s", name, s, got)
		}
	}
}

// TestPlan checks what is done about boxes, in order.
func TestPlan(t *testing.T) {
	d := testSnapshot(Domain{Manager: "podman", Home: "/home/u", Data: "/home/u/.local/share", Cache: "/home/u/.cache/bkt"})
	at := func(name, as string, e export) wrapper {
		return wrapper{at: "/home/u/.local/bin/" + name, box: "dev", program: as, export: e}
	}
	d.containers = map[string]container{"dev": {id: "1", name: "dev", running: true}}
	d.images = images{"localhost/x:1": "x", "localhost/y:1": "y"}
	d.wrappers = []wrapper{
		at("plain", "/opt/plain", export{}), at("odd", "/opt/odd", export{odd: "was exported with --sudo"}),
		at("ours", "/opt/ours", export{byBkt: true}), at("copy", "/opt/plain", export{}), {at: "/home/u/.local/bin/other", box: "dev-tools", program: "/opt/other", export: export{byBkt: true}},
	}
	d.apps = []app{
		{at: "/a/dev-x.desktop", box: "dev", id: "x", export: export{byBkt: true, as: "x"}},
		{at: "/a/dev-tools-x.desktop", box: "dev-tools", id: "x", export: export{byBkt: true, as: "x"}},
		{at: "/a/dev-y.desktop", box: "dev", id: "y", export: export{odd: changedByHand}},
	}
	box := func(image string, also ...string) *Box {
		return &Box{Name: "dev", Box: manifest.Box{Image: image, Bins: manifest.Bins{Also: also}}, ImageID: "x"}
	}
	tests := []struct {
		name string
		diff reconcile.Diff[Box]
		want []string
	}{
		{"removed", reconcile.Diff[Box]{Have: box("localhost/x:1"), Base: box("localhost/x:1", "/opt/plain", "/opt/odd")}, []string{
			"podman rm --force --volumes 1", "rm -r /home/u/.local/bin/ours", "rm -r /home/u/.local/bin/plain", "rm -r /a/dev-x.desktop",
			"leaves ~/.local/bin/copy, which bkt has not exported", "leaves ~/.local/bin/odd, which bkt has not exported", "leaves /a/dev-y.desktop, which bkt has not exported",
		}},
		{"removed, with what was never declared", reconcile.Diff[Box]{Have: box("localhost/x:1"), Base: box("localhost/x:1")}, []string{
			"podman rm --force --volumes 1", "rm -r /home/u/.local/bin/ours", "rm -r /a/dev-x.desktop",
			"leaves ~/.local/bin/copy, which bkt has not exported", "leaves ~/.local/bin/odd, which bkt has not exported", "leaves ~/.local/bin/plain, which bkt has not exported", "leaves /a/dev-y.desktop, which bkt has not exported",
		}},
		{"undeclared", reconcile.Diff[Box]{Have: box("localhost/x:1", "/opt/plain", "/opt/odd"), Want: box("localhost/x:1"), Base: box("localhost/x:1", "/opt/plain", "/opt/odd")},
			[]string{"rm -r /home/u/.local/bin/plain"}},
		{"never declared", reconcile.Diff[Box]{Have: box("localhost/x:1", "/opt/plain", "/opt/odd"), Want: box("localhost/x:1")},
			[]string{"cannot be done: ~/.local/bin/plain was exported by hand, and is not declared: it stays"}},
		{"another image", reconcile.Diff[Box]{Have: box("localhost/x:1"), Want: &Box{Name: "dev", Box: manifest.Box{Image: "localhost/y:1"}, ImageID: "y"}}, []string{
			"podman stop 1", "podman rename 1 dev.bkt-old", "distrobox create …", "DBX_NON_INTERACTIVE=0 distrobox enter --name dev -- sh -s < input", "podman rm --force --volumes 1",
		}},
		{"another one that cannot be made", reconcile.Diff[Box]{Have: box("localhost/x:1"), Want: &Box{Name: "dev", Box: manifest.Box{Image: "localhost/y:1", Volume: []string{"/nonexistent/x:/x"}}, ImageID: "y"}},
			[]string{"cannot be done: volume /nonexistent/x:/x: /nonexistent/x does not exist"}},
		{"a folder outside of the home", reconcile.Diff[Box]{Want: &Box{Name: "new", Box: manifest.Box{Image: "localhost/x:1", Volume: []string{"/nonexistent/x:/x"}}}},
			[]string{"cannot be done: volume /nonexistent/x:/x: /nonexistent/x does not exist"}},
		{"one of the home", reconcile.Diff[Box]{Want: &Box{Name: "new", Box: manifest.Box{Image: "localhost/x:1", Volume: []string{"~/nonexistent/x:/x:ro", "named:/y"}}}},
			[]string{"mkdir -p -- /home/u/nonexistent/x", "distrobox create …"}},
		{"one that may be a file", reconcile.Diff[Box]{Want: &Box{Name: "new", Box: manifest.Box{Image: "localhost/x:1", Volume: []string{"~/nonexistent/x.conf:/x"}}}},
			[]string{"cannot be done: volume ~/nonexistent/x.conf:/x: /home/u/nonexistent/x.conf does not exist"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			d.facts = d.readFacts(itemsOf(tt.diff))
			for _, c := range d.plan([]reconcile.Diff[Box]{tt.diff}) {
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

// TestFoldersThatCannotBeRead checks that only a folder that does not exist has no
// programs: wrappers of those that cannot be looked at stay.
func TestFoldersThatCannotBeRead(t *testing.T) {
	home := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(home, "bin"), 0o755))
	check(t, os.WriteFile(filepath.Join(home, "bin/tool"), nil, 0o755))
	check(t, os.WriteFile(filepath.Join(home, "file"), nil, 0o644))
	for _, loop := range []string{"loop", "bin/loop", "proc/7/root"} { // cannot be read, not even by root
		check(t, os.MkdirAll(filepath.Dir(filepath.Join(home, loop)), 0o755))
		check(t, os.Symlink(filepath.Base(loop), filepath.Join(home, loop)))
	}
	at := func(name, as string) wrapper {
		return wrapper{at: home + "/.local/bin/" + name, box: "dev", program: as, export: export{as: as, byBkt: true}}
	}
	known := []manifest.Found{{Name: "a", Path: "/opt/bin/a"}, {Name: "b", Path: "~/loop/b"}, {Name: "c", Path: "~/none/c"}, {Name: "tool", Path: "~/bin/tool"}}
	for _, tt := range []struct {
		name      string
		from      string
		container container
		wrapper   wrapper
		notes     []string
		stays     bool
	}{
		{"is there", "~/bin", container{}, at("tool", home+"/bin/tool"), nil, true},
		{"is gone", "~/bin", container{}, at("c", home+"/bin/c"), nil, false},
		{"folder is missing", "~/none", container{}, at("c", home+"/none/c"), []string{"dev has no folder ~/none"}, false},
		{"folder is a file", "~/file", container{}, at("c", home+"/file/c"), []string{"dev has no folder ~/file"}, false},
		{"folder cannot be read", "~/loop", container{}, at("b", home+"/loop/b"),
			[]string{"dev has " + home + "/loop, which cannot be read: too many levels of symbolic links: what its folders have in them is not looked at"}, true},
		{"container is stopped", "/opt/bin", container{}, at("a", "/opt/bin/a"),
			[]string{"dev is not running: what its folders have in them is not looked at"}, true},
		{"root cannot be read", "/opt/bin", container{running: true, pid: 7}, at("a", "/opt/bin/a"),
			[]string{"dev has " + home + "/proc/7/root, which cannot be read: too many levels of symbolic links: what its folders have in them is not looked at"}, true},
		{"process is gone", "/opt/bin", container{running: true, pid: 8}, at("a", "/opt/bin/a"),
			[]string{"dev has " + home + "/proc/8/root, which cannot be read: no such file or directory: what its folders have in them is not looked at"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := testSnapshot(Domain{Home: home, Data: home + "/share", Proc: home + "/proc"})
			d.wrappers = []wrapper{tt.wrapper}
			b := Box{Name: "dev", Box: manifest.Box{Bins: manifest.Bins{From: []string{tt.from}, Found: known}}}
			observed := b
			if diff := cmp.Diff(tt.notes, d.observeExports(&observed, tt.container)); diff != "" {
				t.Error(diff)
			}
			_, remove := d.exportsToDo(b)
			if stays := len(remove) == 0; stays != tt.stays {
				t.Errorf("removes %v", remove)
			}
			if seen := tt.notes == nil || strings.Contains(tt.notes[0], "no folder"); seen == cmp.Equal(observed.Bins.Found, known) {
				t.Errorf("found %v", observed.Bins.Found)
			}
		})
	}
}

// TestFilesThatCannotBeRead checks that files that may be exports are named if they
// cannot be read, and keep no other from being known.
func TestFilesThatCannotBeRead(t *testing.T) {
	_, unread, err := readWrappers("/proc/self") // which has a file that not even root can read
	if err != nil || !slices.ContainsFunc(unread, func(err error) bool { return strings.Contains(err.Error(), "/proc/self/mem") }) {
		t.Errorf("%v, %v", unread, err)
	}
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "bc"), []byte(second), 0o755))
	for name, text := range map[string]string{"empty": "", "short": "#", "script": "#!", "binary": "\x7fELF"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	if all, unread, err := readWrappers(dir); len(all) != 1 || len(unread) != 0 || err != nil {
		t.Errorf("%v, %v, %v", all, unread, err)
	}
	check(t, os.WriteFile(filepath.Join(dir, "dev-gimp.desktop"), []byte("[Desktop Entry]\nName=GIMP (on dev)\nExec=distrobox-enter -n dev -- gimp\n"), 0o644))
	check(t, os.Symlink("dev-loop.desktop", filepath.Join(dir, "dev-loop.desktop")))
	check(t, os.Symlink("none", filepath.Join(dir, "dev-dangling.desktop")))
	apps, unread, err := readApps(dir, []string{"dev"})
	if len(apps) != 1 || len(unread) != 1 || err != nil {
		t.Errorf("%v, %v, %v", apps, unread, err)
	}
	d := Domain{Home: dir}
	want := []string{"~/dev-loop.desktop: too many levels of symbolic links: whether it is exported from a container is not known; it stays as it is"}
	if diff := cmp.Diff(want, d.unread(unread)); diff != "" {
		t.Error(diff)
	}
}

// TestNothingIsTakenOnTrust checks that what may say that it is done, and is not, is
// checked, and that no container is entered that is not there.
func TestNothingIsTakenOnTrust(t *testing.T) {
	d := testSnapshot(Domain{Manager: "podman", Home: "/home/u"})
	d.containers = map[string]container{"dev": {id: "1"}}
	have, want := Box{Name: "dev", Box: manifest.Box{Image: "x"}}, Box{Name: "dev", Box: manifest.Box{Image: "y", Bins: manifest.Bins{Also: []string{"/a"}}}}
	changes := d.plan([]reconcile.Diff[Box]{{Have: &have, Want: &want}, {Have: &have}, {Want: &want}})
	for _, stage := range d.stages(want, container{id: "1"}, "new", "dev-backup", nil) {
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
					t.Errorf("%v is taken on trust", r)
				}
			}
		}
	}
}

// TestMade checks the script that checks whether a container is the one that was to
// be made, beside a manager that answers what it is told to.
func TestMade(t *testing.T) {
	bin := t.TempDir()
	const manager = `#!/bin/sh
case $1 in
image) test "$IMAGE" && echo "$IMAGE" ;;
*) test "$IS" && echo "$IS" ;;
esac`
	check(t, os.WriteFile(filepath.Join(bin, "manager"), []byte(manager), 0o755))
	for _, tt := range []struct{ is, image, want string }{
		{"dev x label", "x", ""},
		{"/dev x label", "x", ""},
		{"", "x", "container dev was not made"},
		{"devil x label", "x", "container dev was not made"},
		{"dev y label", "x", "container dev is not of the image localhost/x:1"},
		{"dev x other", "x", "container dev is another one, made before"},
		{"dev x <no value>", "x", "container dev is another one, made before"},
	} {
		cmd := exec.CommandContext(context.Background(), "sh", "-c", made, "sh", filepath.Join(bin, "manager"), "dev", "localhost/x:1", "label")
		cmd.Env = append(os.Environ(), "IS="+tt.is, "IMAGE="+tt.image)
		out, err := cmd.CombinedOutput()
		if _, failed := errors.AsType[*exec.ExitError](err); strings.TrimSpace(string(out)) != tt.want || failed != (tt.want != "") {
			t.Errorf("%q: %v, %s", tt.is, err, out)
		}
	}
}

// testSnapshot returns a snapshot of a system without containers.
func testSnapshot(d Domain) *snapshot {
	return &snapshot{Domain: d, programs: map[string][]manifest.Found{}, captured: map[string][]manifest.Found{}}
}

func itemsOf(d reconcile.Diff[Box]) []Box {
	var all []Box
	for _, b := range []*Box{d.Have, d.Want} {
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
