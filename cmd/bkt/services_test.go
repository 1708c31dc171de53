package main

import (
	"strings"
	"testing"

	"bkt/internal/testkit"
)

// TestServicesUnderSystemd checks with the real systemd of a user that it has the unit
// states that bkt sets, and that bkt sees the states that systemctl sets.
func TestServicesUnderSystemd(t *testing.T) {
	testkit.NeedRoot(t, "mount what a systemd of its own needs")
	testkit.Need(t, "systemctl", "unshare", "nsenter", "setpriv")
	m := startSystemd(t)
	m.run("sh", "-euc", setUpUnits)
	started := m.fifo("started")
	bkt := func(args ...string) (string, error) {
		out, err := m.command(append([]string{"env", "BKT_SYSTEMD_ROOT=", "../" + odd + "/bkt", "-C", "repo"}, args...)...).CombinedOutput()
		return string(out), err
	}

	// The user may not change units of the system; the other units are changed.
	out, err := bkt("apply", "services")
	if err == nil || !strings.Contains(out, "error: services: system/bkt-test.service: systemctl: ") || !strings.Contains(out, "hint: units of the system can be changed by root") {
		t.Errorf("%v: %s", err, out)
	}
	if line, err := started.ReadString('\n'); line != "a\n" {
		t.Errorf("what is enabled is not started: %q, %v", line, err)
	}
	m.is("enabled", "a.service")
	m.is("masked", "b.service")
	m.is("disabled", "c.service")

	// The states that systemctl sets are captured, except those until the next boot.
	m.run("sh", "-euc", changeUnits)
	m.is("enabled-runtime", "b.service")
	if out, err := bkt("capture", "services"); err != nil || !strings.Contains(out, "- user/a.service") {
		t.Errorf("%v: %s", err, out)
	}
	want := `{
  "services": {
    "bkt-test.service": "masked"
  },
  "user": {
    "c.service": "enabled"
  }
}
`
	if got := m.run("cat", "repo/manifests/systemd-services.json"); got != want {
		t.Errorf("captured: %s", got)
	}
}

// is checks the state of a unit. systemctl fails for a unit that is not enabled.
func (m manager) is(state, unit string) {
	m.t.Helper()
	out, _ := m.command("systemctl", "--user", "is-enabled", "--", unit).CombinedOutput()
	if got := strings.TrimSpace(string(out)); got != state {
		m.t.Errorf("%s is %s, not %s", unit, got, state)
	}
}

// setUpUnits makes a repository that ignores the units of the system, and three units.
// One of them reports when it starts.
const setUpUnits = `
units=$XDG_DATA_HOME/systemd/user
mkdir -p "$units" repo/manifests
mkfifo started
for u in a b c; do
	printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c "echo '$u' >%%h/started"\n[Install]\nWantedBy=default.target\n' >"$units/$u.service"
done
systemctl --user daemon-reload
echo FROM scratch >repo/Containerfile
echo {} >repo/manifests/image.json
echo '{"services": {"bkt-test.service": "masked"}, "user": {"a.service": "enabled", "b.service": "masked"}}' >repo/manifests/systemd-services.json
`

// changeUnits changes units, and ignores units of this machine.
const changeUnits = `
echo 'services:system/*' >repo/.bktignore
systemctl --user disable a.service
systemctl --user unmask b.service
systemctl --user enable --runtime b.service
systemctl --user enable c.service
`
