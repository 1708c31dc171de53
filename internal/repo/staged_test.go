package repo_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"bkt/internal/repo"

	"github.com/google/go-cmp/cmp"
)

// A fakeGit answers by the command, and prints blobs.
type fakeGit struct {
	answers map[string]string
	blobs   map[string]string
}

func (g fakeGit) Git(_ context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	if dir != "/repo" {
		return nil, fmt.Errorf("git runs in %s", dir)
	}
	if args[0] == "cat-file" {
		var out strings.Builder
		for _, id := range strings.Fields(string(stdin)) {
			if text, ok := g.blobs[id]; ok {
				fmt.Fprintf(&out, "%s blob %d\n%s\n", id, len(text), text)
			} else {
				fmt.Fprintf(&out, "%s missing\n", id)
			}
		}
		return []byte(out.String()), nil
	}
	answer, ok := g.answers[args[0]]
	if !ok {
		return nil, errors.New("git " + args[0] + " fails")
	}
	return []byte(answer), nil
}

func contents(t *testing.T, files fs.FS) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if e.Type() == fs.ModeSymlink {
			target, err := fs.ReadLink(files, name)
			all[name] = "-> " + target
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			text = []byte(err.Error())
		}
		all[name] = string(text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestStaged(t *testing.T) {
	const empty = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" // as git hashes it
	blobs := map[string]string{"1": "{}\n", "2": "FROM x\n", "3": "../templates/a.json", "4": "/etc/passwd", empty: "", "6": strings.Repeat("x", 1<<20+1)}
	entry := func(mode, id, stage, name string) string { return mode + " " + id + " " + stage + "\t" + name + "\x00" }
	file := func(id, name string) string { return entry("100644", id, "0", name) }
	tests := []struct {
		name, list, intended string
		want                 map[string]string
		err                  string
	}{
		{"nothing", "", "", map[string]string{}, ""},
		{"files", file("1", "manifests/x.json") + file("2", "Containerfile") + file(empty, "templates/empty"), "",
			map[string]string{"manifests/x.json": "{}\n", "Containerfile": "FROM x\n", "templates/empty": ""}, ""},
		{"a name with blanks", file("1", "manifests/a b.json"), "", map[string]string{"manifests/a b.json": "{}\n"}, ""},
		{"only intended to be added", file("1", "manifests/x.json") + file(empty, "manifests/new.json"), "manifests/new.json\x00", map[string]string{"manifests/x.json": "{}\n"}, ""},
		{"a link to another file", file("1", "templates/a.json") + entry("120000", "3", "0", "manifests/x.json"), "",
			map[string]string{"templates/a.json": "{}\n", "manifests/x.json": "{}\n"}, ""},
		{"a link that leads out, of a manifest", entry("120000", "4", "0", "manifests/x.json"), "", nil, "manifests/x.json: a symbolic link in git's index"},
		{"a link to a folder of manifests", entry("120000", "3", "0", "manifests"), "", nil, "manifests: a symbolic link in git's index"},
		{"a link that leads out, of a template", entry("120000", "4", "0", "templates/packages.tmpl"), "", nil, "templates/packages.tmpl: a symbolic link in git's index"},
		{"a link that leads out, elsewhere", entry("120000", "4", "0", "system/x"), "", map[string]string{"system/x": "-> /etc/passwd"}, ""},
		{"a large file that nothing reads", file("6", "toolbox/picture") + file("1", "manifests/x.json"), "", map[string]string{"manifests/x.json": "{}\n", "toolbox/picture": "read toolbox/picture: larger than 1 MiB, the limit"}, ""},
		{"a link to a large file", file("6", "templates/a.json") + entry("120000", "3", "0", "manifests/x.json"), "",
			map[string]string{"templates/a.json": "read templates/a.json: larger than 1 MiB, the limit", "manifests/x.json": "read manifests/x.json: larger than 1 MiB, the limit"}, ""},
		{"a submodule", entry("160000", "9", "0", "system/sub"), "", map[string]string{}, ""},
		{"a conflict", entry("100644", "1", "2", "manifests/x.json"), "", nil, "manifests/x.json: there is a conflict in git's index"},
		{"a missing blob", file("9", "manifests/x.json"), "", nil, "git cat-file: manifests/x.json: 9 missing"},
		{"not the output of git", "odd\x00", "", nil, `git ls-files: cannot parse "odd"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			git := fakeGit{map[string]string{"ls-files": tt.list, "diff-files": tt.intended}, blobs}
			files, err := repo.Repo{Root: "/repo"}.Staged(t.Context(), git)
			if tt.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, contents(t, files)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, answers := range []map[string]string{{}, {"ls-files": file(empty, "manifests/x.json")}} {
		if _, err := (repo.Repo{Root: "/repo"}).Staged(t.Context(), fakeGit{answers, nil}); err == nil {
			t.Errorf("%v: no error", answers)
		}
	}
}

func TestCommitted(t *testing.T) {
	list := "100644 blob 1\tmanifests/x.json\x00160000 commit 9\tsystem/sub\x00120000 blob 3\tmanifests/y.json\x00100644 blob 2\ttemplates/a.json\x00"
	git := fakeGit{map[string]string{"ls-tree": list}, map[string]string{"1": "{}\n", "2": "[]\n", "3": "../templates/a.json"}}
	files, err := repo.Repo{Root: "/repo"}.Committed(t.Context(), git)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"manifests/x.json": "{}\n", "manifests/y.json": "[]\n", "templates/a.json": "[]\n"}
	if diff := cmp.Diff(want, contents(t, files)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := (repo.Repo{Root: "/repo"}).Committed(t.Context(), fakeGit{}); err == nil {
		t.Error("no error without a commit")
	}
}

func TestCommittedBefore(t *testing.T) {
	git := fakeGit{map[string]string{"ls-tree": "100644 blob 1\tmanifests/x.json\x00"}, map[string]string{"1": "{}\n"}}
	for log, want := range map[string]map[string]string{"abc def\n": {"manifests/x.json": "{}\n"}, "\n": {}} {
		git.answers["log"] = log
		files, err := repo.Repo{Root: "/repo"}.CommittedBefore(t.Context(), git, "manifests/x.json")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, contents(t, files)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", log, diff)
		}
	}
	if _, err := (repo.Repo{Root: "/repo"}).CommittedBefore(t.Context(), fakeGit{}, "x"); err == nil {
		t.Error("no error without a commit")
	}
}

// TestOtherFiles checks what a commit has outside of the folders that are read at once:
// modes, links and texts are those of git, and are fetched once they are asked for.
func TestOtherFiles(t *testing.T) {
	index := "100755 1 0\tfiles/run\x00120000 3 0\tfiles/link\x00100644 2 0\tfiles/etc/motd\x00160000 9 0\tfiles/sub\x00100644 6 0\tfiles/large\x00"
	git := &countingGit{fakeGit: fakeGit{map[string]string{"ls-files": index}, map[string]string{"1": "#!/bin/sh\n", "2": "hello\n", "3": "/usr/x", "6": strings.Repeat("x", 1<<20+1)}}}
	files, err := repo.Repo{Root: "/repo"}.Staged(t.Context(), git)
	if err != nil {
		t.Fatal(err)
	}
	before := git.calls
	if _, err := fs.Stat(files, "toolbox/Containerfile"); !errors.Is(err, fs.ErrNotExist) || git.calls != before {
		t.Errorf("%v, %d calls of git", err, git.calls-before)
	}
	run, err := fs.Lstat(files, "files/run")
	if err != nil || run.Mode() != 0o755 {
		t.Errorf("%v, %v", run, err)
	}
	if target, err := fs.ReadLink(files, "files/link"); err != nil || target != "/usr/x" {
		t.Errorf("%q, %v", target, err)
	}
	var names []string
	err = fs.WalkDir(files, "files", func(name string, e fs.DirEntry, err error) error {
		names = append(names, e.Type().String()[:1]+name)
		return err
	})
	if diff := cmp.Diff([]string{"dfiles", "dfiles/etc", "-files/etc/motd", "-files/large", "Lfiles/link", "-files/run"}, names); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if text, err := fs.ReadFile(files, "files/etc/motd"); err != nil || string(text) != "hello\n" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := fs.ReadFile(files, "files/large"); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Error(err)
	}
	if _, err := fs.Lstat(files, "gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A countingGit counts its calls.
type countingGit struct {
	fakeGit
	calls int
}

func (g *countingGit) Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	g.calls++
	return g.fakeGit.Git(ctx, dir, stdin, args...)
}
