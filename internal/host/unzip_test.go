package host_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"bkt/internal/plan"
)

// A packed file is a file in an archive.
type packed struct {
	name, text string
	mode       fs.FileMode
}

func archive(t *testing.T, files ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(f.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// goodName is the text of the file that isGood requires in archives.
const goodName = `{"name": "good"}`

var isGood = []plan.Expectation{{File: "name", Field: "name", Value: "good", Wrong: "is called %s"}}

var good = []packed{
	{"name", goodName, 0o644},
	{"sub/", "", fs.ModeDir | 0o755},
	{"sub/x", "x", 0o640},
	{"deep/er/run", "#!", 0o755},
}

func unzip(t *testing.T, dir string, text []byte) plan.Unzip {
	t.Helper()
	return plan.Unzip{Archive: put(t, dir+"/in.zip", string(text), 0o600), Dir: dir + "/all/good", Limit: 100, Expect: isGood}
}

var unpacked = map[string]string{"all/good/name": goodName, "all/good/sub/x": "x", "all/good/deep/er/run": "#!"}

func TestUnzip(t *testing.T) {
	for _, before := range []string{"", "all/good/old", "all/good"} {
		t.Run("over "+before, func(t *testing.T) {
			dir := t.TempDir()
			if before != "" {
				put(t, dir+"/"+before, "old", 0o600)
			}
			if err := carryOut(t, unzip(t, dir, archive(t, good...))); err != nil {
				t.Fatal(err)
			}
			want(t, dir, unpacked)
			for path, mode := range map[string]fs.FileMode{"": fs.ModeDir | 0o755, "/sub": fs.ModeDir | 0o755, "/sub/x": 0o644, "/deep/er/run": 0o755} {
				if got := stat(t, dir+"/all/good"+path).Mode(); got != mode {
					t.Errorf("%s has mode %v", path, got)
				}
			}
		})
	}
}

// TestUnzipKeepsTargetsOfLinks checks that a link is replaced, and not its target, which may
// be the work of a developer.
func TestUnzipKeepsTargetsOfLinks(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/work/name", "mine", 0o600)
	if err := errors.Join(os.Mkdir(dir+"/all", 0o755), os.Symlink("../work", dir+"/all/good")); err != nil {
		t.Fatal(err)
	}
	if err := carryOut(t, unzip(t, dir, archive(t, good[0]))); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"work/name": "mine", "all/good/name": goodName})
}

func TestUnzipRunsTheCommand(t *testing.T) {
	for name, made := range map[string]bool{"sub/x": true, "sub/y": false, "other/x": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			u := unzip(t, dir, archive(t, good[0], packed{name, "", 0}))
			u.Pattern, u.Command = "sub/x*", []string{"touch", "made"}
			if err := carryOut(t, u); err != nil {
				t.Fatal(err)
			}
			expected := map[string]string{"all/good/name": goodName, "all/good/" + name: ""}
			if made {
				expected["all/good/sub/made"] = ""
			}
			want(t, dir, expected)
		})
	}
}

// TestUnzipRefuses checks that a refused archive leaves no file anywhere, and that the old
// folder stays.
func TestUnzipRefuses(t *testing.T) {
	whole := archive(t, good...)
	flipped := bytes.Clone(whole)
	flipped[bytes.Index(flipped, []byte("name"))+len("name")+2] ^= 0xff // in the first file's data
	with := func(p packed) []byte { return archive(t, append([]packed{p}, good...)...) }
	tests := []struct {
		name string
		text []byte
		err  string
	}{
		{"a path upwards", with(packed{"../evil", "x", 0}), `"../evil": leads out of the folder`},
		{"a path up and down again", with(packed{"sub/../../good/evil", "x", 0}), "leads out of the folder"},
		{"an absolute path", with(packed{"/evil", "x", 0}), "leads out of the folder"},
		{"a path of another system", with(packed{`..\evil`, "x", 0}), "leads out of the folder"},
		{"no name", with(packed{"/", "", fs.ModeDir | 0o755}), "leads out of the folder"},
		{"a link", with(packed{"link", "/etc", fs.ModeSymlink | 0o777}), `"link": is neither a file nor a folder`},
		{"a device", with(packed{"device", "", fs.ModeDevice | 0o666}), "is neither a file nor a folder"},
		{"a file twice", with(good[0]), `"name": file exists`},
		{"a file that is a folder, too", with(packed{"sub", "", 0}), `"sub/`},
		{"too large", with(packed{"large", strings.Repeat("x", 100), 0}), "is too large, together with the other files"},
		{"much too large", with(packed{"large", strings.Repeat("x", 1<<20), 0}), `"large": is too large`},
		{"cut short", whole[:len(whole)-30], "not a valid zip file"},
		{"cut at its beginning", whole[10:], "the archive: "},
		{"damaged", flipped, "the archive: "},
		{"no archive", []byte("<html>"), "not a valid zip file"},
		{"empty", nil, "not a valid zip file"},
		{"another one", archive(t, packed{"name", `{"name": "bad"}`, 0}), "the archive: is called bad"},
		{"without what it has to have", archive(t, good[2]), "no such file or directory"},
		{"the command fails", with(packed{"fail", "", 0}), "false: exit status 1"},
	}
	for _, tt := range tests {
		for _, before := range []map[string]string{nil, {"all/good/old": "old", "evil": "old"}} {
			t.Run(tt.name, func(t *testing.T) {
				dir := t.TempDir()
				for path, text := range before {
					put(t, dir+"/"+path, text, 0o600)
				}
				u := unzip(t, dir, tt.text)
				u.Pattern, u.Command = "fail*", []string{"false"}
				if err := carryOut(t, u); err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error is %v, not %s", err, tt.err)
				}
				if before == nil {
					before = map[string]string{}
				}
				want(t, dir, before)
			})
		}
	}
}

func TestUnzipRefusesTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	files := make([]packed, 10001)
	for i := range files {
		files[i].name = "d/" + strings.Repeat("x", i%200) + string(rune('a'+i/200%26)) + strings.Repeat("y", i/5200)
	}
	if err := carryOut(t, unzip(t, dir, archive(t, files...))); err == nil || !strings.Contains(err.Error(), "has more than 10000 files") {
		t.Errorf("error is %v", err)
	}
	want(t, dir, map[string]string{})
}
