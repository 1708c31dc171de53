package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/testkit"

	"golang.org/x/sys/unix"
)

// TestWritesStayWithinFolders has links that lead out of the folder of a plan.
func TestWritesStayWithinFolders(t *testing.T) {
	for _, tt := range []struct {
		name  string
		links map[string]string
		write string
		want  string // the file that is written; "": none
	}{
		{"no link", nil, "new/f", "repo/new/f"},
		{"a link inside", map[string]string{"repo/f": "real"}, "f", "repo/real"},
		{"an absolute link inside", map[string]string{"repo/f": "/repo/deep/real"}, "f", "repo/deep/real"},
		{"a folder inside", map[string]string{"repo/dir": "/repo/deep"}, "dir/new/f", "repo/deep/new/f"},
		{"a link to a permitted folder", map[string]string{"repo/dir": "../shared"}, "dir/new/f", "shared/new/f"},
		{"a link outside", map[string]string{"repo/f": "../outside/f"}, "f", ""},
		{"an absolute link outside", map[string]string{"repo/f": "/outside/f"}, "f", ""},
		{"a folder outside", map[string]string{"repo/dir": "../outside"}, "dir/f", ""},
		{"a new folder outside", map[string]string{"repo/dir": "../outside"}, "dir/new/f", ""},
		{"from the permitted folder outside", map[string]string{"repo/dir": "../shared", "shared/out": "../outside"}, "dir/out/f", ""},
	} {
		for _, kind := range []string{"write", "overwrite"} {
			t.Run(tt.name+" "+kind, func(t *testing.T) {
				dir := t.TempDir()
				put(t, dir+"/outside/keep", "", 0o600)
				put(t, dir+"/shared/keep", "", 0o600)
				put(t, dir+"/repo/deep/keep", "", 0o600)
				expected := map[string]string{"outside/keep": "", "shared/keep": "", "repo/deep/keep": ""}
				for name, target := range tt.links {
					expected[name] = "-> " + strings.TrimPrefix(target, "/")
					if filepath.IsAbs(target) {
						target = dir + target
					}
					if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
				path, within := filepath.Join(dir, "repo", tt.write), []string{dir + "/repo", dir + "/shared"}
				p := plan.RewriteWithin(within, path, "f", nil, []byte("new"))
				if kind == "overwrite" {
					p = plan.Plan{{Targets: []string{"f"}, Steps: []plan.Step{plan.Overwrite{Path: path, Text: []byte("new"), Within: within}}}}
				}
				err := host.Executor{}.Execute(t.Context(), p, ignore)
				if tt.want != "" {
					expected[tt.want] = "new"
				}
				if (err == nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), "outside of "+dir+"/repo") {
					t.Errorf("error %v", err)
				}
				want(t, dir, expected)
			})
		}
	}
}

// TestDraftsStayInTheirFolder replaces the folder by a link after it was checked.
func TestDraftsStayInTheirFolder(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/repo/sub/f", "old", 0o600)
	put(t, dir+"/outside/f", "mine", 0o600)
	swap := plan.Run{Argv: []string{"sh", "-c", "mv repo/sub repo/moved && ln -s ../outside repo/sub"}, Dir: dir}
	p := append(plan.Plan{{Targets: []string{"swap"}, Steps: []plan.Step{swap}}},
		plan.RewriteWithin([]string{dir + "/repo"}, dir+"/repo/sub/f", "f", []byte("old"), []byte("new"))...)
	if err := (host.Executor{}).Execute(t.Context(), p, ignore); err != nil {
		t.Fatal(err)
	}
	want(t, dir, map[string]string{"outside/f": "mine", "repo/sub": "-> ../outside", "repo/moved/f": "new"})
}

// TestOnlyFilesAreReplaced has root write to a device.
func TestOnlyFilesAreReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/f", 0o600); err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{{Targets: []string{"f"}, Steps: []plan.Step{plan.Overwrite{Path: dir + "/f"}}}}
	err := host.Executor{}.Execute(t.Context(), p, ignore)
	if err == nil || !strings.HasSuffix(err.Error(), "/f: neither a file nor a folder") {
		t.Errorf("error %v", err)
	}
	if info, err := os.Lstat(dir + "/f"); err != nil || info.Mode().IsRegular() {
		t.Error(info, err)
	}
}

// TestFoldersWithinBelongToTheOwner has root create folders in another user's repository.
func TestFoldersWithinBelongToTheOwner(t *testing.T) {
	testkit.NeedRoot(t, "give files away")
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(dir+"/repo", 0o755), os.Chown(dir+"/repo", 1234, 5678)); err != nil {
		t.Fatal(err)
	}
	p := plan.RewriteWithin([]string{dir + "/repo"}, dir+"/repo/a/b/f", "f", nil, []byte("new"))
	if err := (host.Executor{}).Execute(t.Context(), p, ignore); err != nil {
		t.Fatal(err)
	}
	checkOwned(t, dir+"/repo", 1234, 5678)
}
