package scaffold

import (
	"regexp"
	"strings"

	"bkt/internal/version"
)

// localAction is where a repository has its own copy of the action.
const localAction = ".github/actions/bkt"

// A Release is what the workflow of a repository installs, and the action that does it.
type Release struct {
	Version string // "": the user names an archive
	URL     string // of all releases
	Action  string // what the steps of the workflow use
}

// isRelease matches the versions of releases. Their archives have names that tell them.
var isRelease = regexp.MustCompile(`^v\d+\.\d+\.\d+(-(alpha|beta|rc)\.\d+)?$`)

// releaseOf returns what a workflow uses that a program writes. A program that is no release,
// or does not know the address of releases, cannot name any. The action is that of the commit
// of the release, if it is on GitHub; otherwise the repository gets a copy.
func releaseOf(i version.Info) Release {
	r := Release{Action: "./" + localAction}
	if !isRelease.MatchString(i.Release) || i.Releases == "" || i.Modified {
		return r
	}
	r.Version, r.URL = i.Release, i.Releases
	name, isGitHub := strings.CutPrefix(strings.TrimSuffix(i.Releases, "/releases"), "https://github.com/")
	if isGitHub && len(i.Commit) == 40 {
		r.Action = name + "@" + i.Commit + " # " + i.Release
	}
	return r
}
