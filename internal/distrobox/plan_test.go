package distrobox

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/distrobox/export"
	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// steps returns the changes of a plan, a line for each step.
func steps(p []plan.Change) []string {
	var all []string
	add := func(before string, steps []plan.Step) {
		for _, s := range steps {
			text, _, _ := strings.Cut(s.String(), " --image ")
			if r, ok := s.(plan.Run); ok && r.Argv[0] == "sh" {
				text = "script " + strings.Join(r.Argv[4:], " ")
			}
			all = append(all, before+text)
		}
	}
	for _, c := range p {
		add(string(c.Op)+" ", c.Steps)
		add("undo: ", c.Undo)
		for _, lost := range c.DataLoss {
			all = append(all, "loses "+lost)
		}
	}
	return all
}

const (
	enterDev  = "DBX_NON_INTERACTIVE=0 distrobox enter --name dev -- sh -s < input"
	createDev = "distrobox create --yes --no-entry --name dev"
	pathConf  = "/home/u/.config/environment.d/10-distrobox-exports.conf"
)

// TestPlanOfStates checks the plan for a container in each state of the system: missing,
// existing, renamed while it is recreated, or both.
func TestPlanOfStates(t *testing.T) {
	now, old := manager.Container{ID: "1", Name: "dev", Running: true}, manager.Container{ID: "0", Name: "dev.bkt-old"}
	container := func(image, id string, edit func(*Container)) *Container {
		b := &Container{Name: "dev", Container: manifest.Container{Image: image}, ImageID: id}
		if edit != nil {
			edit(b)
		}
		return b
	}
	exporting := func(b *Container) { b.Bins.Also = programs("/usr/bin/bc") }
	tests := []struct {
		name        string
		there, away []manager.Container
		diff        reconcile.Diff[Container]
		want        []string
	}{
		{"missing", nil, nil, reconcile.Diff[Container]{Want: container("x:1", "x", nil)}, []string{"+ " + createDev}},
		{"missing, with exports", nil, nil, reconcile.Diff[Container]{Want: container("x:1", "x", exporting)}, []string{"+ " + createDev, "~ " + enterDev}},
		{"missing, with apps", nil, nil, reconcile.Diff[Container]{Want: container("x:1", "x", func(b *Container) { b.ExportedApps = apps("gimp") })},
			[]string{"+ " + createDev, "~ " + enterDev, "~ script /home/u/.local/share/applications"}},
		{"that cannot be created", nil, nil, reconcile.Diff[Container]{Want: container("a b", "", nil)}, []string{`+ cannot be done: image a b: distrobox does not accept " " in it`}},
		{"other image", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("y:1", "y", nil)}, []string{
			"~ podman stop 1", "~ podman rename 1 dev.bkt-old", "~ " + createDev, "~ " + enterDev, "~ podman rm --force --volumes 1",
			"undo: script podman dev 1 true", "loses /etc/fstab",
		}},
		{"same name, newer image", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("x:1", "y", nil)}, []string{
			"~ podman stop 1", "~ podman rename 1 dev.bkt-old", "~ " + createDev, "~ " + enterDev, "~ podman rm --force --volumes 1",
			"undo: script podman dev 1 true", "loses /etc/fstab",
		}},
		{"other image, which is not there", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("y:1", "", nil)}, []string{
			"~ podman pull y:1", "~ podman stop 1", "~ podman rename 1 dev.bkt-old", "~ " + createDev, "~ " + enterDev, "~ podman rm --force --volumes 1",
			"undo: script podman dev 1 true", "loses /etc/fstab",
		}},
		{"other image, and cannot be created", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("a b", "", nil)},
			[]string{`~ cannot be done: image a b: distrobox does not accept " " in it`}},
		{"set aside, to be recreated", nil, []manager.Container{old}, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("y:1", "y", nil)}, []string{
			"~ " + createDev, "~ " + enterDev, "~ podman rm --force --volumes 0", "undo: script podman dev 0 ", "loses /etc/fstab",
		}},
		{"set aside, and as declared", nil, []manager.Container{old}, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("x:1", "x", func(b *Container) { b.ToDo.Finish = true })},
			[]string{"~ podman rename 0 dev"}},
		{"recreated, but wrong", []manager.Container{now}, []manager.Container{old}, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("y:1", "y", nil)}, []string{
			"~ podman rm --force --volumes 1", "~ " + createDev, "~ " + enterDev, "~ podman rm --force --volumes 0", "undo: script podman dev 0 ",
			"loses /etc/fstab", "loses the old container, dev.bkt-old",
		}},
		{"recreated, and not finished", []manager.Container{now}, []manager.Container{old}, reconcile.Diff[Container]{Have: container("y:1", "y", nil), Want: container("y:1", "y", func(b *Container) { b.ToDo.Finish = true })},
			[]string{"~ " + enterDev, "~ podman rm --force --volumes 0", "loses the old container, dev.bkt-old"}},
		{"removed", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", nil)}, []string{"- podman rm --force --volumes 1"}},
		{"removed, with the old one", []manager.Container{now}, []manager.Container{old}, reconcile.Diff[Container]{Have: container("x:1", "x", nil)},
			[]string{"- podman rm --force --volumes 1", "- podman rm --force --volumes 0"}},
		{"lacks an export", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", exporting), Want: container("x:1", "x", func(b *Container) {
			exporting(b)
			b.ToDo.Export = []string{"/home/u/.local/bin/bc"}
		})}, []string{"~ " + enterDev}},
		{"lacks only the file with PATH", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", exporting), Want: container("x:1", "x", func(b *Container) {
			exporting(b)
			b.ToDo.Export = []string{pathConf}
		})}, []string{"~ write " + pathConf}},
		{"has too many exports", []manager.Container{now}, nil, reconcile.Diff[Container]{Have: container("x:1", "x", nil), Want: container("x:1", "x", func(b *Container) {
			b.ToDo.Remove = []string{"/home/u/.local/bin/old"}
		})}, []string{"~ rm -r /home/u/.local/bin/old"}},
		{"exports to a folder outside of the home", nil, nil, reconcile.Diff[Container]{Want: container("x:1", "x", func(b *Container) {
			exporting(b)
			b.Bins.To = "/opt/bin"
		})}, []string{"+ " + createDev, "~ cannot be done: programs cannot be exported to /opt/bin, which containers do not share with the host"}},
		{"exports to the folder of the programs", nil, nil, reconcile.Diff[Container]{Want: container("x:1", "x", func(b *Container) { b.Bins.From = []string{"~/.local/bin"} })},
			[]string{"+ " + createDev, "~ cannot be done: programs in /home/u/.local/bin cannot be exported to the same folder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := testSnapshot(Domain{Manager: "podman", Home: "/home/u", Data: "/home/u/.local/share", Config: "/home/u/.config", Cache: "/home/u/.cache/bkt"})
			s.containers, s.backups = map[string]manager.Container{}, map[string]manager.Container{}
			s.losses = map[string][]string{"dev": {"/etc/fstab"}}
			if strings.Contains(tt.name, "PATH") {
				s.path = pathFile{at: pathConf, text: "PATH"}
			}
			for _, c := range tt.there {
				s.containers["dev"] = c
			}
			for _, c := range tt.away {
				s.backups["dev"] = c
			}
			s.facts = s.readFacts(itemsOf(tt.diff))
			got := s.plan([]reconcile.Diff[Container]{tt.diff})
			if diff := cmp.Diff(tt.want, steps(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := s.plan([]reconcile.Diff[Container]{tt.diff}); cmp.Diff(steps(got), steps(again)) != "" {
				t.Error("the same differences make another plan")
			}
			for _, c := range got {
				if cmp.Diff([]string{"dev"}, c.Targets) != "" {
					t.Errorf("targets %v", c.Targets)
				}
			}
		})
	}
}

// TestScript checks the script for exports that is made from a snapshot, and that a shell can
// read it.
func TestScript(t *testing.T) {
	at := func(name, program string, f export.File) export.Wrapper {
		return export.Wrapper{At: "/home/u/.local/bin/" + name, Container: "dev", Program: program, File: f}
	}
	tests := []struct {
		name      string
		container manifest.Container
		wrappers  []export.Wrapper
		apps      []export.App
		want      []string // lines before and after the functions
	}{
		{"programs and folders, sorted", manifest.Container{Bins: manifest.Bins{Also: programs("~/bin/it's", "/usr/bin/bc"), From: []string{"/opt/bin/", "~/bin"}}}, nil, nil, []string{
			"to=/home/u/.local/bin", `excluded="/bkt/bkt-engine/it's/bc/"`, "wrappers=/", "outdated=/", "entries=/",
			"bin /usr/bin/bc /home/u/.local/bin", `bin "/home/u/bin/it's" /home/u/.local/bin`, "folder /opt/bin", "folder /home/u/bin",
		}},
		{"excluded programs, but not those declared by themselves", manifest.Container{Bins: manifest.Bins{From: []string{"/opt/bin"}, Also: programs("/opt/bin/a"), Exclude: []string{"a", "b"}}}, nil, nil, []string{
			"to=/home/u/.local/bin", "excluded=/bkt/bkt-engine/a/b/a/", "wrappers=/", "outdated=/", "entries=/", "bin /opt/bin/a /home/u/.local/bin", "folder /opt/bin",
		}},
		{"programs of the image", manifest.Container{Bins: manifest.Bins{Also: programs("/usr/bin/bc"), To: "/usr/bin"}}, nil, nil, []string{
			"to=''", "excluded=/bkt/bkt-engine/bc/", "wrappers=/", "outdated=/", "entries=/",
		}},
		{"wrappers of bkt and of others", manifest.Container{Bins: manifest.Bins{Also: programs("/usr/bin/bc"), To: "~/.local/bin"}}, []export.Wrapper{
			at("bc", "/usr/bin/bc", export.File{ByBkt: true}), at("dc", "/usr/bin/dc", export.File{}), at("mine", "/usr/bin/x", export.File{Unsupported: export.ChangedByHand}),
			at("copy", "/usr/bin/bc", export.File{}), {At: "/home/u/bin/other", Container: "dev", Program: "/usr/bin/other"}, {At: "/home/u/.local/bin/theirs", Container: "tools", Program: "/usr/bin/theirs"},
		}, nil, []string{
			"to=/home/u/.local/bin", "excluded=/bkt/bkt-engine/bc/", "wrappers=//home/u/.local/bin/bc/", "outdated=/", "entries=/", "keep /usr/bin/dc", "keep mine", "bin /usr/bin/bc /home/u/.local/bin",
		}},
		{"options", manifest.Container{Bins: manifest.Bins{Also: []manifest.Program{
			{Path: "/usr/bin/bc", Flags: "-q 'a b'", Sudo: true, EnterFlags: "--clean-path"}, {Path: "/usr/bin/dc", To: "~/mybin", Sudo: true}, {Path: "/usr/bin/hand", Flags: "-x"},
			{Path: "/usr/bin/new", Flags: "-y"}, {Path: "/usr/bin/same"},
		}}, ExportedApps: []manifest.ExportedApp{{Name: "gimp", Label: "none"}}}, []export.Wrapper{
			at("bc", "/usr/bin/bc", export.File{ByBkt: true}), at("same", "/usr/bin/same", export.File{ByBkt: true}),
			{At: "/home/u/.local/bin/hand", Container: "dev", Program: "/usr/bin/hand", Options: export.Options{Flags: "-x"}},
			{At: "/home/u/.local/bin/new", Container: "dev", Program: "/usr/bin/new", Options: export.Options{Flags: "-x"}},
		}, nil, []string{
			"to=/home/u/.local/bin", "excluded=/bkt/bkt-engine/bc/hand/new/same/", "wrappers=//home/u/.local/bin/bc//home/u/.local/bin/same/", "outdated=//home/u/.local/bin/bc/", "entries=/",
			"keep /usr/bin/hand", "keep /usr/bin/new",
			`bin /usr/bin/bc /home/u/.local/bin "-q 'a b'" yes --clean-path`, "bin /usr/bin/same /home/u/.local/bin", "bin /usr/bin/dc /home/u/mybin '' yes", "app gimp '' '' '' none",
		}},
		{"apps of bkt and of others", manifest.Container{ExportedApps: apps("gimp", "mine")}, nil, []export.App{
			{At: "/a/dev-gimp.desktop", Container: "dev", ID: "gimp", File: export.File{ByBkt: true, As: "gimp"}},
			{At: "/a/dev-mine.desktop", Container: "dev", ID: "mine"}, {At: "/a/tools-x.desktop", Container: "tools", ID: "x", File: export.File{ByBkt: true, As: "x"}},
		}, []string{"to=''", "excluded=/bkt/bkt-engine/", "wrappers=/", "outdated=/", "entries=/dev-gimp.desktop/", "app gimp"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := testSnapshot(Domain{Manager: "podman", Home: "/home/u", Data: "/home/u/.local/share", Cache: "/home/u/.cache/bkt"})
			s.wrappers, s.apps = tt.wrappers, tt.apps
			text, err := s.script(Container{Name: "dev", Container: tt.container}, nil)
			if err != nil {
				t.Fatal(err)
			}
			head, calls, ok := strings.Cut(text, export.Script)
			if !ok || !strings.HasPrefix(head, "# bkt\ncontainer_name=dev\n") || !strings.HasSuffix(calls, "exit $status\n") {
				t.Fatalf("%q … %q", head, calls)
			}
			var got []string
			for line := range strings.Lines(head + strings.TrimSuffix(calls, "exit $status\n")) {
				name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
				switch name {
				case "# bkt", "container_name", "apps", "data", "work", "mark", "flagsmark", "labelmark", "summark":
				default:
					got = append(got, strings.TrimSuffix(line, "\n"))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			cmd := exec.Command("sh", "-n")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	s := testSnapshot(Domain{Home: "/home/u"})
	if _, err := s.script(Container{Name: "dev", Container: manifest.Container{Bins: manifest.Bins{Also: programs("/a\x00b")}}}, nil); err == nil {
		t.Error("a name that no shell can take is no error")
	}
	if got := filepath.Base(s.work()); got != "export" {
		t.Errorf("works in %s", got)
	}
}

// TestSameCreation checks that only what a container is made from makes it another one, and
// not what bkt alone reads of a hook.
func TestSameCreation(t *testing.T) {
	made := manifest.Container{Image: "x", PreInitHooks: []manifest.PreHook{{Run: "a", Bare: true}}, InitHooks: []manifest.Hook{{Run: "b", Bare: true}}}
	tests := []struct {
		name  string
		other manifest.Container
		want  bool
	}{
		{"the same", made, true},
		{"notes on hooks", manifest.Container{
			Image: "x", PreInitHooks: []manifest.PreHook{{Run: "a", Volatile: []string{"/v"}, Allow: []string{"append"}, Comment: "why"}},
			InitHooks: []manifest.Hook{{Run: "b", As: "user", Volatile: []string{"/v"}}}}, true},
		{"another command", manifest.Container{Image: "x", PreInitHooks: []manifest.PreHook{{Run: "c", Bare: true}}, InitHooks: made.InitHooks}, false},
		{"one more", manifest.Container{Image: "x", PreInitHooks: append(made.PreInitHooks, manifest.PreHook{Run: "a"}), InitHooks: made.InitHooks}, false},
	}
	for _, tt := range tests {
		if got := sameCreation(made, tt.other); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}
