package paths_test

import (
	"testing"

	"bkt/internal/paths"
)

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		p, dir string
		want   bool
	}{
		{"/a/b", "/a", true}, {"/a", "/a", true}, {"/a/", "/a", true}, {"/a", "/a/", true}, {"/a/b/c", "/a//b/", true},
		{"/ab", "/a", false}, {"/a/../b", "/a", false}, {"/a", "/a/b", false}, {"/", "/a", false},
		{"/a", "/", true}, {"/", "/", true}, {"$HOME/x", "$HOME", true}, {"a/b", "a", true}, {"ab", "a", false},
	} {
		if got := paths.Within(tt.p, tt.dir); got != tt.want {
			t.Errorf("%s within %s: %v", tt.p, tt.dir, got)
		}
	}
}
