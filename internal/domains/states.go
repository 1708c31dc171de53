package domains

import (
	"bkt/internal/appimage"
	"bkt/internal/distrobox"
)

// States returns the functions that check files of domains which bkt cannot read again, by
// the patterns of their paths in bkt's folder for state. Their errors are
// [statefile.Problem]s.
func States() map[string]func(path string, text []byte) error {
	return map[string]func(string, []byte) error{
		"appimages/*.json":        appimage.CheckRecord,
		"distrobox/packages.json": distrobox.CheckManual,
	}
}
