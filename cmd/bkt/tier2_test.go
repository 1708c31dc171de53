package main

import (
	"bufio"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/testkit"

	"github.com/rogpeppe/go-internal/testscript"
)

// standIns are programs that behave like those of the desktop as far as bkt uses
// them. They store their state in the same files, or in the same folders. Each is the
// test binary.
func standIns() map[string]func() {
	return map[string]func(){
		"dconf":                standInDconf,
		"distrobox":            standInDistrobox,
		"flatpak":              standInFlatpak,
		"gdbus":                standInGdbus,
		"glib-compile-schemas": standInCompile,
		"gnome-shell":          standInShell,
		"gsettings":            standInGsettings,
		"podman":               standInPodman,
		"systemctl":            standInSystemctl,
	}
}

// TestTier2 runs the scripts of the running system's domains twice: with stand-ins,
// and with the real programs, if they are installed. The scripts find:
//
//	$HOST    the name of this computer
//	$CALLS   a file with a line for each call of a stand-in
//	$RUNTIME the program that AppImages start with
//	[real]   whether the programs are the real ones
//
// and the variables of flatpaks. The real programs find a bus of their own, as the bus
// of the session and of the system.
func TestTier2(t *testing.T) {
	t.Parallel()
	t.Run("stand-ins", func(t *testing.T) {
		t.Parallel()
		runTier2(t, false, withRuntime(fakeRuntime(t), withStandIns), fakeFlatpaks(t))
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		testkit.Need(t, "dbus-daemon", "dconf", "gsettings", "glib-compile-schemas", "gnome-shell", "gdbus")
		runTier2(t, true, withRuntime(realRuntime(t), withBus), realFlatpaks(t))
	})
}

func runTier2(t *testing.T, real bool, surround func(*testscript.Env) error, f flatpaks) {
	p := testkit.Params("testdata/tier2")
	maps.Copy(p.Cmds, extensionCommands())
	maps.Copy(p.Cmds, appImageCommands())
	p.Condition = func(name string) (bool, error) {
		if name != "real" {
			return false, fmt.Errorf("there is no condition %q", name)
		}
		return real, nil
	}
	p.Setup = func(env *testscript.Env) error {
		if err := testkit.Isolate(env); err != nil {
			return err
		}
		host, err := os.Hostname()
		env.Setenv("HOST", host)
		for name, dir := range map[string]string{
			"FLATPAK_SYSTEM_DIR":       "flatpak",
			"FLATPAK_SYSTEM_CACHE_DIR": "flatpak-cache",
			"FLATPAK_CONFIG_DIR":       "flatpak-etc",
		} {
			env.Setenv(name, filepath.Join(env.WorkDir, ".test", dir))
		}
		if err != nil {
			return err
		}
		f.setenv(env)
		return surround(env)
	}
	testscript.Run(t, p)
}

// withStandIns installs the stand-ins, and creates the socket of a bus.
func withStandIns(env *testscript.Env) error {
	if err := installStandIns(env); err != nil {
		return err
	}
	bus, err := net.Listen("unix", filepath.Join(env.WorkDir, ".test", "bus")) // no stand-in uses it
	if err != nil {
		return err
	}
	env.Defer(func() { _ = bus.Close() })
	env.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+bus.Addr().String())
	env.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
	return nil
}

// installStandIns puts the stand-ins into the first folder of PATH.
func installStandIns(env *testscript.Env) error {
	bin := filepath.Join(env.WorkDir, ".test", "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	for name := range standIns() {
		script := fmt.Sprintf("#!/bin/sh\necho \"%s $*\" >>\"$CALLS\"\nexec standin-%s \"$@\"\n", name, name)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(bin, "distrobox-export"), []byte(fakeExport), 0o755); err != nil {
		return err
	}
	env.Setenv("PATH", bin+":"+env.Getenv("PATH"))
	env.Setenv("DBX_CONTAINER_MANAGER", "podman")
	share := filepath.Join(env.WorkDir, ".test", "share")
	env.Setenv("XDG_DATA_DIRS", share)
	if err := writeSchemas(share); err != nil {
		return err
	}
	env.Setenv("CALLS", filepath.Join(env.WorkDir, ".test", "calls"))
	return nil
}

// withBus starts a bus. The variables of all folders must be set: programs that the bus
// starts have its environment.
func withBus(env *testscript.Env) error {
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address")
	cmd.Env, cmd.Dir = env.Vars, env.WorkDir
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := testkit.StartTied(cmd); err != nil {
		return err
	}
	env.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it then removes its socket
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("dbus-daemon: %w", err)
	}
	env.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	env.Setenv("DBUS_SYSTEM_BUS_ADDRESS", strings.TrimSpace(address))
	return nil
}
