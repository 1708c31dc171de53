package status

import (
	"strings"
	"testing"

	"bkt/internal/live"
	"bkt/internal/reconcile"
	"bkt/internal/report"

	"github.com/google/go-cmp/cmp"
)

// TestText checks each line of a status, for values that are known, unknown and
// different.
func TestText(t *testing.T) {
	items := []report.Item{{Case: reconcile.CaseLive}, {Case: reconcile.CaseNew}, {Case: reconcile.CaseMissing}, {Case: reconcile.CaseConflict}}
	st := Status{
		Files: []File{
			{Name: "Containerfile", State: "in step"},
			{Name: "toolbox/Containerfile", State: "stale", Sections: []string{"A", "B"}},
			{Name: "other", State: "stale", Undecided: true},
			{Name: "broken", State: "broken:1: error"},
		},
		Booted:      &Booted{Image: "quay.io/x:1", Digest: "sha256:0123456789abcdef", Wanted: "quay.io/me"},
		Staged:      true,
		UnreadFiles: []UnreadFile{{Message: "manifests/x.json: unknown", Hints: []string{"move it"}}},
		Toolbox:     &Toolbox{Name: "dev", Image: "quay.io/t:1", Wanted: "quay.io/mine"},
		Domains: []report.Domain{{Name: "services", InStep: 5, Items: items, Notes: []string{"a note"}},
			{Name: "appimages", InStep: 1, Hidden: []string{"x"}, Unread: []report.UnreadPart{{What: "x.AppImage", Error: "denied\nreally"}}},
			{Name: "gsettings", Reason: "no dconf"},
		},
		Uncommitted:      []string{"a", "b"},
		UncommittedError: "git failed",
		undoable:         1,
	}
	want := `Containerfile: up to date
toolbox/Containerfile: stale A, B (run "bkt containerfile sync" to update it)
other: stale (run "bkt containerfile sync" to list text that comes from no manifest)
broken: broken:1: error
booted image: quay.io/x:1 sha256:0123456789ab…, not the image of this repository (run "bootc switch quay.io/me" to change to it)
a new image is staged: it is used after the next boot
toolbox: container dev, image quay.io/t:1; the image of this repository is quay.io/mine
manifests/x.json: unknown
services: 5 up to date, 2 changed on this system, 1 changed in the manifest, 1 in conflict
  a note
appimages: 1 up to date, 1 could not be read
  not read: x.AppImage: denied (and 1 more)
gsettings: unavailable: no dconf
changed on this system: "bkt capture" accepts that, "bkt apply --restore" undoes it
not committed: unknown: git failed
not committed: a, b
`
	if diff := cmp.Diff(want, st.Text()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	st.undoable = 0 // what changed is only what the system can know
	if strings.Contains(st.Text(), live.BothWays) {
		t.Errorf("an apply cannot undo that:\n%s", st.Text())
	}
	unknown := Status{Booted: &Booted{Error: "bootc failed"}, StagedError: "denied", Toolbox: &Toolbox{Error: "broken"}, UnreadFilesError: "denied", DomainsError: "run as root"}
	want = `booted image: unknown: bootc failed
whether an image is staged is unknown: denied
toolbox: unknown: broken
files that bkt does not read: unknown: denied
not read: flatpak-apps, gsettings and all other domains: run as root
`
	if diff := cmp.Diff(want, unknown.Text()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
