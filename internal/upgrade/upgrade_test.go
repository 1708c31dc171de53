package upgrade

import (
	"encoding/json"
	"testing"

	"bkt/internal/distrobox"
	"bkt/internal/ocilayout"
	"bkt/internal/plan"
)

// TestIsCurrent checks when a container counts as made from an image.
func TestIsCurrent(t *testing.T) {
	for _, test := range []struct {
		name, was, id string
		same, want    bool
	}{
		{"the same image", "0123", "012345", true, true},
		{"another image", "0123", "987654", true, false},
		{"something else changes, too", "0123", "012345", false, false},
		{"a container of unknown image", "", "012345", true, false},
	} {
		p := Plan{Upgrade: distrobox.Upgrade{Was: test.was, Same: test.same}}
		if got := p.isCurrent(test.id); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// TestSource checks where an image comes from.
func TestSource(t *testing.T) {
	for _, test := range []struct {
		name   string
		plan   Plan
		pulled bool
		local  string
	}{
		{"a layout", Plan{Image: "oci-layout://x", layout: ocilayout.Image{Dir: "x"}}, false, candidateName},
		{"a local name", Plan{Image: "localhost/dev:1"}, false, "localhost/dev:1"},
		{"a name in a registry", Plan{Image: "quay.io/a/dev:1"}, true, "quay.io/a/dev:1"},
	} {
		if got := test.plan.isPulled(); got != test.pulled {
			t.Errorf("%s: pulled: %v", test.name, got)
		}
		if got := test.plan.localName(); got != test.local {
			t.Errorf("%s: local name %s", test.name, got)
		}
	}
}

// TestReport checks the output of --json and the text for each outcome.
func TestReport(t *testing.T) {
	p := Plan{
		Container: "dev", Image: "localhost/dev:1",
		Upgrade: distrobox.Upgrade{
			Backup: "dev-backup", DataLoss: []string{"changes to /etc/x"},
			Stages: []distrobox.Stage{{Title: "stop it", Steps: []plan.Step{plan.Run{Argv: []string{"podman", "stop", "dev"}}}}},
		},
	}
	for _, test := range []struct {
		outcome Outcome
		removed bool
		want    string
	}{
		{None, false, `"backup":"dev-backup",`},
		{Upgraded, false, `"result":"upgraded","backup":"dev-backup",`},
		{Upgraded, true, `"result":"upgraded",`},
		{Unchanged, false, `"result":"unchanged",`},
		{RolledBack, false, `"result":"rolled back",`},
	} {
		got, err := json.Marshal(p.Report(test.outcome, test.removed))
		want := `{"version":1,"box":"dev","image":"localhost/dev:1",` + test.want +
			`"loses":["changes to /etc/x"],"stages":[{"title":"stop it","commands":["podman stop dev"]}]}`
		if err != nil || string(got) != want {
			t.Errorf("%s, removed: %v: %s, %v", test.outcome, test.removed, got, err)
		}
	}
	if got, want := p.Text(true), "~ distrobox dev\n    loses changes to /etc/x\n    stop it\n      $ podman stop dev\n"; got != want {
		t.Errorf("text %q", got)
	}
}
