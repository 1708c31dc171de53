// Package version has the version of bkt.
package version

import "runtime/debug"

// release is set by the linker: -X bkt/internal/version.release=v1.2.3.
var release string

// String returns the version that the linker set, or else the one that Go stamped into
// the program.
func String() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
