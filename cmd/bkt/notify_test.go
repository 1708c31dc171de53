package main

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

// A desktop shows what it is told to.
type desktop struct{ shown []string }

// Notify is that of the Desktop Notifications Specification.
func (d *desktop) Notify(app string, _ uint32, icon, summary, body string, _ []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	d.shown = append(d.shown, fmt.Sprintf("%s|%s|%s|%s", app, icon, summary, body))
	return uint32(len(d.shown)), nil
}

// TestNotify has gdbus tell a desktop of troubles: each once, and without taking
// what they say for markup or for more than text.
func TestNotify(t *testing.T) {
	testkit.Need(t, "dbus-daemon", "gdbus")
	d := startDesktop(t)
	r := &autoRound{}
	took := func(seconds int) error {
		return fmt.Errorf("git: exit status 1: <b>it's 'not' \"today\"</b> & took %d s", seconds)
	}
	r.notify(t.Context(), took(1))
	r.notify(t.Context(), took(2))
	r.notify(t.Context(), errors.New("@as ['x']"))
	r.notify(t.Context(), nil)
	r.notify(t.Context(), took(3))
	want := []string{"&lt;b&gt;it&#39;s &#39;not&#39; &#34;today&#34;&lt;/b&gt; &amp; took 1 s", "@as [&#39;x&#39;]", "&lt;b&gt;it&#39;s &#39;not&#39; &#34;today&#34;&lt;/b&gt; &amp; took 3 s"}
	for i := range want {
		prefix := "git: exit status 1: "
		if i == 1 {
			prefix = ""
		}
		want[i] = "bkt|dialog-warning|Changes were not captured|" + prefix + want[i] + "\n“bkt auto-capture status” tells more."
	}
	if diff := cmp.Diff(want, d.shown); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNotifyWithoutADesktop checks that what no desktop has shown counts as not told.
func TestNotifyWithoutADesktop(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	r := &autoRound{}
	r.notify(t.Context(), errors.New("refused"))
	if r.state.Told != "" {
		t.Error("it is noted as told")
	}
}

// startDesktop starts a bus that has a desktop.
func startDesktop(t *testing.T) *desktop {
	t.Helper()
	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address")
	out, err := bus.StdoutPipe()
	if err == nil {
		err = bus.Start()
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
