package buildspec_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/buildspec"
	"bkt/internal/dockerfile"

	"github.com/google/go-cmp/cmp"
	"github.com/tonistiigi/fsutil"
)

// writeFiles writes files into a new folder.
func writeFiles(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// filesOf returns the paths of the files in a tree, and their content.
func filesOf(t *testing.T, tree fsutil.FS) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := tree.Walk(t.Context(), "", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := tree.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestIgnoreFiles checks which ignore file counts, that the engine gets this one, and that
// the inputs of a build are without what it excludes.
func TestIgnoreFiles(t *testing.T) {
	tests := []struct {
		name   string
		files  map[string]string // each excludes a file of its own
		counts string            // the file that is excluded
		says   string            // of the files that are not read
	}{
		{"of docker", map[string]string{".dockerignore": "1"}, "1", ""},
		{"of podman", map[string]string{".containerignore": "1"}, "1", ""},
		{"of both", map[string]string{".dockerignore": "1", ".containerignore": "2"}, "2", ".dockerignore is not read, because .containerignore exists"},
		{"of both, the same", map[string]string{".dockerignore": "1", ".containerignore": "# podman\n1\n"}, "1", ""},
		{"of a Containerfile, of docker", map[string]string{"d/C.dockerignore": "1", ".dockerignore": "2", ".containerignore": "3"}, "1", ""},
		{"of a Containerfile, of podman", map[string]string{"d/C.containerignore": "1", ".dockerignore": "2"}, "1", ".dockerignore is not read, because C.containerignore exists"},
		{"of a Containerfile, of both", map[string]string{"d/C.dockerignore": "1", "d/C.containerignore": "2"}, "1", ""},
		{"empty, of podman", map[string]string{".containerignore": "", ".dockerignore": "1"}, "", ".dockerignore is not read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeFiles(t, tt.files)
			for name, text := range map[string]string{"d/C": "FROM scratch\nCOPY 1 2 3 /\n", "1": "", "2": "", "3": ""} {
				if err := os.MkdirAll(filepath.Join(dir, "d"), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s := buildspec.Spec{Containerfile: "d/C", Context: dir}
			sent, err := s.ContainerfileFS(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := filesOf(t, sent)
			if text := got["d/C.dockerignore"]; !strings.HasSuffix(text, tt.counts+"\n") && !strings.HasSuffix(text, tt.counts+"\n\n") || got["d/C"] == "" || len(got) != 2 {
				t.Errorf("the engine gets %q", got)
			}
			for _, name := range []string{"1", "2", "3"} {
				if counts := changes(t, s, filepath.Join(dir, name)); counts == (name == tt.counts) {
					t.Errorf("%s is part of the inputs: %v", name, counts)
				}
			}
			if err := s.UnreadIgnore(dir); err == nil && tt.says != "" || err != nil && (tt.says == "" || !strings.HasPrefix(err.Error(), tt.says)) {
				t.Errorf("says %v, not %s", err, tt.says)
			}
		})
	}
}

// TestWrongIgnoreFile checks that the error about a pattern names the file and the pattern.
func TestWrongIgnoreFile(t *testing.T) {
	for _, pattern := range []string{"[", "!", "[z-a]", "![z-a]"} {
		dir := writeFiles(t, map[string]string{"Containerfile": "FROM scratch\nCOPY . /\n", ".containerignore": "a\n" + pattern + "\n"})
		s := buildspec.Spec{Containerfile: filepath.Join(dir, "Containerfile"), Context: dir}
		_, err := s.SourcesDigest(t.Context(), nil)
		if want := fmt.Sprintf("%s: pattern %q", filepath.Join(dir, ".containerignore"), pattern); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// changes reports whether the digest of the inputs changes with a file.
func changes(t *testing.T, s buildspec.Spec, file string) bool {
	t.Helper()
	before, err := s.SourcesDigest(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	after, err := s.SourcesDigest(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return before != after
}

// TestContainerfileIsSentAlone checks that the folder with the Containerfile has no other
// file, and can be filtered as BuildKit does.
func TestContainerfileIsSentAlone(t *testing.T) {
	dir := writeFiles(t, map[string]string{"a/b/C": "FROM scratch\n", "a/b/other": "", ".dockerignore": "x"})
	sent, err := buildspec.Spec{Containerfile: "a/b/C", Context: dir}.ContainerfileFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{"a/b/C", "a/b/C.dockerignore"}, {"a/b/C"}, {"none"}} {
		only, err := fsutil.NewFilterFS(sent, &fsutil.FilterOpt{FollowPaths: paths})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for name, text := range map[string]string{"a/b/C": "FROM scratch\n", "a/b/C.dockerignore": "x\n"} {
			for _, path := range paths {
				if name == path {
					want[name] = text
				}
			}
		}
		if diff := cmp.Diff(want, filesOf(t, only)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", paths, diff)
		}
	}
	if _, err := sent.Open("a/b/other"); err == nil {
		t.Error("another file can be opened")
	}
}

// TestIgnoreFileOfFolder checks the ignore files of folders that are contexts.
func TestIgnoreFileOfFolder(t *testing.T) {
	tests := []struct {
		files map[string]string
		want  []string
	}{
		{map[string]string{".dockerignore": "1"}, []string{".dockerignore", "2"}},
		{map[string]string{".containerignore": "1"}, []string{".containerignore", "2"}},
		{map[string]string{".containerignore": "1", ".dockerignore": "2"}, []string{".containerignore", "2"}},
	}
	for _, tt := range tests {
		dir := writeFiles(t, tt.files)
		for _, name := range []string{"1", "2"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		tree, err := buildspec.FolderFS(dir)
		if err != nil {
			t.Fatal(err)
		}
		got := filesOf(t, tree)
		if len(got) != len(tt.want) {
			t.Errorf("%v: %v", tt.files, got)
		}
		for _, name := range tt.want {
			if _, ok := got[name]; !ok {
				t.Errorf("%v: %v", tt.files, got)
			}
		}
	}
}

// TestNamesInOtherEncodings checks that a file whose name is not UTF-8 is an error where
// an instruction asks for it, that it is not sent elsewhere, and that the line in the hint
// excludes it.
func TestNamesInOtherEncodings(t *testing.T) {
	const odd, line = "caf\xe9*.conf", `system/caf?\*.conf`
	tests := []struct {
		name, text string
		err        string
	}{
		{"not asked for", "COPY manifests /", ""},
		{"another file of its folder", "COPY system/a.conf /", ""},
		{"a section that names its files", "RUN --mount=type=bind,source=system,target=/tmp/system true", ""},
		{"its folder", "COPY system /", `system/caf\xe9*.conf: the name is not UTF-8`},
		{"everything", "COPY . /", `system/caf\xe9*.conf: the name is not UTF-8`},
		{"a wildcard", "COPY system/*.conf /", `system/caf\xe9*.conf: the name is not UTF-8`},
		{"a mount", "RUN true\nRUN --mount=type=bind,source=system,target=/tmp/system true", `system/caf\xe9*.conf: the name is not UTF-8`},
		{"a folder of its own, other file", "COPY --from=extra /a.conf /", ""},
		{"a folder of its own", "COPY --from=extra / /", `EXTRA/caf\xe9*.conf: the name is not UTF-8`},
		{"a folder as a stage", "FROM extra", `EXTRA/caf\xe9*.conf: the name is not UTF-8`},
		{"a link", "COPY links /", "links/link: the target of the link is not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{"system/a.conf": "", "system/" + odd: "", "manifests/a": "", "links/a": ""})
			if err := os.Symlink(odd, filepath.Join(dir, "links/link")); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "C"), []byte("FROM scratch\n"+tt.text+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			s := buildspec.Spec{Containerfile: "C", Context: dir, NamedLines: []int{2}}
			if strings.Contains(tt.text, "extra") {
				s.Folders = map[string]string{"extra": filepath.Join(dir, "system")}
			}
			f, err := s.Parse()
			if err != nil {
				t.Fatal(err)
			}
			_, errInputs := s.SourcesDigest(t.Context(), nil)
			for _, err := range []error{errInputs, s.CheckNames(t.Context(), f, nil)} {
				want := strings.Replace(tt.err, "EXTRA", filepath.Join(dir, "system"), 1)
				if err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
					t.Errorf("error %v, not %s", err, want)
				}
			}
			excluded(t, s, f, line)
			for _, tree := range sentOf(t, s) {
				for name := range filesOf(t, tree) {
					if strings.Contains(name, "\xe9") || name == "links/link" {
						t.Errorf("%q is sent", name)
					}
				}
			}
		})
	}
}

// excluded checks that the line excludes the file.
func excluded(t *testing.T, s buildspec.Spec, f *dockerfile.File, line string) {
	t.Helper()
	err := os.WriteFile(filepath.Join(s.Context, ".containerignore"), []byte(line+"\nlinks/link\n"), 0o644)
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Context, "system", ".dockerignore"), []byte(strings.TrimPrefix(line, "system/")), 0o644)
	}
	if err == nil {
		err = s.CheckNames(t.Context(), f, nil)
	}
	if err != nil {
		t.Errorf("with %q excluded: %v", line, err)
	}
}

// sentOf returns the trees that an engine can read.
func sentOf(t *testing.T, s buildspec.Spec) []fsutil.FS {
	t.Helper()
	all := make([]fsutil.FS, 0, 2)
	tree, err := s.ContextFS(s.Context, nil)
	all = append(all, tree)
	for _, dir := range s.Folders {
		if err == nil {
			tree, err = buildspec.FolderFS(dir)
			all = append(all, tree)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}
