package main

import (
	"os"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

// TestServicesUnderSystemd has the real systemd of a user say what bkt has made of
// units, and bkt what systemctl has.
func TestServicesUnderSystemd(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount what a systemd of its own needs")
	}
	testkit.Need(t, "systemctl", "unshare", "nsenter", "setpriv")
	m := startSystemd(t)
	m.run("sh", "-euc", setUpUnits)
	started := m.fifo("started")
	bkt := func(args ...string) (string, error) {
		out, err := m.command(append([]string{"env", "BKT_SYSTEMD_ROOT=", "../" + odd + "/bkt", "-C", "repo"}, args...)...).CombinedOutput()
		return string(out), err
	}

	// The system is not the user's to change, which does not hold up the rest.
	out, err := bkt("apply", "services")
	if err == nil || !strings.Contains(out, "error: services: system/bkt-test.service: systemctl: ") || !strings.Contains(out, "hint: units of the system are changed by root") {
		t.Errorf("%v: %s", err, out)
	}
	if line, err := started.ReadString('\n'); line != "a\n" {
		t.Errorf("what is enabled is not started: %q, %v", line, err)
	}
	m.is("enabled", "a.service")
	m.is("masked", "b.service")
	m.is("disabled", "c.service")

	// What systemctl does is captured, but for what is gone at the next start.
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

// is checks what systemctl says of a unit, which fails for one that is not
// enabled.
func (m manager) is(state, unit string) {
	m.t.Helper()
	out, _ := m.command("systemctl", "--user", "is-enabled", "--", unit).CombinedOutput()
	if got := strings.TrimSpace(string(out)); got != state {
		m.t.Errorf("%s is %s, not %s", unit, got, state)
	}
}

// setUpUnits makes a repository, and three units of which one tells that it is
// started. What units the system has is none of its business.
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

// changeUnits leaves those of this machine's system out of what is captured.
const changeUnits = `
echo 'services:system/*' >repo/.bktignore
systemctl --user disable a.service
systemctl --user unmask b.service
systemctl --user enable --runtime b.service
systemctl --user enable c.service
`
