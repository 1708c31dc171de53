package repo_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/repo"

	"github.com/google/go-cmp/cmp"
)

// populate creates files and, where the path ends in a slash, folders, below a
// new folder, which it returns.
func populate(t *testing.T, paths ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, p := range paths {
		path := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(p, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindGoesUpToTheNearestRepository(t *testing.T) {
	dir := populate(t, "manifests/", "Containerfile", "system/etc/x.conf",
		"images/toolbox-only/manifests/", "images/toolbox-only/toolbox/Containerfile", "images/toolbox-only/deep/er/",
		"no-containerfile/manifests/", "no-manifests/Containerfile", "manifests-file/manifests", "manifests-file/Containerfile")
	tests := []struct{ name, dir, root string }{
		{"the repository itself", "", ""},
		{"below it", "system/etc", ""},
		{"its manifests", "manifests", ""},
		{"a file in it", "system/etc/x.conf", ""},
		{"a repository in a repository", "images/toolbox-only", "images/toolbox-only"},
		{"below the inner one", "images/toolbox-only/deep/er", "images/toolbox-only"},
		{"beside the inner one", "images", ""},
		{"a folder without a Containerfile", "no-containerfile", ""},
		{"a folder without manifests", "no-manifests", ""},
		{"a folder where manifests is a file", "manifests-file", ""},
		{"by way of ..", "system/../images/toolbox-only/deep/..", "images/toolbox-only"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			checkFound(t, dir+"/"+tt.dir, filepath.Join(dir, tt.root))
		})
	}
}

func checkFound(t *testing.T, dir, root string) {
	t.Helper()
	got, err := repo.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(repo.Repo{Root: root}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFindFromTheCurrentFolder(t *testing.T) {
	dir := populate(t, "manifests/", "Containerfile", "system/etc/")
	t.Chdir(dir + "/system")
	for _, d := range []string{".", "", "..", "etc"} {
		checkFound(t, d, dir)
	}
}

// TestFindReportsUnreadableFolders checks that an unreadable folder does not count as one
// without a repository, unless a parent has one.
func TestFindReportsUnreadableFolders(t *testing.T) {
	dir := populate(t, "outer/manifests/", "outer/Containerfile", "outer/inner/", "alone/")
	for _, d := range []string{"outer/inner", "alone"} {
		if err := os.Symlink("manifests", dir+"/"+d+"/manifests"); err != nil {
			t.Fatal(err)
		}
	}
	checkFound(t, dir+"/outer/inner", dir+"/outer")
	_, err := repo.Find(dir + "/alone")
	if err == nil || errors.Is(err, repo.ErrNone) || !strings.Contains(err.Error(), "alone/manifests: too many levels of symbolic links") {
		t.Errorf("error %v", err)
	}
	if _, err := repo.Find(dir); !errors.Is(err, repo.ErrNone) {
		t.Errorf("error %v", err)
	}
}

// TestFindManifestsAlone has repositories about the user's part of a system, and a folder of
// manifests of something else.
func TestFindManifestsAlone(t *testing.T) {
	dir := populate(t, "mine/manifests/gsettings.json", "mine/deep/", "cluster/manifests/service.yaml", "mine/cluster/manifests/")
	checkFound(t, dir+"/mine/deep", dir+"/mine")
	checkFound(t, dir+"/mine/cluster", dir+"/mine")
	if _, err := repo.Find(dir + "/cluster"); !errors.Is(err, repo.ErrNone) {
		t.Errorf("error %v", err)
	}
	err := repo.Repo{Root: dir + "/mine"}.CheckImages()
	if want := "run \"bkt init " + dir + "/mine\" to add them"; err == nil || hint.Of(err)[0] != want {
		t.Errorf("error %v, hints %q", err, hint.Of(err))
	}
}

// TestFindAcceptsBrokenLinks checks that the error is about the Containerfile, not about a
// missing repository.
func TestFindAcceptsBrokenLinks(t *testing.T) {
	dir := populate(t, "manifests/")
	if err := os.Symlink("gone", dir+"/Containerfile"); err != nil {
		t.Fatal(err)
	}
	checkFound(t, dir, dir)
}

func TestFindRefusesWhatIsInNoRepository(t *testing.T) {
	dir := populate(t, "home/user/manifests/", "home/user/deep/")
	for _, d := range []string{"home/user", "home/user/deep", "home"} {
		_, err := repo.Find(filepath.Join(dir, d))
		if err == nil || err.Error() != filepath.Join(dir, d)+" is not in an image repository" {
			t.Errorf("error %v", err)
		}
		want := []string{"a repository has manifests/ with a manifest, or with a Containerfile beside it: change to one, name it with -C DIR or $BKT_REPO, or make one with \"bkt init DIR\"; with --default, bkt finds it from everywhere"}
		if diff := cmp.Diff(want, hint.Of(err)); diff != "" {
			t.Errorf("hints (-want +got):\n%s", diff)
		}
	}
}

// TestFindNamesNearRepositories checks the hints for folders that are almost repositories.
func TestFindNamesNearRepositories(t *testing.T) {
	for _, tt := range []struct {
		files []string
		in    string
		want  string // with DIR for the folder; "": the general hint
	}{
		{[]string{"manifests/", "Dockerfile", "deep/"}, "deep", "bkt does not read DIR/Dockerfile: rename it to Containerfile, or run \"ln -s Dockerfile Containerfile\" in DIR"},
		{[]string{"manifests/", "Containerfile.arm64"}, ".", "bkt does not read DIR/Containerfile.arm64: rename it to Containerfile, or run \"ln -s Containerfile.arm64 Containerfile\" in DIR"},
		{[]string{"manifests/", "toolbox/Dockerfile"}, ".", "bkt does not read DIR/toolbox/Dockerfile: rename it to toolbox/Containerfile, or run \"ln -s Dockerfile toolbox/Containerfile\" in DIR"},
		{[]string{"Containerfile"}, ".", "run \"bkt init DIR\" to make it one"},
		{[]string{"Dockerfile"}, ".", "run \"bkt init DIR\" to make it one"},
		{[]string{"Dockerfile", "deep/"}, "deep", ""},
		{[]string{"manifests/", "docker/"}, ".", ""},
	} {
		dir := populate(t, tt.files...)
		_, err := repo.Find(filepath.Join(dir, tt.in))
		hints := strings.ReplaceAll(strings.Join(hint.Of(err), "\n"), dir, "DIR")
		if !errors.Is(err, repo.ErrNone) || tt.want != "" && hints != tt.want || tt.want == "" && !strings.HasPrefix(hints, "a repository has ") {
			t.Errorf("%q: %v, hint %s", tt.files, err, hints)
		}
	}
}

func TestFindRefusesAFolderThatIsNotThere(t *testing.T) {
	dir := populate(t, "manifests/", "Containerfile")
	_, err := repo.Find(dir + "/gone")
	if err == nil || err.Error() != "stat "+dir+"/gone: no such file or directory" {
		t.Errorf("error %v", err)
	}
}

func TestPathsInTheRepository(t *testing.T) {
	dir := populate(t, "manifests/x.json", "Containerfile")
	r := repo.Repo{Root: dir}
	if got, want := r.Path("manifests/x.json"), filepath.Join(dir, "manifests", "x.json"); got != want {
		t.Errorf("Path: %s, not %s", got, want)
	}
	names, err := fs.Glob(r.FS(), "manifests/*")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"manifests/x.json"}, names); diff != "" {
		t.Errorf("FS (-want +got):\n%s", diff)
	}
	for name, want := range map[string]bool{"Containerfile": true, "manifests": true, "toolbox/Containerfile": false} {
		if r.Has(name) != want {
			t.Errorf("Has(%q) is %v", name, !want)
		}
	}
}

func TestName(t *testing.T) {
	dir := populate(t, "repo/manifests/", "repo/Containerfile", "repo/toolbox/", "repository/Containerfile")
	t.Chdir(dir + "/repo/toolbox")
	tests := []struct{ name, path, want string }{
		{"relative", "Containerfile", "toolbox/Containerfile"},
		{"relative, upwards", "../Containerfile", "Containerfile"},
		{"relative, not clean", ".././/toolbox/../Containerfile", "Containerfile"},
		{"absolute", dir + "/repo/manifests/x.json", "manifests/x.json"},
		{"not there", "gone/x", "toolbox/gone/x"},
		{"the repository", "..", "."},
		{"two dots in a name", "..x", "toolbox/..x"},
		{"two dots at the root", "../..x", "..x"},
		{"out and in again", "../../repo/Containerfile", "Containerfile"},
		{"the folder above", "../..", ""},
		{"beside the repository", "../../x", ""},
		{"a name that begins like the repository's", dir + "/repository/Containerfile", ""},
		{"elsewhere", "/etc/passwd", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := repo.Repo{Root: dir + "/repo"}.Name(tt.path)
			if tt.want != "" && err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
			if tt.want == "" {
				checkOutside(t, err, tt.path+" is not in the repository "+dir+"/repo")
			}
		})
	}
}

func checkOutside(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || err.Error() != want {
		t.Errorf("error %v, not %s", err, want)
	}
	if diff := cmp.Diff([]string{"name the repository with -C DIR"}, hint.Of(err)); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
}
