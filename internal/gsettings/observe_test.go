package gsettings_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/gsettings"
	"bkt/internal/gvariant"
	"bkt/internal/gvdb/gvdbtest"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// snapshot returns what is observed.
func snapshot(t *testing.T, d *gsettings.Domain, known ...manifest.Setting) reconcile.Snapshot[manifest.Setting] {
	t.Helper()
	o, err := d.Observe(t.Context(), system{}, known)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// leftOut returns what is left out, by reason, sorted.
func leftOut(o reconcile.Snapshot[manifest.Setting]) map[string][]string {
	all := map[string][]string{}
	for _, l := range o.LeftOut {
		all[l.Reason] = append(all[l.Reason], l.What)
	}
	for _, what := range all {
		slices.Sort(what)
	}
	return all
}

// TestSchemasWithoutKeys has the schemas of an extension, of which one has no keys, and a key
// that no schema has, for which all schemas are read.
func TestSchemasWithoutKeys(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	dir := filepath.Join(d.DataHome, "gnome-shell/extensions/connect@example.org/schemas")
	put(t, filepath.Join(dir, "connect.gschema.xml"), []byte(`<schemalist>
 <schema id="org.example.connect.find"/>
 <schema id="org.example.connect.none" path="/org/example/connect/none/"/>
 <schema id="org.example.connect.mouse"><key name="share" type="b"><default>true</default></key></schema>
</schemalist>`))
	run(t, "", "glib-compile-schemas", "--strict", dir)
	set(t, user(d), map[string]string{"/org/gnome/desktop/interface/font": "'x'", "/org/gnome/shell/extensions/x/y": "1", "/org/example/connect/none/z": "1"})
	want(t, observe(t, d), map[string]string{"org.gnome.desktop.interface font": "'x'", "/org/gnome/shell/extensions/x/ y": "1", "/org/example/connect/none/ z": "1"})
	if o := snapshot(t, d); len(o.Unread) != 0 {
		t.Errorf("not read: %v", o.Unread)
	}
}

// schemaFile returns a file of schemas of which two are damaged: a key of one, and the table
// of the other.
func schemaFile(t *testing.T) []byte {
	key := func(text string) gvariant.Value { return parse(t, text) }
	data := gvdbtest.File(gvdbtest.Table{Tables: map[string]gvdbtest.Table{
		"org.good":  {Values: map[string]gvariant.Value{".path": key("'/org/good/'"), "a": key("(1,)")}},
		"org.bad":   {Values: map[string]gvariant.Value{".path": key("'/odd/'"), "a": key("(1,)"), "b": key("'no definition'")}},
		"org.child": {Values: map[string]gvariant.Value{".path": key("'/org/child/'"), ".extends": key("'org.bad'"), "c": key("(1,)")}},
		"org.cut":   {Values: map[string]gvariant.Value{".path": key("'/org/cut/'"), ".extends": key("'org.worst'"), "c": key("(1,)")}},
		"org.worst": {},
	}})
	i := bytes.LastIndex(data, []byte("org.worst")) + len("org.worst")
	table := (i + 3) / 4 * 4
	binary.LittleEndian.PutUint32(data[table:], 1<<20) // the words of its filter
	return data
}

// TestADamagedSchemaAffectsItselfOnly checks that the settings of schemas that cannot be read
// are hidden, and all others are not.
func TestADamagedSchemaAffectsItselfOnly(t *testing.T) {
	d := newHome(t)
	put(t, filepath.Join(d.DataDirs[0], "glib-2.0/schemas/gschemas.compiled"), schemaFile(t))
	set(t, user(d), map[string]string{"/org/good/a": "2", "/odd/a": "2", "/odd/b": "2", "/org/child/c": "2", "/org/cut/c": "2", "/org/worst/x": "2", "/else/x": "2"})
	declared := []manifest.Setting{
		setting("org.good", "a", "3"), setting("org.bad", "a", "3"), setting("org.bad", "unset", "3"), setting("org.worst", "x", "3"),
		at("/odd/", "b", "3"), at("/org/worst/", "y", "3"), at("/else/", "y", "3"), setting("org.later", "x", "3"),
	}
	for _, known := range [][]manifest.Setting{nil, declared} {
		o := snapshot(t, d, known...)
		var seen []string
		for _, item := range o.Items {
			if !o.Hidden(item) {
				seen = append(seen, item.Key()+"="+item.Value)
			}
		}
		slices.Sort(seen)
		if diff := cmp.Diff([]string{"/else/ x=2", "org.child c=2", "org.good a=2"}, seen); diff != "" {
			t.Errorf("seen (-want +got):\n%s", diff)
		}
		var unread []string
		for _, part := range o.Unread {
			unread = append(unread, part.What)
		}
		if diff := cmp.Diff([]string{"the schema org.bad", "the schema org.cut", "the schema org.worst"}, unread); diff != "" {
			t.Errorf("not read (-want +got):\n%s", diff)
		}
		var hidden []string
		for _, item := range declared {
			if o.Hidden(item) {
				hidden = append(hidden, item.Key())
			}
		}
		if diff := cmp.Diff([]string{"org.bad a", "org.bad unset", "org.worst x", "/odd/ b", "/org/worst/ y"}, hidden); diff != "" {
			t.Errorf("hidden (-want +got):\n%s", diff)
		}
	}
	if _, _, err := d.Values("org.bad"); err == nil || !strings.Contains(err.Error(), "the schema org.bad cannot be read") {
		t.Errorf("values of a damaged schema: %v", err)
	}
}

// TestADamagedFileOfSchemasAffectsItsSchemasOnly has a file that cannot be read beside one
// that can.
func TestADamagedFileOfSchemasAffectsItsSchemasOnly(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	broken := filepath.Join(d.DataHome, "glib-2.0/schemas/gschemas.compiled")
	put(t, broken, []byte("x"))
	set(t, user(d), map[string]string{"/org/test/base/double": "2.0", "/unknown/x": "1"})
	known, unknown := setting("org.test.base", "double", "3.0"), setting("org.unknown", "x", "1")
	o := snapshot(t, d, unknown)
	if len(o.Unread) != 1 || o.Unread[0].What != broken || !strings.Contains(o.Unread[0].Err.Error(), "is not a GVDB file") {
		t.Errorf("not read: %v", o.Unread)
	}
	if o.Hidden(known) || !o.Hidden(unknown) || !o.Hidden(at("/unknown/", "x", "1")) || o.Hidden(at("/org/test/base/", "double", "2")) {
		t.Error("the wrong settings are hidden")
	}
	if _, _, err := d.Values("org.unknown"); err == nil || !strings.Contains(err.Error(), broken) {
		t.Errorf("values of a schema that may be in the file: %v", err)
	}
}

// TestDefaultsOfDesktops checks that the environment does not matter: a setting is left out
// if it is the default in all sessions that a user can choose, or in all desktops if there
// are none.
func TestDefaultsOfDesktops(t *testing.T) {
	const test, other, plain = "DesktopNames=Test", "DesktopNames=Other;", ""
	tests := []struct {
		name     string
		sessions []string
		left     string // the values that are left out
	}{
		{"no session", nil, ""},
		{"one session", []string{test}, "'desktop'"},
		{"one session, as two kinds", []string{test, test}, "'desktop'"},
		{"another desktop", []string{other}, "'schema'"},
		{"a session without a name", []string{plain}, "'schema'"},
		{"sessions that differ", []string{test, other}, ""},
		{"sessions that agree", []string{plain, other, "DesktopNames=X;Other"}, "'schema'"},
		{"a session of two desktops", []string{"DesktopNames=Other;Test;"}, "'desktop'"},
		{"a session that is switched off", []string{test, plain + "\nHidden=true"}, "'desktop'"},
		{"a file that is damaged", []string{test, "no entry"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newHome(t)
			compile(t, d)
			for i, text := range tt.sessions {
				session(t, d, []string{"xsessions", "wayland-sessions"}[i%2]+"/s"+fmt.Sprint(i)+".desktop", text)
			}
			for _, value := range []string{"'schema'", "'desktop'", "'mine'"} {
				set(t, user(d), map[string]string{"/org/test/base/word": value})
				for _, desktop := range []string{"", "Test", "Other", "X:Test"} {
					t.Setenv("XDG_CURRENT_DESKTOP", desktop)
					o := snapshot(t, d)
					if (len(o.Items) == 0) != (value == tt.left) {
						t.Errorf("XDG_CURRENT_DESKTOP=%s: with %s, the items are %v", desktop, value, o.Items)
					}
					if damaged := slices.Contains(tt.sessions, "no entry"); (len(o.Unread) == 1) != damaged {
						t.Errorf("not read: %v", o.Unread)
					}
				}
			}
		})
	}
}

// TestNotificationsOfPrograms has programs that have sent notifications. Of those that the
// user has changed, everything is captured, so that another computer gets it all.
func TestNotificationsOfPrograms(t *testing.T) {
	const folder, list = "/org/gnome/desktop/notifications/application/", "/org/gnome/desktop/notifications/application-children"
	const schema = "org.gnome.desktop.notifications.application:" + folder
	d := newHome(t)
	d.DataDirs = []string{"/usr/share"}
	if len(defaults(t)) < 10 {
		testkit.Missing(t, "the schemas of a desktop are not installed")
	}
	set(t, user(d), map[string]string{
		list:                                     "['mail', 'firefox', 'chat']",
		folder + "firefox/application-id":        "'firefox.desktop'",
		folder + "firefox/enable":                "false",
		folder + "mail/application-id":           "'mail.desktop'",
		folder + "chat/application-id":           "'chat.desktop'",
		folder + "chat/show-banners":             "true", // the default
		"/org/gnome/desktop/notifications/other": "1",
	})
	o := snapshot(t, d)
	captured := map[string]string{}
	for _, item := range o.Items {
		captured[item.Key()] = item.Value
	}
	want(t, captured, map[string]string{
		schema + "firefox/ enable": "false", schema + "firefox/ application-id": "'firefox.desktop'",
		"org.gnome.desktop.notifications application-children": "['firefox']", "/org/gnome/desktop/notifications/ other": "1",
	})
	if diff := cmp.Diff(map[string][]string{"values that programs store": {schema + "chat/ application-id", schema + "mail/ application-id"}}, leftOut(o)); diff != "" {
		t.Errorf("left out (-want +got):\n%s", diff)
	}

	// The same list in other words is no difference, and another program in it is one only if
	// it has settings.
	declared := setting("org.gnome.desktop.notifications", "application-children", `["firefox"]`)
	for list, value := range map[string]string{"['a', 'firefox']": `["firefox"]`, "['a']": "@as []"} {
		set(t, user(d), map[string]string{"/org/gnome/desktop/notifications/application-children": list})
		want(t, observe(t, d, declared), map[string]string{declared.Key(): value})
	}

	// Another computer keeps its own programs.
	set(t, user(d), map[string]string{list: "['mine', 'firefox']"})
	both := setting("org.gnome.desktop.notifications", "application-children", "['firefox', 'chat']")
	for _, tt := range []struct {
		diffs []reconcile.Diff[manifest.Setting]
		value string
	}{
		{[]reconcile.Diff[manifest.Setting]{{Have: &declared, Want: &both}}, "['mine', 'firefox', 'chat']"},
		{[]reconcile.Diff[manifest.Setting]{{Have: &declared}}, "['mine']"},
	} {
		p := planned(t, d, tt.diffs)
		if input := string(p[0].Steps[0].(plan.Run).Stdin); !strings.Contains(input, "application-children="+tt.value+"\n") {
			t.Errorf("it is set by %q", input)
		}
	}
	set(t, user(d), map[string]string{list: "['firefox']"})
	p := planned(t, d, []reconcile.Diff[manifest.Setting]{{Have: &declared}})
	if argv := p[0].Steps[0].(plan.Run).Argv; argv[0] != "gdbus" {
		t.Errorf("the last program is removed by %v", argv)
	}
}

// TestWhatIsLeftOut checks that every setting that exists and is no item has a reason, unless
// it is a default or belongs to another domain.
func TestWhatIsLeftOut(t *testing.T) {
	d := newHome(t)
	compile(t, d)
	put(t, filepath.Join(d.EtcDir, "dconf/profile/user"), []byte("user-db:user\nsystem-db:site\n"))
	set(t, filepath.Join(d.EtcDir, "dconf/db/site"), map[string]string{"/x/y": "'site'"}, "/x/y")
	set(t, user(d), map[string]string{
		"/x/y": "'mine'", "/org/test/base/number": "uint32 21", "/org/test/base/colour": "'red'", "/org/gnome/shell/command-history": "['x']",
		"/org/gnome/shell/enabled-extensions": "['a']", "/org/test/base/double": "2.0",
	})
	for _, app := range []string{"org.example.A", "org.example.B"} {
		put(t, filepath.Join(d.Home, ".var/app", app, "config/glib-2.0/settings/keyfile"), []byte("[a]\nb=1\n"))
	}
	put(t, filepath.Join(d.Home, ".var/app/org.example.C/config/glib-2.0/settings/keyfile"), nil)
	put(t, filepath.Join(d.Home, ".var/app/org.example.D/config/x"), nil)
	o := snapshot(t, d)
	if diff := cmp.Diff(map[string][]string{
		"values that a lock of the system hides":  {"/x/ y"},
		"values that their schema does not allow": {"org.test.base number"},
		"values that programs store":              {"/org/gnome/shell/ command-history"},
		"settings inside Flatpak apps":            {"org.example.A", "org.example.B"},
	}, leftOut(o)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(o.Items) != 1 || len(o.Unread) != 0 {
		t.Errorf("items %v, not read %v", o.Items, o.Unread)
	}
	// An app whose folder cannot be read may have settings.
	put(t, filepath.Join(d.Home, ".var/app/org.example.E/x"), nil)
	if err := os.Symlink("config", filepath.Join(d.Home, ".var/app/org.example.E/config")); err != nil {
		t.Fatal(err)
	}
	o = snapshot(t, d)
	if len(leftOut(o)) != 4 || len(o.Unread) != 1 || !strings.Contains(fmt.Sprint(o.Unread[0].Err), "org.example.E/config") {
		t.Errorf("with a folder that cannot be read, %v are left out, not read: %v", o.LeftOut, o.Unread)
	}
	if err := os.RemoveAll(filepath.Join(d.Home, ".var")); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(d.Home, ".var/app/x"), nil)
	if err := os.Rename(filepath.Join(d.Home, ".var/app/x"), filepath.Join(d.Home, ".var/x")); err != nil {
		t.Fatal(err)
	}
	if o := snapshot(t, d); len(leftOut(o)) != 3 || len(o.Unread) != 0 {
		t.Errorf("without apps, %v are left out, not read: %v", o.LeftOut, o.Unread)
	}
}
