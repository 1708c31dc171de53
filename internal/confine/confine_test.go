package confine_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/confine"
	"bkt/internal/hint"

	"golang.org/x/sys/unix"
)

// in creates files, whose text is their name, and symbolic links, whose targets begin with
// "->". $DIR in a target is the folder, which it returns.
func in(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		if to, isLink := strings.CutPrefix(target, "->"); isLink {
			err = os.Symlink(strings.ReplaceAll(to, "$DIR", dir), path)
		} else {
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tree has a repository in r, which another name leads to, a shared folder, and secrets.
var tree = map[string]string{
	"r/real/f": "", "r/real/deep/f": "", "shared/f": "", "shared/deep/f": "", "secret/f": "", "rest/f": "",
	"name": "->$DIR/r",

	"r/file":     "->real/f",
	"r/dir":      "->real",
	"r/chain":    "->file",
	"r/up":       "->real/deep/../f",
	"r/real/top": "->../file",
	"r/round":    "->../r/real/f",
	"r/absolute": "->$DIR/r/real/f",
	"r/absdir":   "->$DIR/r/real",
	"r/named":    "->$DIR/name/real/f",
	"r/gone":     "->real/gone",
	"r/absgone":  "->$DIR/r/gone too",
	"r/loop":     "->loop",

	"r/shared":    "->../shared/f",
	"r/sharedir":  "->$DIR/shared",
	"shared/back": "->../r/real/f",

	"r/secret":        "->../secret/f",
	"r/abssecret":     "->$DIR/secret/f",
	"r/secretdir":     "->$DIR/secret",
	"r/similar":       "->$DIR/r/../rest/f",
	"r/hop":           "->secret",
	"r/outgone":       "->/nowhere/at all",
	"shared/secret":   "->../secret/f",
	"r/newline":       "->/a\nb\x1b[1m",
	"r/real/deep/out": "->../../../secret/f",
}

func TestOpen(t *testing.T) {
	dir := in(t, tree)
	if err := unix.Mkfifo(dir+"/r/pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, want string // want is the file that is read, or the text of an error
		shared     bool   // links may lead into the shared folder
	}{
		{"real/f", "r/real/f", false},
		{"file", "r/real/f", false},
		{"dir/f", "r/real/f", false},
		{"dir/deep/f", "r/real/deep/f", false},
		{"chain", "r/real/f", false},
		{"up", "r/real/f", false},
		{"real/top", "r/real/f", false},
		{"dir/top", "r/real/f", false},
		{"round", "r/real/f", false},
		{"absolute", "r/real/f", false},
		{"absdir/deep/f", "r/real/deep/f", false},
		{"absdir/top", "r/real/f", false},
		{"named", "r/real/f", false},

		{"missing", "no such file", false},
		{"dir/missing", "no such file", false},
		{"absdir/missing", "no such file", false},
		{"gone", "open gone: a symbolic link to real/gone, which does not exist", false},
		{"absgone", "open absgone: a symbolic link to $DIR/r/gone too, which does not exist", false},
		{"loop", "open loop: too many levels of symbolic links", false},
		{"pipe", "neither a file nor a folder", false},

		{"shared", "open shared: a symbolic link to ../shared/f, outside of $DIR/r", false},
		{"shared", "shared/f", true},
		{"sharedir/deep/f", "open sharedir/deep/f: the symbolic link sharedir leads to $DIR/shared, outside of $DIR/r", false},
		{"sharedir/deep/f", "shared/deep/f", true},
		{"sharedir/back", "r/real/f", true},
		{"sharedir/missing", "no such file", true},
		{"sharedir/secret", "the symbolic link $DIR/shared/secret leads to ../secret/f, outside of $DIR/r", true},

		{"secret", "a symbolic link to ../secret/f, outside of $DIR/r", true},
		{"abssecret", "a symbolic link to $DIR/secret/f, outside of $DIR/r", true},
		{"secretdir/f", "the symbolic link secretdir leads to $DIR/secret, outside of $DIR/r", true},
		{"similar", "a symbolic link to $DIR/r/../rest/f, outside of $DIR/r", true},
		{"hop", "open hop: the symbolic link secret leads to ../secret/f, outside of $DIR/r", false},
		{"outgone", "a symbolic link to /nowhere/at all, outside of $DIR/r", true},
		{"dir/deep/out", "the symbolic link real/deep/out leads to ../../../secret/f, outside of $DIR/r", true},
		{"newline", `a symbolic link to /a\nb\x1b[1m, outside of $DIR/r`, true},
		{"../secret/f", "escapes", true},
	}
	for _, tt := range tests {
		for _, root := range []string{"r", "name"} {
			f := confine.Folder{Path: filepath.Join(dir, root)}
			if tt.shared {
				f.Beyond = func() ([]string, error) { return []string{dir + "/not there", dir + "/shared"}, nil }
			}
			file, err := f.Open(tt.name)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				text, errRead := io.ReadAll(file)
				got, err = string(text), errRead
				file.Close()
			}
			want := strings.ReplaceAll(strings.ReplaceAll(tt.want, "outside of $DIR/r", "outside of "+f.Path), "$DIR", dir)
			if !strings.HasSuffix(got, want) && !(err != nil && strings.Contains(got, want)) {
				t.Errorf("%s in %s (shared: %v): %q, not %q", tt.name, root, tt.shared, got, want)
			}
			if missing := strings.HasPrefix(tt.want, "no such file"); missing != errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v counts as missing: %v", tt.name, err, !missing)
			}
		}
	}
}

// TestHint checks that the hint names the folder to permit.
func TestHint(t *testing.T) {
	dir := in(t, tree)
	for name, want := range map[string]string{"shared": "shared", "sharedir/deep/f": "shared", "abssecret": "secret"} {
		_, err := confine.Folder{Path: dir + "/r"}.Open(name)
		hints := hint.Of(err)
		if len(hints) != 1 || !strings.Contains(hints[0], "--allow-links "+filepath.Join(dir, want)+",") {
			t.Errorf("%s: %q", name, hints)
		}
	}
}

// TestFind checks where files would be created.
func TestFind(t *testing.T) {
	dir := in(t, tree)
	for name, want := range map[string]string{
		"new": "r/new", "dir/new": "r/real/new", "gone": "r/real/gone", "absgone": "r/gone too",
		"absdir/a/b": "r/real/a/b", "sharedir/new": "shared/new",
	} {
		f := confine.Folder{Path: dir + "/r", Beyond: func() ([]string, error) { return []string{dir + "/shared"}, nil }}
		at, err := f.Find(name)
		if err != nil || at.Path() != filepath.Join(dir, want) {
			t.Errorf("%s: %s, %v", name, at.Path(), err)
		}
	}
}

// TestBeyondIsNotAsked checks that a link that stays inside asks for no other folders, and
// that their error is one.
func TestBeyondIsNotAsked(t *testing.T) {
	dir := in(t, tree)
	broken := errors.New("broken")
	f := confine.Folder{Path: dir + "/r", Beyond: func() ([]string, error) { return nil, broken }}
	for _, name := range []string{"real/f", "file", "absolute", "named", "gone", "missing"} {
		if file, err := f.Open(name); errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		} else if err == nil {
			file.Close()
		}
	}
	if _, err := f.Open("secret"); !errors.Is(err, broken) {
		t.Errorf("secret: %v", err)
	}
}
