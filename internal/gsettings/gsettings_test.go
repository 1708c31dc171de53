package gsettings_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/gsettings"
	"bkt/internal/gvariant"
	"bkt/internal/gvdb/gvdbtest"
	"bkt/internal/hint"
	"bkt/internal/homepath"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// newHome returns the domain of a home in which nothing is set yet.
func newHome(t *testing.T) *gsettings.Domain {
	t.Helper()
	dir := t.TempDir()
	d := &gsettings.Domain{
		Home:       dir + "/home",
		ConfigHome: dir + "/home/.config",
		DataHome:   dir + "/home/.local/share",
		DataDirs:   []string{dir + "/share"},
		SharedDirs: []string{dir + "/share"},
		RuntimeDir: dir + "/run",
		RunDir:     dir + "/sys/run",
		EtcDir:     dir + "/sys/etc",
		UID:        1000,
		Bus:        "other:",
	}
	for name, value := range map[string]string{
		"HOME": d.Home, "XDG_CONFIG_HOME": d.ConfigHome, "XDG_DATA_HOME": d.DataHome, "XDG_RUNTIME_DIR": d.RuntimeDir,
		"LC_ALL": "C.UTF-8", "DCONF_PROFILE": "", "XDG_CURRENT_DESKTOP": "", "GSETTINGS_SCHEMA_DIR": "",
	} {
		t.Setenv(name, value)
	}
	os.Unsetenv("DCONF_PROFILE")
	for _, dir := range []string{d.RuntimeDir, d.DataHome} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// withBus starts a bus, which has the environment that newHome has set.
func withBus(t *testing.T, d *gsettings.Domain) {
	t.Helper()
	testkit.Need(t, "dbus-daemon", "dconf", "gsettings", "gdbus", "glib-compile-schemas")
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it ends with the signal
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	d.Bus = strings.TrimSpace(address)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", d.Bus)
}

// put writes a file.
func put(t *testing.T, path string, text []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// set has the real dconf write a database with these keys and locks to path.
func set(t *testing.T, path string, keys map[string]string, locks ...string) {
	t.Helper()
	testkit.Need(t, "dconf")
	var text strings.Builder
	for key, value := range keys {
		i := strings.LastIndexByte(key, '/') + 1
		group := strings.Trim(key[:i], "/")
		if group == "" {
			group = "/"
		}
		fmt.Fprintf(&text, "[%s]\n%s=%s\n", group, key[i:], value)
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "keys"), []byte(text.String()))
	put(t, filepath.Join(dir, "locks/all"), []byte(strings.Join(locks, "\n")))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	run(t, "", "dconf", "compile", path, dir)
}

// session installs a desktop session.
func session(t *testing.T, d *gsettings.Domain, path, text string) {
	t.Helper()
	put(t, filepath.Join(d.SharedDirs[0], path), []byte("[Desktop Entry]\nType=Application\n"+text+"\n"))
}

func parse(t testing.TB, text string) gvariant.Value {
	t.Helper()
	v, err := gvariant.Parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func user(d *gsettings.Domain) string { return filepath.Join(d.ConfigHome, "dconf", "user") }

// observe returns the observed values by key.
func observe(t *testing.T, d *gsettings.Domain, known ...manifest.Setting) map[string]string {
	t.Helper()
	o, err := d.Observe(t.Context(), system{}, known)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, s := range o.Items {
		if _, twice := all[s.Key()]; twice {
			t.Errorf("%s is observed twice", s.Key())
		}
		if err := manifest.Check(s); err != nil {
			t.Errorf("%s: %v", s.Key(), err)
		}
		all[s.Key()] = s.Value
	}
	return all
}

// system has no commands: all facts are read from files.
type system struct{}

func (system) Output(_ context.Context, r plan.Run) ([]byte, error) {
	return nil, errors.New("no command may be run: " + r.String())
}

// apply applies the wanted settings, and returns the errors by key.
func apply(t *testing.T, d *gsettings.Domain, want []manifest.Setting, gone ...manifest.Setting) map[string]string {
	t.Helper()
	failed := map[string]string{}
	err := host.Executor{}.Execute(t.Context(), planned(t, d, diffs(want, gone)), func(c plan.Change, err error) {
		for _, target := range c.Targets {
			if err != nil {
				failed[target] = err.Error()
			}
		}
	})
	if (err != nil) != (len(failed) > 0) {
		t.Errorf("error %v, and of the keys %v", err, failed)
	}
	return failed
}

// planned observes the items of diffs, and plans.
func planned(t *testing.T, d *gsettings.Domain, diffs []reconcile.Diff[manifest.Setting]) []plan.Change {
	t.Helper()
	var declared []manifest.Setting
	for _, diff := range diffs {
		for _, item := range []*manifest.Setting{diff.Want, diff.Have} {
			if item != nil {
				declared = append(declared, *item)
			}
		}
	}
	o, err := d.Observe(t.Context(), system{}, declared)
	if err != nil {
		t.Fatal(err)
	}
	return o.Plan(diffs)
}

func diffs(want, gone []manifest.Setting) []reconcile.Diff[manifest.Setting] {
	var all []reconcile.Diff[manifest.Setting]
	for _, w := range want {
		all = append(all, reconcile.Diff[manifest.Setting]{Want: &w})
	}
	for _, g := range gone {
		all = append(all, reconcile.Diff[manifest.Setting]{Have: &g})
	}
	return all
}

func want(t *testing.T, got, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func run(t *testing.T, stdin string, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	return string(out)
}

const testSchemas = `<schemalist gettext-domain="test">
  <enum id="org.test.Colour"><value nick="red" value="1"/><value nick="blue" value="2"/></enum>
  <flags id="org.test.Flags"><value nick="one" value="1"/><value nick="two" value="2"/></flags>
  <schema id="org.test.base" path="/org/test/base/">
    <key name="colour" enum="org.test.Colour"><default>'red'</default></key>
    <key name="flags" flags="org.test.Flags"><default>['one']</default></key>
    <key name="choice" type="s"><choices><choice value="aa"/><choice value="bb"/></choices><aliases><alias value="cc" target="aa"/></aliases><default>'aa'</default></key>
    <key name="number" type="u"><range min="2" max="20"/><default>5</default></key>
    <key name="negative" type="i"><range min="-7" max="20"/><default>5</default></key>
    <key name="double" type="d"><range min="0.5" max="3.0"/><default>1.0</default></key>
    <key name="perhaps" type="ms"><default>nothing</default></key>
    <key name="deep" type="a{sv}"><default>{}</default></key>
    <key name="text" type="s"><default>'t'</default></key>
    <key name="format" type="s"><default l10n="time">'24h'</default></key>
    <key name="word" type="s"><default>'schema'</default></key>
  </schema>
  <schema id="org.test.shape"><key name="colour" enum="org.test.Colour"><default>'red'</default></key><key name="text" type="s"><default>'plain'</default></key></schema>
  <schema id="org.test.extended" path="/org/test/extended/" extends="org.test.shape">
    <key name="more" type="b"><default>false</default></key>
  </schema>
  <schema id="org.test.item"><key name="name" type="s"><default>''</default></key><key name="count" type="u"><default>0</default></key></schema>
  <schema id="org.test.odd" path="/elsewhere/"><key name="here" type="b"><default>false</default></key></schema>
  <schema id="org.test.odd.b" path="/shared/"><key name="one" type="b"><default>false</default></key></schema>
  <schema id="org.test.odd.a" path="/shared/"><key name="one" type="b"><default>false</default></key><key name="two" type="b"><default>false</default></key></schema>
  <schema id="org.gnome.desktop.interface" path="/org/gnome/desktop/interface/"><key name="font" type="s"><default>''</default></key></schema>
</schemalist>
`

// compile installs the schemas of the test, with an override of a vendor.
func compile(t *testing.T, d *gsettings.Domain) {
	t.Helper()
	testkit.Need(t, "glib-compile-schemas")
	dir := filepath.Join(filepath.Dir(d.Home), "schemas")
	put(t, filepath.Join(dir, "org.test.gschema.xml"), []byte(testSchemas))
	put(t, filepath.Join(dir, "10_vendor.gschema.override"), []byte("[org.test.base]\ntext='vendor'\n\n[org.test.base:Test]\nword='desktop'\n"))
	run(t, "", "glib-compile-schemas", "--strict", dir)
	d.SchemaDirs = []string{dir}
	t.Setenv("GSETTINGS_SCHEMA_DIR", dir)
}

func setting(schema, name, value string) manifest.Setting {
	return manifest.Setting{Schema: schema, Name: name, Value: value}
}

func at(path, name, value string) manifest.Setting {
	return manifest.Setting{Path: path, Name: name, Value: value}
}

func TestObserveLeavesOutWhatHoldsAnyway(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	session(t, d, "xsessions/test.desktop", "DesktopNames=Other;Test;")
	set(t, filepath.Join(d.EtcDir, "dconf/db/site"), map[string]string{"/org/test/base/number": "uint32 7", "/x/y": "'site'", "/x/z": "'site'"})
	put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("# first\nuser-db:user # mine\n\nsystem-db:site\nsystem-db:absent\n"))
	set(t, user(d), map[string]string{
		"/org/test/base/colour":   "'red'",     // default
		"/org/test/base/text":     "'vendor'",  // of the override
		"/org/test/base/word":     "'desktop'", // of this desktop
		"/org/test/base/number":   "uint32 7",  // of the system
		"/org/test/base/format":   "'24h'",     // which may be another one in this language
		"/org/test/base/double":   "1.1",
		"/org/test/base/choice":   "'zz'",   // not allowed: as good as not set
		"/org/test/base/negative": "'five'", // of the wrong type
		"/org/test/base/flags":    "@as []",
		"/org/test/extended/text": "'plain'",
		"/org/test/extended/more": "true",
		"/org/test/items/a/count": "uint32 0", // which the schema tells by the name of the folder
		"/org/test/items/a/name":  "'A'",
		"/elsewhere/here":         "true",
		"/shared/one":             "true",
		"/x/y":                    "'site'",
		"/x/z":                    "'mine'",
		"/top":                    "1",
	})
	want(t, observe(t, d), map[string]string{
		"org.test.base format": "'24h'", "org.test.base double": "1.1", "org.test.base flags": "@as []",
		"org.test.extended more":                "true",
		"org.test.item:/org/test/items/a/ name": "'A'",
		"org.test.odd here":                     "true",
		"org.test.odd.a one":                    "true",
		"/x/ z":                                 "'mine'",
		"/ top":                                 "1",
	})
}

func TestObserveKeepsTheWordsOfWhatIsKnown(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	set(t, user(d), map[string]string{
		"/org/test/base/colour": "'red'", "/org/test/base/double": "2.0", "/org/test/base/number": "uint32 9",
		"/a/item/name": "'it'", "/elsewhere/here": "true", "/org/gone/key": "5", "/org/test/base/deep": "{'a': <1>, 'b': <2>}",
	})
	known := []manifest.Setting{
		setting("org.test.base", "colour", `"red"`),                                                         // a default that is declared
		{Schema: "org.test.base", Name: "double", Value: "2", Comment: "twice", Hosts: manifest.Hosts{"h"}}, // another spelling
		setting("org.test.base", "number", "8"),
		{Schema: "org.test.item", Path: "/a/item/", Name: "name", Value: "'it'"},
		at("/elsewhere/", "here", "true"), // which the schema knows under another name
		setting("org.gone", "key", "5"),
		setting("org.test.base", "deep", "{'b': <2>, 'a': <1>}"),
		setting("org.test.base", "text", "'not set'"),
	}
	want(t, observe(t, d, known...), map[string]string{
		"org.test.base colour": `"red"`, "org.test.base double": "2", "org.test.base number": "uint32 9",
		"org.test.item:/a/item/ name": "'it'", "/elsewhere/ here": "true", "org.gone key": "5",
		"org.test.base deep": "{'b': <2>, 'a': <1>}",
	})
	o, err := d.Observe(t.Context(), system{}, known)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(o.Items, func(s manifest.Setting) bool { return s.Name == "double" })
	if diff := cmp.Diff(known[1], o.Items[i]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValuesAreThoseThatHold(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("user-db:user\nsystem-db:site\n"))
	set(t, filepath.Join(d.EtcDir, "dconf/db/site"), map[string]string{"/org/test/base/number": "uint32 7", "/org/test/base/word": "'site'"}, "/org/test/base/word")
	set(t, user(d), map[string]string{
		"/org/test/base/number": "uint32 8", "/org/test/base/word": "'mine'", // which is locked
		"/org/test/base/text":     "5", // of the wrong type
		"/org/test/base/negative": "-8",
	})
	now, below, err := d.Values("org.test.base")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, name := range []string{"number", "word", "text", "negative", "colour"} {
		got[name] = fmt.Sprint(now[name], " ", below[name])
	}
	want(t, got, map[string]string{
		"number": "uint32 8 uint32 7", "word": "'site' 'site'", "text": "'vendor' 'vendor'", "negative": "5 5", "colour": "'red' 'red'",
	})
	if _, _, err := d.Values("org.test.gone"); err == nil {
		t.Error("a schema that is not installed has values")
	}
}

func TestObserveLeavesOutStates(t *testing.T) {
	d := newHome(t)
	keys := map[string]string{
		"/org/a/window-size": "(1, 2)", "/org/a/last-folder": "'x'", "/org/a/maximized": "true", "/org/a/migrated-x": "true",
		"/org/a/window-gap": "8", "/org/a/restore-window-size": "false", "/org/a/save-history": "false", "/org/a/first-run": "false",
		"/org/gnome/shell/extensions/a/window-size": "240", "/org/gnome/shell/extensions/gsconnect/id": "'x'",
		"/org/a/password": "'x'", "/org/gnome/desktop/remote/password": "'x'", "/org/gnome/desktop/lockdown/disable-show-password": "true",
		"/org/a/access-token": "'x'", "/org/a/weather-api-key": "b'x'", "/system/proxy/http/authentication-user": "'x'",
		"/system/proxy/http/authentication-password":                    "'x'",
		"/org/gnome/desktop/privacy/recent-files-max-age":               "5",
		"/org/gnome/shell/enabled-extensions":                           "['a']",
		"/org/gnome/shell/disable-user-extensions":                      "true",
		"/org/gnome/desktop/peripherals/tablets/056a:1/output":          "['x', 'y', 'z']",
		"/org/gnome/desktop/peripherals/tablets/056a:1/left-handed":     "true",
		"/org/gnome/desktop/peripherals/mouse/speed":                    "0.5",
		"/org/gnome/desktop/notifications/application-children":         "['a', 'b']",
		"/org/gnome/desktop/notifications/application/a/application-id": "'a.desktop'",
		"/org/gnome/desktop/notifications/application/b/application-id": "'b.desktop'",
		"/org/gnome/desktop/notifications/application/b/enable":         "false",
	}
	set(t, user(d), keys)
	want(t, observe(t, d), map[string]string{
		"/org/a/ migrated-x": "true", "/org/a/ window-gap": "8", "/org/a/ restore-window-size": "false", "/org/a/ save-history": "false",
		"/org/gnome/shell/extensions/a/ window-size":                 "240",
		"/org/gnome/desktop/peripherals/tablets/056a:1/ left-handed": "true",
		"/org/gnome/desktop/notifications/application/b/ enable":     "false",
		// The shell stores these for all programs. They are captured for the one with a wish.
		"/org/gnome/desktop/notifications/ application-children":         "['b']",
		"/org/gnome/desktop/notifications/application/b/ application-id": "'b.desktop'",
		"/org/gnome/desktop/privacy/ recent-files-max-age":               "5",
		"/org/gnome/desktop/lockdown/ disable-show-password":             "true",
		"/org/gnome/desktop/peripherals/mouse/ speed":                    "0.5",
		// Possible secrets are not state: capture asks about them.
		"/org/a/ password": "'x'", "/org/gnome/desktop/remote/ password": "'x'", "/org/a/ access-token": "'x'", "/org/a/ weather-api-key": "b'x'",
		"/system/proxy/http/ authentication-password": "'x'",
	})
	var known []manifest.Setting
	for key, text := range keys {
		i := strings.LastIndexByte(key, '/') + 1
		known = append(known, at(key[:i], key[i:], text))
	}
	if got := observe(t, d, known...); len(got) != len(keys) {
		t.Errorf("of %d that are declared, %d are observed", len(keys), len(got))
	}
}

func TestObserveNamesWhatItLeavesOut(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("user-db:user\nsystem-db:site\n"))
	set(t, filepath.Join(d.EtcDir, "dconf/db/site"), map[string]string{
		"/org/a/window-width": "800", "/org/test/base/number": "uint32 7", "/org/test/base/word": "'site'",
	}, "/org/test/base/number", "/org/test/base/word")
	set(t, user(d), map[string]string{
		"/org/a/window-width": "800", "/org/a/window-height": "600", "/org/gnome/epiphany/sync/sync-user": "'me'",
		"/org/test/base/number": "uint32 8", "/org/test/base/word": "'site'", "/org/test/base/choice": "'zz'",
		"/org/gnome/shell/enabled-extensions": "['a']", "/org/gnome/shell/command-history": "['ls']",
	})
	o, err := d.Observe(t.Context(), system{}, []manifest.Setting{at("/org/gnome/shell/", "command-history", "['ls']")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, l := range o.LeftOut {
		got[l.What] = l.Reason
	}
	want(t, got, map[string]string{
		"/org/a/ window-height":               "values that programs store", // the width is that of the system
		"/org/gnome/epiphany/sync/ sync-user": "private values",
		"org.test.base number":                "values that a lock of the system hides",
		"org.test.base choice":                "values that their schema does not allow",
	})
}

func TestHomeIsWrittenAsAVariable(t *testing.T) {
	d := newHome(t)
	h := d.Home
	tests := []struct{ live, text string }{
		{h, "'${HOME}'"}, {"file://" + h + "/a.png", "'file://${HOME}/a.png'"}, {"run " + h + "/x:" + h, "'run ${HOME}/x:${HOME}'"},
		{h + "2/a", ""}, {"/mnt" + h, ""}, {h + ".old", ""}, {"//" + h, ""}, {h + "/" + h, "'${HOME}/" + h + "'"}, {h + h, "'${HOME}" + h + "'"},
	}
	for _, tt := range tests {
		if tt.text == "" {
			tt.text = "'" + tt.live + "'"
		}
		set(t, user(d), map[string]string{"/a/b": "[<'" + tt.live + "'>]"})
		item := at("/a/", "b", "[<"+tt.text+">]")
		want(t, observe(t, d), map[string]string{item.Key(): item.Value})
		if !d.Same(item, at("/a/", "b", "[<'"+tt.live+"'>]")) {
			t.Errorf("%s is not the same as %s", item.Value, tt.live)
		}
		p := planned(t, d, diffs([]manifest.Setting{item}, nil))
		if input := string(p[0].Steps[0].(plan.Run).Stdin); input != "[a]\nb=[<'"+tt.live+"'>]\n\n" {
			t.Errorf("%s is set by %q", item.Value, input)
		}
	}
}

func TestHomeThatIsText(t *testing.T) {
	d := newHome(t)
	const live = `'sh -c "cd ${HOME}/x; ${$HOME}"'`
	set(t, user(d), map[string]string{"/a/b": live})
	item := at("/a/", "b", `'sh -c "cd ${$HOME}/x; ${$$HOME}"'`)
	want(t, observe(t, d), map[string]string{item.Key(): item.Value})
	p := planned(t, d, diffs([]manifest.Setting{item}, nil))
	if input := string(p[0].Steps[0].(plan.Run).Stdin); input != "[a]\nb="+live+"\n\n" {
		t.Errorf("it is set by %q", input)
	}
	// An earlier bkt has captured the text as it is, which means the home.
	want(t, observe(t, d, at("/a/", "b", live)), map[string]string{item.Key(): item.Value})
}

// TestHomeHasOtherNames has a home that a link leads to. A declaration by the other name
// keeps its words.
func TestHomeHasOtherNames(t *testing.T) {
	d := newHome(t)
	other := filepath.Join(filepath.Dir(d.Home), "other")
	if err := os.Symlink("home", other); err != nil {
		t.Fatal(err)
	}
	set(t, user(d), map[string]string{"/a/b": "'file://" + other + "/w.jpg'", "/a/c": "['" + d.Home + "/x', '" + other + "']"})
	want(t, observe(t, d), map[string]string{"/a/ b": "'file://${HOME}/w.jpg'", "/a/ c": "['${HOME}/x', '${HOME}']"})
	for _, text := range []string{"'file://" + other + "/w.jpg'", "'file://" + d.Home + "/w.jpg'"} {
		want(t, observe(t, d, at("/a/", "b", text)), map[string]string{"/a/ b": text, "/a/ c": "['${HOME}/x', '${HOME}']"})
	}
}

func TestObserveIsUnavailable(t *testing.T) {
	whole := gvdbtest.File(gvdbtest.Table{Values: map[string]gvariant.Value{"/a/b": gvariant.NewString("x")}})
	tests := []struct {
		name  string
		spoil func(*testing.T, *gsettings.Domain)
		err   string
	}{
		{"empty database", func(t *testing.T, d *gsettings.Domain) { put(t, user(d), nil) }, "is not a GVDB file"},
		{"cut database", func(t *testing.T, d *gsettings.Domain) { put(t, user(d), whole[:len(whole)-3]) }, "is broken"},
		{"damaged value", func(t *testing.T, d *gsettings.Domain) {
			put(t, user(d), []byte(strings.Replace(string(whole), "x\x00\x00s", "x\x00\x00!", 1)))
		}, "serialised"},
		{"folder in its place", func(t *testing.T, d *gsettings.Domain) { put(t, user(d)+"/x", nil) }, "is a directory"},
		{"no dconf", func(_ *testing.T, d *gsettings.Domain) { d.Missing = true }, "dconf is not installed"},
		{"profile that is not there", func(_ *testing.T, d *gsettings.Domain) { d.Profile = "none" }, "profile of dconf"},
		{"profile without a user", func(t *testing.T, d *gsettings.Domain) {
			put(t, filepath.Join(d.RuntimeDir, "dconf/profile"), []byte("system-db:site\n"))
		}, "not a user-db"},
		{"settings kept by a service", func(t *testing.T, d *gsettings.Domain) {
			put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("service-db:keyfile/user\n"))
		}, "not a user-db"},
		{"broken database of the system", func(t *testing.T, d *gsettings.Domain) {
			put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("user-db:user\nsystem-db:site\n"))
			put(t, filepath.Join(d.EtcDir, "dconf/db/site"), []byte("x"))
		}, "is not a GVDB file"},
		{"a locked key whose value is damaged", func(t *testing.T, d *gsettings.Domain) {
			put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("user-db:user\nsystem-db:site\n"))
			site := filepath.Join(d.EtcDir, "dconf/db/site")
			set(t, site, map[string]string{"/a/locked": "'x'"}, "/a/locked")
			text, err := os.ReadFile(site)
			if err != nil {
				t.Fatal(err)
			}
			put(t, site, []byte(strings.Replace(string(text), "x\x00\x00s", "x\x00\x00!", 1)))
		}, "serialised"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newHome(t)
			tt.spoil(t, d)
			_, err := d.Observe(t.Context(), system{}, []manifest.Setting{at("/a/", "locked", "'x'")})
			_, unavailable := errors.AsType[*reconcile.Unavailable](err)
			if !unavailable || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestSchemasThatCannotBeRead has an extension with damaged schemas: its settings do not
// seem to be removed, and have no other name. Other settings do not change.
func TestSchemasThatCannotBeRead(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	set(t, user(d), map[string]string{"/org/test/base/double": "2.0", "/its/own/path/key": "'set'"})
	broken := filepath.Join(d.DataHome, "gnome-shell/extensions/a@b/schemas/gschemas.compiled")
	put(t, broken, []byte("no schemas"))
	put(t, filepath.Join(d.DataHome, "gnome-shell/extensions/without@schemas/metadata.json"), nil)
	declared, other := setting("org.gnome.shell.extensions.a", "key", "'set'"), setting("org.test.base", "double", "2.0")
	o, err := d.Observe(t.Context(), system{}, []manifest.Setting{declared, other})
	if err != nil {
		t.Fatal(err)
	}
	if !o.Hidden(declared) || !o.Hidden(at("/its/own/path/", "key", "'set'")) || o.Hidden(other) {
		t.Errorf("hidden: %v, %v, %v", o.Hidden(declared), o.Hidden(at("/its/own/path/", "key", "'set'")), o.Hidden(other))
	}
	if len(o.Unread) != 1 || o.Unread[0].What != broken {
		t.Errorf("not read: %q", o.Unread)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	if o, err = d.Observe(t.Context(), system{}, []manifest.Setting{declared, other}); err != nil || o.Hidden(declared) || len(o.Unread) != 0 {
		t.Errorf("without schemas: %v, %q", err, o.Unread)
	}
}

func TestNothingIsSetWithoutADatabase(t *testing.T) {
	want(t, observe(t, newHome(t)), map[string]string{})
}

// TestProfilesCountAsForDconf has another database of the user for each possible place of a
// profile. The first one counts.
func TestProfilesCountAsForDconf(t *testing.T) {
	d := newHome(t)
	places := []struct {
		name  string
		write func(text string)
	}{
		{"built in", func(string) {}},
		{"data", func(text string) { put(t, filepath.Join(d.DataDirs[0], "dconf/profile/user"), []byte(text)) }},
		{"etc", func(text string) { put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte(text)) }},
		{"runtime", func(text string) { put(t, filepath.Join(d.RuntimeDir, "dconf/profile"), []byte(text)) }},
		{"named", func(text string) {
			put(t, filepath.Join(d.EtcDir, "dconf/profile/mine"), []byte(text))
			d.Profile = "mine"
		}},
		{"file", func(text string) {
			d.Profile = filepath.Join(d.Home, "profile")
			put(t, d.Profile, []byte(text))
		}},
		{"mandatory", func(text string) { put(t, filepath.Join(d.RunDir, "dconf/user/1000"), []byte(text)) }},
	}
	set(t, user(d), map[string]string{"/a/b": "0"})
	for i, place := range places {
		set(t, filepath.Join(d.ConfigHome, "dconf", fmt.Sprint("db", i)), map[string]string{"/a/b": fmt.Sprint(i)})
		place.write(fmt.Sprintf("user-db:db%d\n", i))
		want(t, observe(t, d), map[string]string{"/a/ b": fmt.Sprint(i)})
	}
}

func TestPlanRefusesWhatCannotBe(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("user-db:user\nsystem-db:site\n"))
	set(t, filepath.Join(d.EtcDir, "dconf/db/site"), map[string]string{"/x/y": "'site'"}, "/x/y", "/x/unset")
	tests := []struct {
		item      manifest.Setting
		err, hint string
	}{
		{setting("org.test.base", "colour", "'reed'"), "value 'reed': 'reed' is not one of 'red', 'blue' (did you mean 'red'?)", "gsettings range org.test.base colour"},
		{setting("org.test.base", "flags", "['one', 'three']"), "value ['one', 'three']: 'three' is not one of 'one', 'two'", ""},
		{setting("org.test.base", "choice", "'dd'"), "value 'dd': 'dd' is not one of ", ""},
		{setting("org.test.base", "number", "21"), "value 21: 21 is not from 2 to 20", ""},
		{setting("org.test.base", "number", "int32 5"), `value int32 5: this is not of type "u" (at character 6)`, ""},
		{setting("org.test.base", "negative", "-8"), "value -8: -8 is not from -7 to 20", ""},
		{setting("org.test.base", "double", "nan"), "value nan: nan is not from 0.5 to 3.0", ""},
		{setting("org.test.base", "text", "plain"), `value plain: "plain" is not a value; strings need quotes`, ""},
		{setting("org.test.base", "colours", "'red'"), `the schema org.test.base has no key "colours"`, `did you mean "colour"?`},
		{setting("org.test.item", "name", "'x'"), "the schema org.test.item has no path of its own", `add "path"`},
		{manifest.Setting{Schema: "org.test.base", Path: "/x/", Name: "text", Value: "'x'"}, "the schema org.test.base is at /org/test/base/, not at /x/", ""},
		{setting("org.gnome.desktop.interfaces", "font", "'x'"), "schema org.gnome.desktop.interfaces does not exist", `did you mean "org.gnome.desktop.interface"?`},
		{at("/org/test/base/", "number", "1"), "value 1: 1 is not from 2 to 20", ""},
		{at("/x/", "z", "[]"), "the text does not determine the type", "a string has quotes"},
		{at("/x/", "y", "'mine'"), "the system has locked this key: it is 'site'", "locks"},
		{at("/x/", "unset", "'mine'"), "the system has locked this key", "locks"},
		{setting("org.gnome.shell", "enabled-extensions", "['a']"), "the list of extensions is not a setting", "gnome-extensions.json"},
	}
	var all []manifest.Setting
	for _, tt := range tests {
		all = append(all, tt.item)
	}
	good := setting("org.test.base", "number", "20")
	p := planned(t, d, diffs(append(all, good), nil))
	if last := p[len(p)-1]; len(p) != len(tests)+1 || string(last.Steps[0].(plan.Run).Stdin) != "[org/test/base]\nnumber=uint32 20\n\n" {
		t.Fatalf("the plan is %v", p)
	}
	for i, tt := range tests {
		err := p[i].Steps[0].(plan.Fail).Reason
		if !strings.HasPrefix(err.Error(), tt.err) || p[i].Targets[0] != tt.item.Key() {
			t.Errorf("%v: %v", p[i].Targets, err)
		}
		if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, tt.hint) {
			t.Errorf("%v: hints %s", p[i].Targets, hints)
		}
	}
}

func TestPlanTakesOtherNamesOfChoices(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	p := planned(t, d, diffs([]manifest.Setting{setting("org.test.base", "choice", "'cc'"), setting("org.test.extended", "colour", "'blue'")}, nil))
	if _, ok := p[0].Steps[0].(plan.Run); len(p) != 1 || !ok {
		t.Errorf("the plan is %v", p)
	}
}

// TestPlanHasOneCommandForAllKeys checks that one command sets all keys.
func TestPlanHasOneCommandForAllKeys(t *testing.T) {
	d := newHome(t)
	var all []manifest.Setting
	for i := range 1000 {
		all = append(all, at(fmt.Sprintf("/org/example/a-folder-with-a-long-name/%d/", i), "a-key-with-a-long-name", "1"))
	}
	if p := planned(t, d, diffs(all, nil)); len(p) != 1 || len(p[0].Fallback) != 1000 {
		t.Errorf("%d changes set them", len(p))
	}
	p := planned(t, d, diffs(nil, all))
	if len(p) != 5 {
		t.Errorf("%d changes reset them", len(p))
	}
	for _, c := range p {
		for _, arg := range c.Steps[0].(plan.Run).Argv {
			if len(arg) > 128<<10 {
				t.Errorf("an argument has %d bytes", len(arg))
			}
		}
	}
}

func TestPlanFailsOnceWhereNoBusAnswers(t *testing.T) {
	d := newHome(t)
	d.Bus = "unix:path=" + d.Home + "/a%20bus,guid=1;unix:abstract=" + d.Home
	some, other := at("/a/", "b", "1"), at("/a/", "c", "1")
	p := planned(t, d, diffs([]manifest.Setting{some}, []manifest.Setting{other}))
	fail, ok := p[0].Steps[0].(plan.Fail)
	if !ok || len(p) != 1 || !strings.Contains(fail.Reason.Error(), "the session bus does not answer") {
		t.Fatalf("the plan is %v", p)
	}
	if diff := cmp.Diff([]string{some.Key(), other.Key()}, p[0].Targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
}

func TestMerge(t *testing.T) {
	tests := []struct{ base, ours, theirs, want string }{
		{"['a', 'b']", "['b', 'd']", "['a', 'b', 'c']", "['b', 'c', 'd']"},
		{"['a', 'b']", "['a', 'b', 'x']", "['b', 'a']", "['b', 'a', 'x']"},
		{"['a']", "@as []", "['a', 'b']", "['b']"},
		{"['a', 'b']", "['a']", "['b']", "@as []"},
		{"@as []", "['a']", "['a', 'b']", "['a', 'b']"},
		{"['a']", "['b']", "'a'", ""},
		{"1", "2", "3", ""},
	}
	d := newHome(t)
	for _, tt := range tests {
		got, ok := d.Merge(at("/a/", "b", tt.base), at("/a/", "b", tt.ours), at("/a/", "b", tt.theirs))
		if ok != (tt.want != "") || ok && got.Value != tt.want {
			t.Errorf("%v: %s, %v", tt, got.Value, ok)
		}
	}
}

func TestIdentityIsThatOfTheFolder(t *testing.T) {
	d := newHome(t)
	identity := func() string {
		o, err := d.Observe(t.Context(), system{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return o.Identity(manifest.Setting{})
	}
	set(t, user(d), map[string]string{"/a/b": "1"})
	first := identity()
	set(t, user(d)+".new", map[string]string{"/a/b": "2"})
	if err := os.Rename(user(d)+".new", user(d)); err != nil {
		t.Fatal(err)
	}
	if again := identity(); again != first || first == "" {
		t.Errorf("%q after a change, %q before", again, first)
	}
	if err := os.RemoveAll(filepath.Dir(user(d))); err != nil {
		t.Fatal(err)
	}
	set(t, user(d), map[string]string{"/a/b": "1"})
	if other := identity(); other == first {
		t.Errorf("a new database has the identity of the old one, %q", other)
	}
}

// odd are values of all kinds, by key.
var odd = map[string]string{
	"string": `"it's \"so\"\n\u200b"`, "unicode": "'ü 漢 🦀\u00a0'", "equals": "'a=b;c#d [x]'", "blanks": "'  x  '", "empty": "''",
	"double": "0.1", "small": "2.2250738585072014e-308", "large": fmt.Sprint(math.MaxFloat64), "inf": "-inf", "whole": "3.0",
	"maybe": "@ms nothing", "perhaps": "@mms just nothing", "bytes": `b'\001\377'`, "raw": "[byte 0x00, 0x01]",
	"tuple": "(1, 'a', [uint32 5])", "one": "(1,)", "pairs": "[('xkb', 'us'), ('xkb', 'de+neo')]", "dict": "{'a': <1>, 'b': <@as []>}",
	"variant": "<<uint64 18446744073709551615>>", "path": "objectpath '/a/b'", "signature": "signature 'a{sv}'", "handle": "handle 3",
	"int16": "int16 -5", "byte": "byte 0x07", "list": "@as []", "dicts": "@a{sv} {}", "long": "'" + strings.Repeat("x", 70000) + "'",
	"entry": "{'a', 1}", "unit": "()", "nested": "[[@as []], [['a'], ['b']]]",
}

// TestValuesSurviveDconf sets and resets values of all kinds with the real dconf.
func TestValuesSurviveDconf(t *testing.T) {
	d := newHome(t)
	withBus(t, d)
	var all []manifest.Setting
	values := map[string]string{}
	for name, text := range odd {
		s := at("/org/example/", name, text)
		all, values[s.Key()] = append(all, s), text
	}
	want(t, apply(t, d, all), map[string]string{})
	want(t, observe(t, d), values)
	ini := run(t, "", "dconf", "dump", "/org/example/")
	for line := range strings.Lines(ini) {
		name, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if v, err := gvariant.Parse("", text); ok && (err != nil || !v.Equal(parse(t, odd[name]))) {
			t.Errorf("dconf says of %s %s, and that is %v, %v", odd[name], text, v, err)
		}
	}
	some, rest := all[:len(all)/2], all[len(all)/2:]
	want(t, apply(t, d, nil, some...), map[string]string{})
	for _, s := range some {
		delete(values, s.Key())
	}
	want(t, observe(t, d), values)
	want(t, apply(t, d, nil, rest...), map[string]string{})
	want(t, observe(t, d), map[string]string{})
	want(t, apply(t, d, all[:1]), map[string]string{})
	want(t, observe(t, d, all...), map[string]string{all[0].Key(): all[0].Value})
}

// TestOneOddKeyDoesNotAffectOthers has a key that key files cannot have.
func TestOneOddKeyDoesNotAffectOthers(t *testing.T) {
	d := newHome(t)
	withBus(t, d)
	good, bad := at("/org/example/", "good", "1"), at("/org/example/", "a]b", "1")
	failed := apply(t, d, []manifest.Setting{good, bad})
	if len(failed) != 1 || failed[bad.Key()] == "" {
		t.Errorf("errors %v", failed)
	}
	want(t, observe(t, d), map[string]string{good.Key(): "1"})
}

// TestGSettingsReadsSetValues checks schemas, overrides, and values whose type is in the
// schema, with the real gsettings.
func TestGSettingsReadsSetValues(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	withBus(t, d)
	want(t, apply(t, d, []manifest.Setting{
		setting("org.test.base", "number", "7"), setting("org.test.base", "double", "2"), setting("org.test.base", "perhaps", "'x'"),
		setting("org.test.extended", "colour", "'blue'"), setting("org.test.odd", "here", "true"),
		{Schema: "org.test.item", Path: "/i/1/", Name: "count", Value: "3"}, setting("org.test.item:/i/2/", "name", "'two'"),
	}), map[string]string{})
	for key, value := range map[string]string{
		"org.test.base number": "uint32 7", "org.test.base double": "2.0", "org.test.base perhaps": "@ms 'x'", "org.test.base text": "'vendor'",
		"org.test.odd here": "true", "org.test.item:/i/1/ count": "uint32 3", "org.test.item:/i/2/ name": "'two'",
	} {
		schema, name, _ := strings.Cut(key, " ")
		if got := strings.TrimSpace(run(t, "", "gsettings", "get", schema, name)); got != value {
			t.Errorf("%s is %s, not %s", key, got, value)
		}
	}
	// The program gsettings does not list keys of an extended schema.
	if got := run(t, "", "dconf", "read", "/org/test/extended/colour"); got != "'blue'\n" {
		t.Errorf("the key that is inherited is %s", got)
	}
}

// TestDefaultsAreThoseOfGSettings compares the defaults of all schemas of this machine: it
// sets each key to its value in the output of gsettings, which must then be redundant in a
// session of that desktop.
func TestDefaultsAreThoseOfGSettings(t *testing.T) {
	testkit.Need(t, "gsettings")
	for desktop, names := range map[string]string{"": "", "GNOME": "GNOME", "GNOME-Classic:GNOME": "GNOME-Classic;GNOME;", "X:KDE": "X;KDE"} {
		d := newHome(t)
		d.DataDirs = []string{"/usr/local/share", "/usr/share"}
		session(t, d, "wayland-sessions/test.desktop", "DesktopNames="+names)
		t.Setenv("XDG_CURRENT_DESKTOP", desktop)
		keys := defaults(t)
		if len(keys) < 10 {
			testkit.Missing(t, fmt.Sprintf("there are only %d keys", len(keys)))
		}
		set(t, user(d), keys)
		// A translated key may have any default, so its value is kept.
		for key, text := range observe(t, d) {
			schema, name, _ := strings.Cut(key, " ")
			if def := run(t, "", "gsettings", "get", schema, name); !isTranslated(t, schema, name) || strings.TrimSpace(def) != text {
				t.Errorf("desktop %q: %s: %s is a default", desktop, key, text)
			}
		}
	}
}

// defaults returns the values of all keys with a path in the output of gsettings.
func defaults(t *testing.T) map[string]string {
	t.Helper()
	keys := map[string]string{}
	paths := map[string]string{}
	for line := range strings.Lines(run(t, "", "gsettings", "list-schemas", "--print-paths")) {
		schema, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		paths[schema] = path
	}
	for line := range strings.Lines(run(t, "", "gsettings", "list-recursively")) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if paths[fields[0]] != "" {
			keys[paths[fields[0]]+fields[1]] = fields[2]
		}
	}
	return keys
}

// isTranslated reports whether the source of a schema marks a key as translated.
func isTranslated(t *testing.T, schema, name string) bool {
	t.Helper()
	files, _ := filepath.Glob("/usr/share/glib-2.0/schemas/*.xml")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, found := strings.Cut(string(text), `id="`+schema+`"`)
		if _, after, ok := strings.Cut(after, `name="`+name+`"`); found && ok {
			key, _, _ := strings.Cut(after, "</key>")
			return strings.Contains(key, "l10n=")
		}
	}
	return false
}

// FuzzSame checks that a set value is observed as the same value.
func FuzzSame(f *testing.F) {
	for _, text := range odd {
		f.Add(text, "/home/u")
	}
	f.Add("'file:///home/u/x'", "/home/u")
	f.Add("'${HOME}/home/u'", "/home/u")
	f.Fuzz(func(t *testing.T, text, home string) {
		v, err := gvariant.Parse("", text)
		if err != nil {
			return
		}
		d := &gsettings.Domain{Home: home, ConfigHome: t.TempDir(), EtcDir: "/nonexistent", RunDir: "/nonexistent"}
		put(t, user(d), gvdbtest.File(gvdbtest.Table{Values: map[string]gvariant.Value{"/a/b": v}}))
		o, err := d.Observe(t.Context(), system{}, nil)
		if err != nil || len(o.Items) != 1 {
			t.Fatal(o.Items, err)
		}
		item := o.Items[0]
		if got := parse(t, item.Value).Strings(func(s string) string { return homepath.Decode(s, home) }); !got.Equal(v) {
			t.Errorf("%s is observed as %s", text, item.Value)
		}
		again, err := d.Observe(t.Context(), system{}, []manifest.Setting{item})
		if diff := cmp.Diff(o.Items, again.Items); err != nil || diff != "" {
			t.Errorf("%v (-first +again):\n%s", err, diff)
		}
	})
}
