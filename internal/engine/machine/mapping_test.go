package machine

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
)

// TestWithFree checks that only free ids are suggested to a user without ids.
func TestWithFree(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		at := filepath.Join(dir, name)
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return at
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	some := file("some", "# handed out\n\na:100000:65536\nb:300000:10\n")
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"none are handed out", []string{dir + "/none", file("empty", "")}, `run "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 me"`},
		{"some are", []string{dir + "/none", some}, `run "sudo usermod --add-subuids 300010-365545 --add-subgids 300010-365545 me"`},
		{"one cannot be read", []string{loop, some}, "the free ids are unknown: " + loop + ": too many levels of symbolic links"},
		{"another cannot be read", []string{some, loop}, "the free ids are unknown: "},
		{"a line without a number", []string{file("word", "a:many:65536\n")}, `the free ids are unknown: ` + dir + `/word: "a:many:65536": strconv.Atoi: `},
		{"half a line", []string{file("half", "a:100000\n")}, `the free ids are unknown: ` + dir + `/half: "a:100000": not NAME:FIRST:COUNT`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hints := hint.Of(withFree(errors.New("none"), "me", tt.files...))
			if len(hints) != 1 || !strings.Contains(hints[0], tt.want) {
				t.Errorf("%q", hints)
			}
		})
	}
}
