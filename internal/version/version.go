// Package version tells what the linker has set: the version of bkt, the commit it is
// built from, and the address of its releases.
package version

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// The linker sets these, such as with -X bkt/internal/version.release=v1.2.3.
var (
	release     string
	commit      string // in full
	date        string // of the commit, in the format of RFC 3339
	releasesURL string // such as https://example.org/bkt/releases
)

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

// ReleasesURL returns the address of the page of all releases, without a slash at its
// end. It is the only such address: texts that name releases ask for it. It is empty in a
// program whose builder named none.
func ReleasesURL() string { return strings.TrimRight(releasesURL, "/") }

// AtReleases returns the end of a hint, "; releases are at ADDRESS", or "" if no address is
// known.
func AtReleases() string {
	if url := ReleasesURL(); url != "" {
		return "; releases are at " + url
	}
	return ""
}

// Info is what --version prints with --json. Version increases when a field changes its
// meaning or is removed.
type Info struct {
	Version  int    `json:"version"`
	Program  string `json:"program"`            // bkt or bkt-engine
	Release  string `json:"release"`            // what [String] returns
	Commit   string `json:"commit,omitempty"`   // in full
	Date     string `json:"date,omitempty"`     // of the commit, in the format of RFC 3339
	Modified bool   `json:"modified,omitempty"` // the work tree is known to have had changes
	Go       string `json:"go"`                 // the version of Go
	Platform string `json:"platform"`           // such as linux/amd64
	Releases string `json:"releases,omitempty"`
}

// Of returns what is known about program, which is running. Commit and date come from the
// linker, or else from what Go stamps into programs that "go build" makes in a work tree.
func Of(program string) Info {
	i := Info{
		Version: 1, Program: program, Release: String(), Commit: commit, Date: date,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Releases: ReleasesURL(),
	}
	if built, ok := debug.ReadBuildInfo(); ok {
		i.stamp(built.Settings)
	}
	return i
}

// stamp takes what Go knows about the commit, unless the linker has set the commit.
func (i *Info) stamp(settings []debug.BuildSetting) {
	vcs := map[string]string{}
	for _, s := range settings {
		vcs[s.Key] = s.Value
	}
	i.Modified = vcs["vcs.modified"] == "true" || strings.HasSuffix(i.Release, "-dirty") // of git describe
	if i.Commit == "" {
		i.Commit = vcs["vcs.revision"]
		i.Date = cmp.Or(i.Date, vcs["vcs.time"])
	}
}

// shortCommit is the number of characters of a commit that people read.
const shortCommit = 12

// String returns the line that --version prints: "bkt v1.2.3 (commit 0123456789ab, 2026-01-31)".
func (i Info) String() string {
	var more []string
	if i.Commit != "" {
		more = append(more, "commit "+i.Commit[:min(shortCommit, len(i.Commit))])
	}
	if day, _, _ := strings.Cut(i.Date, "T"); day != "" {
		more = append(more, day)
	}
	if len(more) == 0 {
		return i.Program + " " + i.Release
	}
	return fmt.Sprintf("%s %s (%s)", i.Program, i.Release, strings.Join(more, ", "))
}

// Print prints what is known about program, as a line or as JSON.
func Print(w io.Writer, program string, asJSON bool) error {
	info := Of(program)
	if !asJSON {
		_, err := fmt.Fprintln(w, info)
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(info)
}
