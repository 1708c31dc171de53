package autocapture

import (
	"bufio"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

// A desktop keeps the notifications that it shows.
type desktop struct{ shown []string }

// Notify is the method of the Desktop Notifications Specification.
func (d *desktop) Notify(app string, _ uint32, icon, summary, body string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	d.shown = append(d.shown, fmt.Sprintf("%s|%s|%s|%s", app, icon, summary, body))
	return uint32(len(d.shown)), nil
}

// TestNotify checks that a desktop shows errors with gdbus: each once, and as text,
// with any markup or quotes.
func TestNotify(t *testing.T) {
	testkit.Need(t, "dbus-daemon", "gdbus")
	d := startDesktop(t)
	took := func(seconds int) error {
		return fmt.Errorf("git: exit status 1: <b>it's 'not' \"today\"</b> & took %d s", seconds)
	}
	last := ""
	for _, err := range []error{took(1), took(2), errors.New("@as ['x']"), nil, took(3)} {
		last = notify(t.Context(), last, err)
	}
	want := []string{"&lt;b&gt;it&#39;s &#39;not&#39; &#34;today&#34;&lt;/b&gt; &amp; took 1 s", "@as [&#39;x&#39;]", "&lt;b&gt;it&#39;s &#39;not&#39; &#34;today&#34;&lt;/b&gt; &amp; took 3 s"}
	for i := range want {
		prefix := "git: exit status 1: "
		if i == 1 {
			prefix = ""
		}
		want[i] = "bkt|dialog-warning|Changes were not captured|" + prefix + want[i] + "\nRun “bkt auto-capture status” for details."
	}
	if diff := cmp.Diff(want, d.shown); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNotifyWithoutDesktop checks that an error that no desktop has shown is shown by a
// later run.
func TestNotifyWithoutDesktop(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	if last := notify(t.Context(), "", errors.New("refused")); last != "" {
		t.Error("it counts as shown")
	}
}

// TestNotifyUnread checks that the desktop shows what could not be read once, until it
// changes.
func TestNotifyUnread(t *testing.T) {
	testkit.Need(t, "dbus-daemon", "gdbus")
	d := startDesktop(t)
	last := ""
	for _, lines := range [][]string{{"gsettings: unavailable: damaged"}, {"gsettings: unavailable: damaged"}, {"appimages: /x cannot be read: denied"}, nil} {
		last = notify(t.Context(), last, unreadError(lines))
	}
	want := []string{
		"bkt|dialog-warning|Changes were not captured|not read: gsettings: unavailable: damaged\nRun “bkt auto-capture status” for details.",
		"bkt|dialog-warning|Changes were not captured|not read: appimages: /x cannot be read: denied\nRun “bkt auto-capture status” for details.",
	}
	if diff := cmp.Diff(want, d.shown); diff != "" || last != "" {
		t.Errorf("%q (-want +got):\n%s", last, diff)
	}
}

// TestFingerprint checks which errors are the same for the user.
func TestFingerprint(t *testing.T) {
	same := [][2]error{
		{errors.New("took 1 s"), errors.New("took 20 s")},
		{errors.New("a\nmore"), errors.New("a\nless")},
		{errors.Join(errors.New("a")), errors.New("a")},
	}
	for _, pair := range same {
		if fingerprint(pair[0]) != fingerprint(pair[1]) {
			t.Errorf("%q and %q differ", pair[0], pair[1])
		}
	}
	if fingerprint(errors.New("a")) == fingerprint(errors.New("b")) || fingerprint(nil) != "" || fingerprint(errors.New("")) == "" {
		t.Error("different errors have the same fingerprint")
	}
}

// startDesktop starts a bus with a desktop.
func startDesktop(t *testing.T) *desktop {
	t.Helper()
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address")
	out, err := bus.StdoutPipe()
	if err == nil {
		err = testkit.StartTied(bus)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = bus.Process.Kill()
		_ = bus.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	conn, err := dbus.Connect(strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d := &desktop{}
	err = conn.Export(d, "/org/freedesktop/Notifications", "org.freedesktop.Notifications")
	if err == nil {
		_, err = conn.RequestName("org.freedesktop.Notifications", 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}
