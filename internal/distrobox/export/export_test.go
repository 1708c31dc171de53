package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
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

// signed returns an export with the signature of bkt.
func signed(name, text, as string) string {
	text += Mark + as + "\n"
	return text + SumMark + sum(name, text) + "\n"
}

// TestWhoseWrapper checks which wrappers belong to bkt, and the notes on those that
// manifests cannot express.
func TestWhoseWrapper(t *testing.T) {
	const at = "/home/u/.local/bin/bc"
	replaced := func(old, text string) string {
		if !strings.Contains(second, old) {
			t.Fatalf("there is no %q", old)
		}
		return strings.Replace(second, old, text, 1)
	}
	options := func(o Options) Wrapper { return Wrapper{Program: "/usr/bin/bc", Options: o} }
	withFlags := options(Options{Flags: "-q -l"})
	tests := []struct {
		name, text string
		want       Wrapper
	}{
		{"first generation", first, Wrapper{Program: "/usr/bin/bc"}},
		{"second generation", second, Wrapper{Program: "/usr/bin/bc"}},
		{"bkt's, first", signed("bc", first, "/usr/bin/bc"), Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", ByBkt: true}}},
		{"bkt's, second", signed("bc", second, "/usr/bin/bc"), Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", ByBkt: true}}},
		{"an earlier bkt's", second + Mark + "/usr/bin/bc\n", Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", ByBkt: true}}},
		{"an earlier bkt's, edited", replaced("  -n dev", "  -n dev --clean-path") + Mark + "/usr/bin/bc\n", Wrapper{Program: "/usr/bin/bc", Options: Options{EnterFlags: "--clean-path"}, File: File{As: "/usr/bin/bc"}}},
		{"edited", strings.Replace(signed("bc", second, "/usr/bin/bc"), "exec", "export A=b\n\texec", 1), Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", Unsupported: ChangedByHand}}},
		{"edited at the end", signed("bc", second, "/usr/bin/bc") + "echo\n", Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", Unsupported: ChangedByHand}}},
		{"a copy", signed("dc", second, "/usr/bin/bc"), Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", Unsupported: ChangedByHand}}},
		{"flags, first", strings.Replace(first, "/usr/bin/bc  \"", "/usr/bin/bc -q -l \"", 1), withFlags},
		{"flags, second", replaced("'/usr/bin/bc'  ", "'/usr/bin/bc' -q -l "), withFlags},
		{"flags, also inside", strings.ReplaceAll(second, `'/usr/bin/bc' `, `'/usr/bin/bc' -q -l `), withFlags},
		{"sudo, first", strings.Replace(first, "--  /usr", "-- sudo /usr", 1), options(Options{Sudo: true})},
		{"sudo, second", replaced("--  '", "-- sudo -S  '"), options(Options{Sudo: true})},
		{"without sudo", replaced(`'/usr/bin/bc'  "$@"`, `su-exec root sh -l -c "'/usr/bin/bc'  $@"`), options(Options{Sudo: true})},
		{"flags of distrobox", replaced("-n dev", "-n dev -nw -a '--env A=b'"), options(Options{EnterFlags: "-nw -a '--env A=b'"})},
		{"a variable before", replaced(`exec "/usr`, `exec env A=b "/usr`), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"a line more", replaced("if [", "export A=b\nif ["), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"of root's container", replaced("  -n dev", " --root -n dev"), Wrapper{Program: "/usr/bin/bc", File: File{Root: true}}},
		{"a comment more", replaced("if [", "# mine\nif ["), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"a command more", replaced("if [", "exec 2>>~/log\nif ["), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"a call more", replaced("if [", "logger \"$@\"\nif ["), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"an earlier bkt's, a command more", replaced("if [", "sed -i 1d ~/log\nif [") + Mark + "/usr/bin/bc\n", Wrapper{Program: "/usr/bin/bc", File: File{As: "/usr/bin/bc", Unsupported: ChangedByHand}}},
		{"flags, only inside", strings.Replace(second, "exec '/usr/bin/bc' ", "exec '/usr/bin/bc' -q ", 1), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"another container's call", replaced("-n dev ", "-n dev-tools "), Wrapper{Program: "/usr/bin/bc", File: File{Unsupported: ChangedByHand}}},
		{"flags with a variable", replaced("'/usr/bin/bc'  ", "'/usr/bin/bc' $X "), Wrapper{Program: "/usr/bin/bc", Options: Options{Flags: "$X"}, File: File{Unsupported: "was exported with flags that releases of distrobox write in different ways"}}},
		{"flags, added to bkt's", strings.Replace(signed("bc", second, "/usr/bin/bc"), "'/usr/bin/bc'  ", "'/usr/bin/bc' -q -l ", 1), Wrapper{Program: "/usr/bin/bc", Options: Options{Flags: "-q -l"}, File: File{As: "/usr/bin/bc"}}},
		{"flags, by bkt", signed("bc", strings.Replace(second, "'/usr/bin/bc'  ", "'/usr/bin/bc' -q -l ", 1), "/usr/bin/bc"), Wrapper{Program: "/usr/bin/bc", Options: Options{Flags: "-q -l"}, File: File{As: "/usr/bin/bc", ByBkt: true}}},
		{"quoted name", replaced("-n dev ", `--name "dev" `), Wrapper{Program: "/usr/bin/bc"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := ParseWrapper(at, tt.text)
			tt.want.At, tt.want.Container = at, "dev"
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(Wrapper{}, File{})); diff != "" || !ok {
				t.Error(ok, diff)
			}
		})
	}
	for _, text := range []string{"", "#!/bin/sh\necho\n\n\n", strings.Replace(second, "# distrobox_binary", "# another", 1), strings.Replace(second, "# name: dev", "# of dev", 1)} {
		if w, ok := ParseWrapper(at, text); ok {
			t.Errorf("%q: %v", text, w)
		}
	}
}

// TestWhoseApp checks the container of an entry, and whether the entry belongs to bkt.
func TestWhoseApp(t *testing.T) {
	const head = "[Desktop Entry]\nName=GIMP (on dev)\n"
	const plain = head + "Exec=/usr/bin/distrobox-enter  -n dev --   gimp-2.10  %U\n"
	of := func(e File, unknown ...string) App {
		return App{Container: "dev", ID: "gimp", Name: "GIMP", File: e, Unknown: strings.Join(unknown, "")}
	}
	tests := []struct {
		file, text string
		want       App
	}{
		{"dev-gimp", plain, of(File{})},
		{"dev-gimp", signed("dev-gimp.desktop", plain, "gimp"), of(File{As: "gimp", ByBkt: true})},
		{"dev-gimp", plain + Mark + "gimp\n", of(File{As: "gimp"})},
		{"dev-gimp", strings.Replace(signed("dev-gimp.desktop", plain, "gimp"), "[", "\n[", 1), of(File{As: "gimp", Unsupported: ChangedByHand})},
		{"dev-gimp", signed("dev-other.desktop", plain, "gimp"), of(File{As: "gimp", Unsupported: ChangedByHand})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 -n -s %U\n", of(File{}, "-n -s")},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 --own  %U\n", of(File{})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 --uri= %U\n", of(File{})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp-2.10 --own\n", of(File{})},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- sudo -S  gimp-2.10  %U\n", App{Container: "dev", ID: "gimp", Name: "GIMP", Options: Options{Sudo: true}}},
		{"dev-gimp", head + "Exec=env A=b distrobox-enter -n dev -- gimp-2.10\n", of(File{Unsupported: ChangedByHand})},
		{"dev-gimp", head + "Exec=distrobox enter --name 'dev' -e gimp-2.10\n", of(File{})},
		{"dev-gimp", head + "Exec=distrobox enter dev -- gimp-2.10\n", of(File{})},
		{"dev-tools-gimp", head + "Exec=distrobox-enter -n dev-tools -- gimp\n", App{Container: "dev-tools", ID: "gimp", Name: "GIMP", Label: "(on dev)"}},
		{"dev-tools-gimp", head + "Exec=distrobox-enter -n dev -- gimp\n", App{Container: "dev", ID: "tools-gimp", Name: "GIMP"}},
		{"dev-tools-gimp", head + "Exec=distrobox-enter -n dev- -- gimp\n", App{}},
		{"dev-gimp", head + "Exec=distrobox-enter -n dev -- gimp\nExec=distrobox-enter -n dev-tools -- gimp\n", App{}},
		{"dev-gimp", head + "Exec=gimp -n dev\n", App{}},
		{"dev-gimp", head + "Exec=echo distrobox-enter-not -n dev --\n", App{}},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.text, func(t *testing.T) {
			got, ok := parseApp("/a/"+tt.file+".desktop", tt.text)
			if tt.want.Container != "" {
				tt.want.At = "/a/" + tt.file + ".desktop"
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(App{})); diff != "" || ok != (tt.want.Container != "") {
				t.Error(ok, diff)
			}
		})
	}
}

// realEntry is the desktop entry in the container of testdata.
const realEntry = `[Desktop Entry]
Type=Application
Name=GIMP
Comment=100% free
Exec=gimp-2.10 --own %U
TryExec=gimp
Icon=gimp
Actions=new;

[Desktop Action new]
Name=New
Exec=gimp-2.10 --new
`

// TestReleases checks that the options of exports of every release of distrobox are read, and
// that nothing else is, from files that the real distrobox-export has written.
func TestReleases(t *testing.T) {
	want := map[string]App{
		"plain": {}, "flags": {Options: Options{Flags: "-q -l"}}, "sudo": {Options: Options{Sudo: true}}, "sudo-flags": {Options: Options{Sudo: true, Flags: "-q -l"}},
		"enter":       {Options: Options{EnterFlags: "--clean-path --additional-flags=--env=A=b"}},
		"enter-flags": {Options: Options{EnterFlags: "-nw", Flags: "-q -l"}},
		"app":         {}, "app-flags": {Options: Options{Flags: "--safe --x"}}, "app-sudo": {Options: Options{Sudo: true}},
		"app-enter": {Options: Options{EnterFlags: "--clean-path"}}, "app-label": {Label: "(box)"}, "app-nolabel": {Label: "none"},
	}
	files, err := filepath.Glob("testdata/*.txtar")
	check(t, err)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		check(t, err)
		release := strings.TrimSuffix(filepath.Base(file), ".txtar")
		for _, f := range archive.Files {
			want := want[f.Name]
			if release == "1.5.0.2" { // it ignores --sudo
				want.Sudo = false
			}
			t.Run(release+" "+f.Name, func(t *testing.T) {
				if strings.HasPrefix(f.Name, "app") {
					checkRealApp(t, string(f.Data), want)
					return
				}
				got, ok := ParseWrapper("/home/u/.local/bin/bc", string(f.Data))
				declared := manifest.Program{Path: "/usr/bin/bc", Flags: want.Flags, Sudo: want.Sudo, EnterFlags: want.EnterFlags}
				if diff := cmp.Diff(Wrapper{At: "/home/u/.local/bin/bc", Container: "dev", Program: "/usr/bin/bc", Options: want.Options}, got); diff != "" || !ok || !got.Is(declared) {
					t.Error(ok, diff)
				}
			})
		}
	}
}

func checkRealApp(t *testing.T, text string, want App) {
	t.Helper()
	got, ok := parseApp("/a/dev-gimp.desktop", text)
	got.Compare(realEntry)
	want.At, want.Container, want.ID, want.Name = "/a/dev-gimp.desktop", "dev", "gimp", "GIMP"
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(App{})); diff != "" || !ok {
		t.Error(ok, diff)
	}
	declared := manifest.ExportedApp{Name: "gimp", Flags: want.Flags, Sudo: want.Sudo, EnterFlags: want.EnterFlags, Label: want.Label}
	if !got.Shows(declared) {
		t.Error("is not the declared one")
	}
	declared.Sudo = !declared.Sudo
	if got.Shows(declared) {
		t.Error("is also another one")
	}
}

// TestLinkedApp checks that an entry that the user moved, and linked to, belongs to the user.
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
		apps, _, _, err := ReadApps(dir, []string{"dev"})
		check(t, err)
		if len(apps) != 1 || apps[0].ByBkt != byBkt || (apps[0].Unsupported == "") != byBkt {
			t.Errorf("bkt's: %v: %+v", byBkt, apps)
		}
	}
}

// TestMenuEntry checks that the entry of a container is removed with it only if distrobox
// wrote it for this container, and it has not changed.
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
		if got := IsMenuEntry(at, "dev", false); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if IsMenuEntry(filepath.Join(t.TempDir(), "dev.desktop"), "dev", false) {
		t.Error("of none: true")
	}
}

// TestNamesOfApps checks that an app matches its whole name, and not a part of it.
func TestNamesOfApps(t *testing.T) {
	exported := App{ID: "org.x.Gimp", Name: "GIMP", File: File{As: "gimp", ByBkt: true}}
	byHand := App{ID: "gimp-plugin", Name: "Plugin"}
	for name, want := range map[string][2]bool{
		"gimp": {true, false}, "GIMP": {}, "org.x.Gimp": {}, "gimp-plugin": {false, true}, "Plugin": {false, true}, "plugin": {}, "gimp-": {},
		"/usr/share/applications/gimp-plugin.desktop": {false, true}, "gimp-plugin.desktop": {false, true},
	} {
		if got := [2]bool{exported.Is(name), byHand.Is(name)}; got != want {
			t.Errorf("%s: %v, not %v", name, got, want)
		}
	}
}

// TestSignature checks that bkt recognizes on the host the files that the script signs in a
// container.
func TestSignature(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a b": "x\n", "dev-ü.desktop": "without an end", `back\slash`: "y\n\n"} {
		at := filepath.Join(dir, name)
		check(t, os.WriteFile(at, []byte(text), 0o600))
		out, err := exec.Command("sh", "-c", "mark=$1 summark=$2\n"+Script+`sign "$3" "$4"`, "sh", Mark, SumMark, at, `/x/y\z`).CombinedOutput()
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

// TestFilesThatCannotBeRead checks that files that may be exports are named if they
// cannot be read, and that others are still found.
func TestFilesThatCannotBeRead(t *testing.T) {
	_, unread, err := ReadWrappers("/proc/self") // which has a file that not even root can read
	if err != nil || !slices.ContainsFunc(unread, func(err error) bool { return strings.Contains(err.Error(), "/proc/self/mem") }) {
		t.Errorf("%v, %v", unread, err)
	}
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "bc"), []byte(second), 0o755))
	for name, text := range map[string]string{"empty": "", "short": "#", "script": "#!", "binary": "\x7fELF"} {
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	}
	if all, unread, err := ReadWrappers(dir); len(all) != 1 || len(unread) != 0 || err != nil {
		t.Errorf("%v, %v, %v", all, unread, err)
	}
	check(t, os.WriteFile(filepath.Join(dir, "dev-gimp.desktop"), []byte("[Desktop Entry]\nName=GIMP (on dev)\nExec=distrobox-enter -n dev -- gimp\n"), 0o644))
	check(t, os.Symlink("dev-loop.desktop", filepath.Join(dir, "dev-loop.desktop")))
	check(t, os.Symlink("none", filepath.Join(dir, "dev-dangling.desktop")))
	apps, _, unread, err := ReadApps(dir, []string{"dev"})
	if len(apps) != 1 || len(unread) != 1 || err != nil {
		t.Errorf("%v, %v, %v", apps, unread, err)
	}
}

// TestOriginal checks that the program of a wrapper is found, in wrappers of each release
// and of the user.
func TestOriginal(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"1.4", "else\n\t/usr/bin/bc \"$@\"\nfi\n", "/usr/bin/bc"},
		{"1.8", "if [ -z \"${CONTAINER_ID}\" ]; then\n\texec \"/usr/bin/distrobox-enter\"  -n b  --  '/x/a b'  \"$@\"\nelif x; then\n\texec distrobox-host-exec '/h/a b' \"$@\"\nelse\n\texec '/x/a b' \"$@\"\nfi\n", "/x/a b"},
		{"with sudo", "else\n\texec sudo -S '/usr/sbin/x' \"$@\"\nfi\n", "/usr/sbin/x"},
		{"the image of the host", "elif [ \"$CONTAINER_ID\" != b ]; then\n\texec distrobox-host-exec /usr/bin/x \"$@\"\nfi\nexec /opt/x \"$@\"\n", "/opt/x"},
		{"no wrapper", "echo\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := original(strings.Split(tt.text, "\n")); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}

// TestReadEntry checks that the first entry in a container counts, and that one that cannot be
// read does not give way to another of the same name.
func TestReadEntry(t *testing.T) {
	root := t.TempDir()
	own, shared := filepath.Join(root, "home/u/.local/share/applications"), filepath.Join(root, "usr/share/applications")
	for _, dir := range []string{own, shared} {
		check(t, os.MkdirAll(dir, 0o755))
	}
	for file, text := range map[string]string{own + "/both.desktop": "own", shared + "/both.desktop": "shared", shared + "/one.desktop": "shared", shared + "/loop.desktop": "shared"} {
		check(t, os.WriteFile(file, []byte(text), 0o644))
	}
	check(t, os.Symlink("loop.desktop", own+"/loop.desktop"))
	for id, want := range map[string]string{"both": "own", "one": "shared", "loop": "", "none": ""} {
		if got := ReadEntry(root, "/home/u", id); got != want {
			t.Errorf("%s: %q, not %q", id, got, want)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
