package gvdb_test

import (
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb"
	"bkt/internal/gvdb/gvdbtest"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

func value(t testing.TB, text string) gvariant.Value {
	t.Helper()
	v, err := gvariant.Parse("", text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sample(t testing.TB) []byte {
	return gvdbtest.File(gvdbtest.Table{
		Values: map[string]gvariant.Value{"/org/a/b": value(t, "'x'"), "/org/a/c": value(t, "uint32 5"), "/d": value(t, "[('a', 1)]")},
		Tables: map[string]gvdbtest.Table{".locks": {Values: map[string]gvariant.Value{"/org/a/b": value(t, "true")}}, "empty": {}},
	})
}

// text returns the content of a file.
func text(data []byte) (map[string]string, error) {
	table, err := gvdb.Parse(data)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	return all, add(all, "", table, 3)
}

// add reads tables up to depth, because a broken file may have a table that contains itself.
func add(all map[string]string, prefix string, table gvdb.Table, depth int) error {
	if depth == 0 {
		return nil
	}
	for _, name := range table.Names() {
		v, ok, err := table.Value(name)
		if err != nil {
			return err
		}
		if ok {
			all[prefix+name] = v.String()
		}
		nested, ok, err := table.Table(name)
		if err == nil && ok {
			err = add(all, prefix+name+" ", nested, depth-1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func TestParseReadsWhatWasWritten(t *testing.T) {
	got, err := text(sample(t))
	want := map[string]string{"/org/a/b": "'x'", "/org/a/c": "uint32 5", "/d": "[('a', 1)]", ".locks /org/a/b": "true"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// real are files in testdata that the real programs have written, and what they contain: glib-compile-schemas
// 2.74, "dconf compile" and the service of dconf 0.40. With "?", what a value is means nothing.
var real = map[string]map[string]string{
	"site":       {"/top": "1", "/org/gnome/desktop/interface/x": "'y'", "/org/gnome/desktop/interface/z": "@as []", "/a/b": "<(1.5, 'c')>", ".locks /a/b": "?"},
	"site.empty": {},
	"user":       {"/top": "1", "/org/gnome/desktop/interface/x": "'y'", "/org/gnome/desktop/interface/z": "@as []", "/a/b": "<(1.5, 'c')>"},
	"user.reset": {},
	"schemas/gschemas.compiled": {
		"org.test.plugin.mouse share": "(true,)",
		"org.test.empty .path":        "'/org/test/empty/'",
		"org.test.base .path":         "'/org/test/base/'", "org.test.base .gettext-domain": "'test'", "org.test.base empty/": "'org.test.empty'",
		"org.test.base colour": "('red', (byte 0x65, [uint32 1, 1684370175, 4278190080, 2, 1970037503, 4278190181]))",
		"org.test.base flags":  "(['one'], (byte 0x66, [uint32 1, 1701736447, 4278190080, 2, 1870099711, 4278190080]))",
		"org.test.base choice": "?", "org.test.base number": "(uint32 6, (byte 0x72, (uint32 2, uint32 20)))",
		"org.test.base format": "?", "org.test.base word": "('schema', (byte 0x64, {'Test': <'desktop'>}))",
		"org.test.item name": "('',)", "org.test.items .path": "'/org/test/items:/'", "org.test.items .list-of": "'org.test.item'",
		"org.test.more .path": "'/org/test/more/'", "org.test.more .extends": "'org.test.plugin.mouse'", "org.test.more more": "(0.5,)",
	},
}

// check compares the content of a file with what the file in testdata contains.
func check(t *testing.T, name, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := text(data)
	want := maps.Clone(real[name])
	for key, value := range want {
		if _, ok := got[key]; ok && value == "?" {
			want[key] = got[key]
		}
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
	}
}

func TestParseReadsWhatRealProgramsWrite(t *testing.T) {
	for name := range real {
		check(t, name, filepath.Join("testdata", name))
	}
	// A table without bytes, as some versions of GLib write it.
	data := gvdbtest.File(gvdbtest.Table{Tables: map[string]gvdbtest.Table{"empty": {}}})
	binary.LittleEndian.PutUint32(data[24+12+20:], binary.LittleEndian.Uint32(data[24+12+16:]))
	if got, err := text(data); err != nil || len(got) != 0 {
		t.Errorf("a table without bytes is %v, %v", got, err)
	}
}

// TestParseReadsWhatInstalledProgramsWrite has the programs of this machine write the same
// files.
func TestParseReadsWhatInstalledProgramsWrite(t *testing.T) {
	testkit.Need(t, "dconf", "glib-compile-schemas", "dbus-run-session")
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	const script = `
mkdir "$1/schemas" "$1/none.d"
glib-compile-schemas --strict --targetdir="$1/schemas" testdata/schemas
dconf compile "$1/site" testdata/site.d
dconf compile "$1/site.empty" "$1/none.d"
dbus-run-session -- sh -euc '
	dconf load / <testdata/site.d/keys
	cp "$1/dconf/user" "$1/user"
	dconf reset -f /
	cp "$1/dconf/user" "$1/user.reset"
' sh "$1"
`
	if out, err := exec.Command("sh", "-euc", script, "sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name := range real {
		check(t, name, filepath.Join(dir, name))
	}
}

// TestOneBrokenEntryDoesNotAffectOthers has damaged copies of files: names, kinds and places
// of entries and tables.
func TestOneBrokenEntryDoesNotAffectOthers(t *testing.T) {
	whole, err := os.ReadFile("testdata/schemas/gschemas.compiled")
	if err != nil {
		t.Fatal(err)
	}
	const find, mouse = 24 + 8 + 4 + 4*7 + 144, 24 + 8 + 4 + 4*7 + 168 // the items of the last two schemas
	for name, at := range map[string]int{"place": mouse + 19, "kind": mouse + 14} {
		data := append([]byte(nil), whole...)
		data[at] = 0xff
		table, err := gvdb.Parse(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, _, err := table.Table("org.test.plugin.mouse"); err == nil {
			t.Errorf("%s: the damaged table is read", name)
		}
		other, ok, err := table.Table("org.test.plugin.find")
		if err != nil || !ok || len(other.Names()) != 0 {
			t.Errorf("%s: %v, %v of another table", name, ok, err)
		}
	}
}

func TestParseRefusesWhatIsBroken(t *testing.T) {
	whole := sample(t)
	for n := range whole {
		if got, err := text(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are read as %v", n, len(whole), got)
		}
	}
	put := func(at int, n uint32) []byte {
		b := append([]byte(nil), whole...)
		binary.LittleEndian.PutUint32(b[at:], n)
		return b
	}
	item := 24 + 12 // the first one
	broken := map[string][]byte{
		"no header": nil, "text": []byte("[org/a]\nb=1\n this is no database of dconf"),
		"version": put(8, 1), "root": put(16, 1<<31), "root ends early": put(20, 0), "bloom": put(24, 1<<26), "buckets": put(28, 0xffffffff),
		"parent is nowhere": put(item+4, 1000), "parent of itself": put(item+4, 0), "key": put(item+8, 1<<30), "kind": put(item+12, 1), "value": put(item+20, 1<<30),
	}
	for name, data := range broken {
		if got, err := text(data); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

// FuzzParse checks that all data is read or refused.
func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Add([]byte("GVariant"))
	for name := range real {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if all, err := text(data); err != nil && len(all) > len(data) {
			t.Errorf("%d values in %d bytes", len(all), len(data))
		}
	})
}
