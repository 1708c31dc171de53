// Package version knows which version of bkt a program is of.
package version

import "runtime/debug"

// release is set by the linker: -X bkt/internal/version.release=v1.2.3.
var release string

// String returns the version that the build was given, or else the one that Go
// has stamped into the program.
func String() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
