package scaffold

import (
	"strings"
	"testing"

	"bkt/internal/version"
)

func TestReleaseOf(t *testing.T) {
	commit := strings.Repeat("0123456789", 4)
	const url = "https://github.com/someone/bkt/releases"
	local := Release{Action: "./.github/actions/bkt"}
	for name, tt := range map[string]struct {
		info version.Info
		want Release
	}{
		"a release":              {version.Info{Release: "v1.2.3", Releases: url, Commit: commit}, Release{"v1.2.3", url, "someone/bkt@" + commit + " # v1.2.3"}},
		"a candidate":            {version.Info{Release: "v1.2.3-rc.1", Releases: url, Commit: commit}, Release{"v1.2.3-rc.1", url, "someone/bkt@" + commit + " # v1.2.3-rc.1"}},
		"elsewhere":              {version.Info{Release: "v1.2.3", Releases: "https://example.org/bkt", Commit: commit}, Release{"v1.2.3", "https://example.org/bkt", local.Action}},
		"no commit":              {version.Info{Release: "v1.2.3", Releases: url}, Release{"v1.2.3", url, local.Action}},
		"no address":             {version.Info{Release: "v1.2.3", Commit: commit}, local},
		"a commit after release": {version.Info{Release: "v1.2.3-4-g0123456", Releases: url, Commit: commit}, local},
		"a changed work tree":    {version.Info{Release: "v1.2.3", Releases: url, Commit: commit, Modified: true}, local},
	} {
		if got := releaseOf(tt.info); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}
