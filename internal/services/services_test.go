package services

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestRules(t *testing.T) {
	const text = `# comment
enable ssh*
; another
  disable	a?c.service
enable [!x]y.service
enable getty@.service tty1 tty2
disable dev-disk\x2d*.swap
enable [broken
nonsense *
enable
disable *`
	tests := map[string]bool{
		"sshd.service":          true,
		"abc.service":           false,
		"ay.service":            true,
		"xy.service":            false,
		"getty@tty1.service":    true,
		"getty@tty3.service":    false,
		`dev-disk\x2da.swap`:    false,
		"[broken":               true,
		"anything-else.service": false,
	}
	for name, want := range tests {
		if got, said := parseRules(text).enable(name); got != want || !said {
			t.Errorf("%s: %v, %v", name, got, said)
		}
	}
	if enable, said := parseRules("disable a.service").enable("b.service"); !enable || said {
		t.Errorf("a unit without a rule: %v, %v", enable, said)
	}
}

// TestPresetsOfSeveralFolders checks that a file hides those of the same name, and that files
// of all folders are read in the order of their names.
func TestPresetsOfSeveralFolders(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, map[string]string{
		"lib/50-a.preset":  "disable a.service\n",
		"lib/60-b.preset":  "enable a.service\ndisable b.service\n",
		"lib/70-c.preset":  "disable c.service\n",
		"etc/50-a.preset":  "-> /dev/null",
		"etc/65-b.preset":  "enable b.service\n",
		"etc/README":       "disable *\n",
		"etc/70-c.preset":  "enable c.service\n",
		"etc/80-no.preset": "-> nowhere",
	})
	r, err := readRules([]string{root + "/etc", root + "/run", root + "/lib"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a.service": true, "b.service": false, "c.service": true} {
		if got, _ := r.enable(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// FuzzRules checks that a last rule for all units mentions each unit, and that the first
// rule wins.
func FuzzRules(f *testing.F) {
	f.Add("enable a*\n# x\ndisable [", "a.service")
	f.Add("enable x@.service a b", "x@a.service")
	f.Add("disable \\", "\\")
	f.Fuzz(func(t *testing.T, text, name string) {
		text = strings.TrimRight(text, "\r\n") + "\n"
		if strings.ContainsAny(name, "/ \t\r\n") {
			return
		}
		enable, said := parseRules(text).enable(name)
		all, saidAll := parseRules(text + "disable *\n").enable(name)
		if !saidAll || said && all != enable || !said && all {
			t.Errorf("%v, %v, then %v, %v", enable, said, all, saidAll)
		}
		if first, _ := parseRules("disable *\n" + text).enable(name); first {
			t.Error("the first rule does not count")
		}
	})
}

// TestDefaults checks which states count as default, and which as set by a user.
func TestDefaults(t *testing.T) {
	const (
		unit   = "usr/lib/systemd/system/u.service"
		link   = "etc/systemd/system/multi-user.target.wants/u.service"
		image  = "usr/etc/systemd/system/multi-user.target.wants/u.service"
		debian = "var/lib/systemd/deb-systemd-helper-enabled/"
		preset = "usr/lib/systemd/system-preset/50.preset"
		target = "-> /usr/lib/systemd/system/u.service"
	)
	tests := map[string]struct {
		files  map[string]string
		config manifest.Systemd
		want   manifest.UnitState // "": it does not change
	}{
		"enabled by preset":                         {map[string]string{link: target, preset: "enable u.service"}, manifest.Systemd{}, ""},
		"disabled against the preset":               {map[string]string{preset: "enable u.service"}, manifest.Systemd{}, "disabled"},
		"enabled against the preset":                {map[string]string{link: target, preset: "disable *"}, manifest.Systemd{}, "enabled"},
		"enabled as nothing is said":                {map[string]string{link: target}, manifest.Systemd{}, ""},
		"disabled as by preset":                     {map[string]string{preset: "disable *"}, manifest.Systemd{}, ""},
		"enabled by the image":                      {map[string]string{link: target, image: target, preset: "disable *"}, manifest.Systemd{}, ""},
		"disabled against the image":                {map[string]string{image: target, preset: "disable *"}, manifest.Systemd{}, "disabled"},
		"enabled at the first start":                {map[string]string{"usr/etc/systemd/system/x": "", link: target, preset: "enable u.service"}, manifest.Systemd{}, ""},
		"disabled in the image, against its preset": {map[string]string{"usr/etc/systemd/system/x": "", preset: "enable u.service"}, manifest.Systemd{}, ""},
		"disabled, where a program has a /usr/etc":  {map[string]string{"usr/etc/npmrc": "", preset: "enable u.service"}, manifest.Systemd{}, "disabled"},
		"disabled against a package of Debian's":    {map[string]string{debian + "u.service.dsh-also": link}, manifest.Systemd{}, "disabled"},
		"enabled by a package of Debian's":          {map[string]string{debian + "u.service.dsh-also": link, link: target}, manifest.Systemd{}, ""},
		"enabled by none of Debian's packages":      {map[string]string{debian + "x.service.dsh-also": "", link: target}, manifest.Systemd{}, "enabled"},
		"disabled, as by Debian's packages":         {map[string]string{debian + "x.service.dsh-also": ""}, manifest.Systemd{}, ""},
		"disabled, as Debian follows no presets":    {map[string]string{debian + "x.service.dsh-also": "", preset: "enable u.service"}, manifest.Systemd{}, ""},
		"enabled by preset, with systemd on Debian": {map[string]string{debian + "x.service.dsh-also": "", preset: "enable u.service", link: target}, manifest.Systemd{}, ""},
		"enabled by the manifest":                   {map[string]string{link: target, preset: "disable *"}, manifest.Systemd{Enable: []string{"u.service"}}, ""},
		"masked by the manifest":                    {map[string]string{"etc/systemd/system/u.service": "-> /dev/null"}, manifest.Systemd{Mask: []string{"u.service"}}, ""},
		"masked":                                    {map[string]string{"etc/systemd/system/u.service": "-> /dev/null"}, manifest.Systemd{}, "masked"},
		"masked by an empty file":                   {map[string]string{"etc/systemd/system/u.service": ""}, manifest.Systemd{}, "masked"},
		"masked until the next start":               {map[string]string{"run/systemd/system/u.service": "-> /dev/null", link: target}, manifest.Systemd{}, ""},
		"enabled until the next start":              {map[string]string{"run/systemd/system/multi-user.target.wants/u.service": target, preset: "disable *"}, manifest.Systemd{}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			makeTree(t, root, map[string]string{unit: installable})
			makeTree(t, root, tt.files)
			d := testDomain(t, root, tt.config)
			var want []service
			if tt.want != "" {
				want = []service{{Scope: manifest.ScopeSystem, Unit: "u.service", State: tt.want}}
			}
			if diff := cmp.Diff(want, observe(t, d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDebianHelper reads the files that deb-systemd-helper 1.65 writes for "enable" of a
// unit with an alias and of a template with a default instance.
func TestDebianHelper(t *testing.T) {
	const helper = "var/lib/systemd/deb-systemd-helper-enabled/"
	root := t.TempDir()
	makeTree(t, root, map[string]string{
		helper + "demo.service.dsh-also":                          "/etc/systemd/system/other.service\n/etc/systemd/system/multi-user.target.wants/demo.service\n",
		helper + "inst@.service.dsh-also":                         "/etc/systemd/system/getty.target.wants/inst@tty1.service\n",
		helper + "other.service":                                  "",
		helper + "multi-user.target.wants/demo.service":           "",
		helper + "getty.target.wants/inst@tty1.service":           "",
		"usr/lib/systemd/system/demo.service":                     installable,
		"usr/lib/systemd/system/inst@.service":                    plain + "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n",
		"etc/systemd/system/getty.target.wants/inst@tty1.service": "-> /usr/lib/systemd/system/inst@.service",
	})
	want := []service{{Scope: manifest.ScopeSystem, Unit: "demo.service", State: "disabled"}}
	if diff := cmp.Diff(want, observe(t, testDomain(t, root, manifest.Systemd{}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestInstances checks that the default instance of a template is enabled with it, and that
// other instances count as set by a user.
func TestInstances(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, allKinds)
	makeTree(t, root, map[string]string{"etc/systemd/system/getty.target.wants/getty@tty7.service": "-> /usr/lib/systemd/system/getty@.service"})
	for _, s := range observe(t, testDomain(t, root, manifest.Systemd{})) {
		if strings.Contains(s.Unit, "@") && s.Unit != "getty@tty7.service" {
			t.Errorf("%+v", s)
		}
	}
}

func testDomain(t *testing.T, root string, config manifest.Systemd) Domain {
	home := t.TempDir()
	return Domain{
		Root:  root,
		User:  UserFolders{Config: home + "/config", Data: home + "/data", Runtime: home + "/run"},
		Image: func() (manifest.Systemd, error) { return config, nil },
	}
}

func observe(t *testing.T, d Domain, known ...service) []service {
	t.Helper()
	o, err := d.Observe(context.Background(), nil, known)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(o.Items, func(s service) bool { return o.IsDefault(s) || s.Scope != manifest.ScopeSystem })
}

func TestPlan(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, map[string]string{
		"usr/lib/systemd/system/a.service":            installable,
		"usr/lib/systemd/system/b.service":            installable,
		"usr/lib/systemd/system/c.service":            installable,
		"etc/systemd/system/b.service":                "-> /dev/null",
		"usr/lib/systemd/system-preset/0.preset":      "disable *",
		"etc/systemd/system/x.target.wants/c.service": "-> /usr/lib/systemd/system/c.service",
	})
	d := testDomain(t, root, manifest.Systemd{})
	makeTree(t, d.User.Config, map[string]string{"systemd/user/u.service": installable, "systemd/user/v.service": installable})
	of := func(scope manifest.Scope, unit string, state manifest.UnitState) *service {
		return &service{Scope: scope, Unit: unit, State: state}
	}
	system := func(unit string, state manifest.UnitState) *service { return of(manifest.ScopeSystem, unit, state) }
	user := func(unit string, state manifest.UnitState) *service { return of(manifest.ScopeUser, unit, state) }
	diffs := []reconcile.Diff[service]{
		{Want: system("a.service", "enabled")},
		{Have: system("b.service", "masked"), Want: system("b.service", "enabled")},
		{Have: system("c.service", "enabled")},
		{Want: system("gone.service", "enabled")},
		{Want: user("u.service", "enabled")},
		{Want: user("v.service", "masked")},
	}
	var known []service
	for _, diff := range diffs {
		if diff.Want != nil {
			known = append(known, *diff.Want)
		}
	}
	s := snapshot{d, map[string]seen{}}
	s.readScopes(manifest.Systemd{}, known, &reconcile.Snapshot[service]{})
	s.Root, s.Running = "", true
	want := []string{
		"system/gone.service: cannot be done: the unit does not exist here",
		"system/b.service: systemctl unmask -- b.service",
		"system/a.service system/b.service: systemctl enable -- a.service b.service",
		"system/c.service: systemctl disable -- c.service",
		"user/u.service: systemctl --user enable --now --no-block -- u.service",
		"user/v.service: systemctl --user mask -- v.service",
	}
	p := s.plan(diffs)
	if diff := cmp.Diff(want, described(p)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p[2].Hint == "" || p[2].Fallback != nil {
		t.Error("without root, there is no hint, or one call for each unit")
	}
	s.Admin, s.Running = true, false
	p = s.plan(diffs)
	if diff := cmp.Diff([]string{
		"system/a.service: systemctl enable -- a.service",
		"system/b.service: systemctl enable -- b.service",
	}, described(p[2].Fallback)); diff != "" {
		t.Errorf("tried again (-want +got):\n%s", diff)
	}
	if got, want := p[4].Steps[0].String(), "SYSTEMD_OFFLINE=1 systemctl --user enable -- u.service"; got != want {
		t.Errorf("without a manager: %s", got)
	}
}

func described(p []plan.Change) []string {
	var all []string
	for _, c := range p {
		for _, s := range c.Steps {
			all = append(all, strings.Join(c.Targets, " ")+": "+s.String())
		}
	}
	return all
}

// TestUnreadableScopes checks that one scope does not hide the other, and that
// both together are unavailable.
func TestUnreadableScopes(t *testing.T) {
	root := t.TempDir()
	makeTree(t, root, map[string]string{"etc/systemd/system": "no folder"})
	d := testDomain(t, root, manifest.Systemd{})
	o, err := d.Observe(t.Context(), nil, nil)
	if err != nil || len(o.Unread) != 1 || o.Unread[0].What != "units of the system" || !o.Hidden(service{Scope: manifest.ScopeSystem}) || o.Hidden(service{Scope: manifest.ScopeUser}) {
		t.Errorf("%v, %+v", err, o)
	}
	makeTree(t, d.User.Config, map[string]string{"systemd/user": "no folder"})
	if _, err := d.Observe(t.Context(), nil, nil); err == nil || len(hint.Split(err)) == 0 {
		t.Errorf("%v", err)
	}
}

// TestWithoutSystemctl checks that units without systemctl are absent only if nobody has
// enabled, disabled or masked any.
func TestWithoutSystemctl(t *testing.T) {
	root := t.TempDir()
	d := testDomain(t, root, manifest.Systemd{})
	d.Missing = true
	absent := func() bool {
		_, err := d.Observe(t.Context(), nil, nil)
		u, ok := errors.AsType[*reconcile.Unavailable](err)
		return ok && u.Absent
	}
	if !absent() {
		t.Error("without units, they are not absent")
	}
	makeTree(t, root, map[string]string{"etc/systemd/system/a.service": "-> /dev/null"})
	if absent() {
		t.Error("with units of the system, they are absent")
	}
	d.Root = t.TempDir()
	makeTree(t, d.User.Config, map[string]string{"systemd/user/default.target.wants/a.service": "-> ../a.service"})
	if absent() {
		t.Error("with units of the user, they are absent")
	}
}

// TestUnreadableFiles checks that a unit with an unreadable file does not count as static,
// and an unreadable link not as a file.
func TestUnreadableFiles(t *testing.T) {
	root, err := os.MkdirTemp("", "bkt-test-") // others get there, as they do not into t.TempDir
	if err := errors.Join(err, os.Chmod(root, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	makeTree(t, root, map[string]string{
		"usr/lib/systemd/system/a.service":                           installable,
		"usr/lib/systemd/system/b.service":                           installable,
		"usr/lib/systemd/system/secret.service":                      installable,
		"usr/lib/systemd/system/enabled.service":                     installable,
		"usr/lib/systemd/system/empty.service":                       "",
		"usr/lib/systemd/system-preset/99.preset":                    "disable *\n",
		"etc/systemd/system/multi-user.target.wants/a.service":       "-> /usr/lib/systemd/system/a.service",
		"etc/systemd/system/multi-user.target.wants/enabled.service": "-> /usr/lib/systemd/system/enabled.service",
		"etc/systemd/system/b.service":                               "-> /dev/null",
	})
	for _, name := range []string{"secret", "enabled", "empty"} {
		if err := os.Chmod(root+"/usr/lib/systemd/system/"+name+".service", 0); err != nil {
			t.Fatal(err)
		}
	}
	known := []service{
		{Scope: manifest.ScopeSystem, Unit: "a.service", State: manifest.UnitEnabled},
		{Scope: manifest.ScopeSystem, Unit: "b.service", State: manifest.UnitMasked},
		{Scope: manifest.ScopeSystem, Unit: "secret.service", State: manifest.UnitEnabled},
		{Scope: manifest.ScopeSystem, Unit: "enabled.service", State: manifest.UnitEnabled},
		{Scope: manifest.ScopeSystem, Unit: "empty.service", State: manifest.UnitMasked},
	}
	d := testDomain(t, root, manifest.Systemd{})
	d.User.Config, d.User.Data, d.User.Runtime = root+"/config", root+"/data", root+"/run"
	asOther(t, func() {
		o, err := d.Observe(t.Context(), nil, known)
		if err != nil {
			t.Fatal(err)
		}
		var hidden []string
		for _, k := range known {
			if o.Hidden(k) {
				hidden = append(hidden, k.Unit)
			}
		}
		if diff := cmp.Diff([]string{"secret.service"}, hidden); diff != "" {
			t.Errorf("left alone (-want +got):\n%s", diff)
		}
		if len(o.Unread) != 1 || o.Unread[0].What != "system/secret.service" || !strings.Contains(o.Unread[0].Err.Error(), "secret.service: permission denied") {
			t.Errorf("unread %v", o.Unread)
		}
		if diff := cmp.Diff([]service{known[0], known[1], known[4], known[3]}, slices.DeleteFunc(o.Items, o.Hidden)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	if err := os.Chmod(root+"/etc/systemd/system", 0o744); err != nil {
		t.Fatal(err)
	}
	asOther(t, func() {
		o, err := d.Observe(t.Context(), nil, known)
		if err != nil || !o.Hidden(known[0]) || len(o.Unread) != 1 || !strings.Contains(o.Unread[0].Err.Error(), "permission denied") {
			t.Errorf("links that cannot be read: %v, %v", err, o.Unread)
		}
	})
}

// asOther runs a function in which files are read with the rights of another user
// than root.
func asOther(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(1234); err != nil {
		t.Fatal(err)
	}
	defer unix.Setfsuid(0)
	f()
}

// BenchmarkObserve should take a few milliseconds: it is part of every apply.
func BenchmarkObserve(b *testing.B) {
	root := b.TempDir()
	for _, dir := range []string{"/usr/lib/systemd/system", "/usr/lib/systemd/system-preset"} {
		if err := os.MkdirAll(root+dir, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 500 {
		path := filepath.Join(root, "usr/lib/systemd/system", strings.Repeat("u", 1+i%50)+string(rune('a'+i/50))+".service")
		if err := os.WriteFile(path, []byte(installable), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	d := Domain{Root: root, Image: func() (manifest.Systemd, error) { return manifest.Systemd{}, nil }}
	for b.Loop() {
		if _, err := d.Observe(context.Background(), nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOwnUnitsAreNotCaptured(t *testing.T) {
	d := testDomain(t, t.TempDir(), manifest.Systemd{})
	makeTree(t, d.User.Config, map[string]string{
		"systemd/user/bkt-capture@.timer":                         installable,
		"systemd/user/timers.target.wants/bkt-capture@home.timer": "-> ../bkt-capture@.timer",
		"systemd/user/mine.timer":                                 installable,
		"systemd/user/timers.target.wants/mine.timer":             "-> ../mine.timer",
	})
	o, err := d.Observe(t.Context(), nil, nil)
	if diff := cmp.Diff([]service{{Scope: manifest.ScopeUser, Unit: "mine.timer", State: "enabled"}}, o.Items); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestUnitFiles checks that a capture names the files of enabled units that are only on
// this computer: those that a user or an administrator wrote, not those of programs, of the
// image, and of disabled units.
func TestUnitFiles(t *testing.T) {
	root := t.TempDir()
	d := testDomain(t, root, manifest.Systemd{})
	makeTree(t, root, map[string]string{
		"usr/etc/systemd/system/image.service":                       installable,
		"usr/lib/systemd/system/program.service":                     installable,
		"etc/systemd/system/image.service":                           installable,
		"etc/systemd/system/admin.service":                           installable,
		"etc/systemd/system/multi-user.target.wants/image.service":   "-> ../image.service",
		"etc/systemd/system/multi-user.target.wants/admin.service":   "-> ../admin.service",
		"etc/systemd/system/multi-user.target.wants/program.service": "-> /usr/lib/systemd/system/program.service",
	})
	makeTree(t, d.User.Config, map[string]string{
		"systemd/user/mine.timer":                     installable,
		"systemd/user/off.timer":                      installable,
		"systemd/user/timers.target.wants/mine.timer": "-> ../mine.timer",
	})
	o, err := d.Observe(t.Context(), nil, nil)
	var got []string
	for _, left := range o.LeftOut {
		got = append(got, left.What)
	}
	want := []string{
		"system/admin.service: " + root + "/etc/systemd/system/admin.service",
		"user/mine.timer: " + d.User.Config + "/systemd/user/mine.timer",
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
