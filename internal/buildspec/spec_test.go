package buildspec_test

import (
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/buildspec"
)

// TestRemoteBelowLinterComments checks that comments for BuildKit's linter above
// instructions are accepted.
func TestRemoteBelowLinterComments(t *testing.T) {
	dir := t.TempDir()
	text := "# check=skip=all\nFROM quay.io/a/b:1 AS b\n# check=skip=all\nRUN true\n# check=nonsense\nFROM b\n"
	if err := os.WriteFile(filepath.Join(dir, "Containerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	names, err := buildspec.Spec{Containerfile: "Containerfile", Context: dir}.Remote()
	if err != nil || !slices.Equal(names, []string{"quay.io/a/b:1"}) {
		t.Errorf("%q, %v", names, err)
	}
}

// TestLinksOfTheContext checks that what links lead to is never part of the inputs of a
// build, and that a Containerfile or an ignore file outside of the context is an error.
func TestLinksOfTheContext(t *testing.T) {
	outside := t.TempDir()
	write := func(dir string, files map[string]string) string {
		t.Helper()
		for name, text := range files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			to, isLink := strings.CutPrefix(text, "->")
			err := os.WriteFile(path, []byte(text), 0o644)
			if isLink {
				err = errors.Join(os.Remove(path), os.Symlink(to, path))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	write(outside, map[string]string{"secret": "hunter2", "dir/secret": "hunter2", "Containerfile": "FROM scratch\nCOPY . /\n"})
	good := map[string]string{"Containerfile": "FROM scratch\nCOPY . /\n", "file": "x"}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(good)
		maps.Copy(all, more)
		return all
	}
	tests := []struct {
		name  string
		files map[string]string
		err   string
	}{
		{"links to files and folders", with(map[string]string{"link": "->" + outside + "/secret", "dir": "->" + outside + "/dir", "sub/up": "->../../x"}), ""},
		{"Containerfile inside", with(map[string]string{"Containerfile": "->sub/c", "sub/c": "FROM scratch\nCOPY . /\n"}), ""},
		{"Containerfile outside", with(map[string]string{"Containerfile": "->" + outside + "/Containerfile"}), "Containerfile: a link to " + outside + "/Containerfile, which is outside of "},
		{"a large Containerfile", with(map[string]string{"Containerfile": "FROM scratch\n" + strings.Repeat("#\n", 1<<19)}), "Containerfile: larger than 1 MiB, the limit"},
		{"ignore file outside", with(map[string]string{".dockerignore": "->" + outside + "/secret"}), ".dockerignore: a link to " + outside + "/secret, which is outside of "},
		{"a large ignore file", with(map[string]string{"Containerfile.dockerignore": strings.Repeat("#\n", 1<<20)}), "Containerfile.dockerignore: larger than 1 MiB, the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t.TempDir(), tt.files)
			spec := buildspec.Spec{Containerfile: "Containerfile", Context: dir}
			first, err := spec.SourcesDigest(t.Context(), nil)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, not %s", err, tt.err)
				}
				return
			}
			write(outside, map[string]string{"secret": rand.Text(), "dir/secret": rand.Text(), "dir/" + rand.Text(): ""})
			second, errSecond := spec.SourcesDigest(t.Context(), nil)
			if err != nil || errSecond != nil || first != second {
				t.Errorf("%s, then %s: %v, %v", first, second, err, errSecond)
			}
		})
	}
}
