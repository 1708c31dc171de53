package mergedriver

import (
	"strings"
	"testing"

	"bkt/internal/manifest"
)

// TestCrash checks that a bug in the merge is an error, so that git's own merge takes its
// place.
func TestCrash(t *testing.T) {
	broken := manifest.File{Format: func(string, []byte) ([]byte, error) { panic("a bug") }}
	if _, err := items(broken, texts{base: []byte("{}")}); err == nil || !strings.HasPrefix(err.Error(), "internal error: a bug") {
		t.Error(err)
	}
}
