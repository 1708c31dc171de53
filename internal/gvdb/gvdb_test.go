package gvdb_test

import (
	"encoding/binary"
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

func TestParseReadsWhatDconfCompiles(t *testing.T) {
	testkit.Need(t, "dconf")
	dir := t.TempDir()
	ini := "[/]\ntop=1\n\n[org/gnome/desktop/interface]\nx='y'\nz=@as []\n\n[a]\nb=<(1.5, 'c')>\n"
	err := os.WriteFile(filepath.Join(dir, "keys"), []byte(ini), 0o644)
	if err == nil {
		err = os.MkdirAll(filepath.Join(dir, "locks"), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "locks", "l"), []byte("/a/b\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "db")
	if text, err := exec.Command("dconf", "compile", out, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := text(data)
	want := map[string]string{"/top": "1", "/org/gnome/desktop/interface/x": "'y'", "/org/gnome/desktop/interface/z": "@as []", "/a/b": "<(1.5, 'c')>"}
	for name := range got {
		if name == ".locks /a/b" {
			want[name] = got[name] // what a lock holds means nothing
		}
	}
	if _, ok := want[".locks /a/b"]; !ok {
		t.Error("no lock")
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
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
	f.Fuzz(func(t *testing.T, data []byte) {
		if all, err := text(data); err != nil && len(all) > len(data) {
			t.Errorf("%d values in %d bytes", len(all), len(data))
		}
	})
}
