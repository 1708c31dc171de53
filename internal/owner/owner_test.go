package owner_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"bkt/internal/owner"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

const uid, gid = 1234, 5678

// theirs returns a folder of another user. Only root can create one.
func theirs(t *testing.T) string {
	t.Helper()
	testkit.NeedRoot(t, "give files away")
	dir := t.TempDir() + "/theirs"
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, uid, gid)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// owners returns the owners of the files below dir.
func owners(t *testing.T, dir string) map[string][2]int {
	t.Helper()
	all := map[string][2]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		name, err := filepath.Rel(dir, path)
		all[name] = [2]int{int(stat.Uid), int(stat.Gid)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFoldersBelongToTheOwnerOfTheOneAround(t *testing.T) {
	dir := theirs(t)
	if err := owner.MkdirAll(dir+"/a/b/c", 0o755); err != nil {
		t.Fatal(err)
	}
	them := [2]int{uid, gid}
	if diff := cmp.Diff(map[string][2]int{".": them, "a": them, "a/b": them, "a/b/c": them}, owners(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := owner.MkdirAll(dir+"/a/b/c", 0o755); err != nil {
		t.Errorf("a folder that exists: %v", err)
	}
}

// TestFoldersOfOurOwnStay checks a folder of root, and other users.
func TestFoldersOfOurOwnStay(t *testing.T) {
	dir := t.TempDir()
	if err := owner.MkdirAll(dir+"/a/b", 0o755); err != nil {
		t.Fatal(err)
	}
	us := [2]int{os.Geteuid(), os.Getegid()}
	if diff := cmp.Diff(map[string][2]int{".": us, "a": us, "a/b": us}, owners(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMkdirAllSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(dir+"/file", nil, 0o600), os.Symlink("nowhere", dir+"/link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/file", "/file/below", "/link", "/link/below"} {
		if err := owner.MkdirAll(dir+name, 0o755); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestGiveTree checks that files and folders are given to the user, and that links cannot
// make root give away files elsewhere.
func TestGiveTree(t *testing.T) {
	dir := theirs(t)
	outside := t.TempDir() + "/outside"
	err := errors.Join(os.MkdirAll(dir+"/layout/blobs", 0o755), os.WriteFile(dir+"/layout/blobs/x", nil, 0o444), os.WriteFile(outside, nil, 0o600),
		os.Symlink(outside, dir+"/layout/link"), os.Link(outside, dir+"/layout/hard"), os.WriteFile(dir+"/layout/other", nil, 0o600), os.Chown(dir+"/layout/other", 99, 99))
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.GiveTree(dir + "/layout"); err != nil {
		t.Fatal(err)
	}
	them, root := [2]int{uid, gid}, [2]int{}
	want := map[string][2]int{".": them, "layout": them, "layout/blobs": them, "layout/blobs/x": them, "layout/link": root, "layout/hard": root, "layout/other": {99, 99}}
	if diff := cmp.Diff(want, owners(t, dir)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if owners(t, outside)["."] != root {
		t.Error("a file elsewhere was given away")
	}
}

// TestLinks checks that root follows links of a user to files of that user, and its own
// links to all files.
func TestLinks(t *testing.T) {
	dir := theirs(t)
	mine := filepath.Join(t.TempDir(), "mine")
	for _, err := range []error{
		os.WriteFile(mine, nil, 0o600),
		os.WriteFile(dir+"/theirs", nil, 0o600), os.Chown(dir+"/theirs", uid, gid),
		os.Mkdir(dir+"/folder", 0o755), os.Chown(dir+"/folder", uid, gid),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	link := func(name, to string, uid int) string {
		at := filepath.Join(dir, name)
		if err := errors.Join(os.Symlink(to, at), os.Lchown(at, uid, gid)); err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		name, path, real string
		refused          bool
	}{
		{"no link", dir + "/theirs", dir + "/theirs", false},
		{"a file of root's in the folder of a user", mine, mine, false},
		{"a user's, to a file of the user", link("a", "theirs", uid), dir + "/theirs", false},
		{"a user's, to a file that the user is to have", link("b", "folder/new", uid), dir + "/folder/new", false},
		{"a user's, to a file of root", link("c", mine, uid), mine, true},
		{"a user's, to a new file in a folder of root", link("d", mine+".new", uid), mine + ".new", true},
		{"a user's, to a folder of root", link("e", filepath.Dir(mine), uid) + "/mine", mine, true},
		{"root's", link("f", mine, 0), mine, false},
	} {
		if err := owner.CheckLinks(c.path, c.real); (err != nil) != c.refused {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
