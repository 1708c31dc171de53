package services

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/testkit"
)

// listed is a unit in the output of systemctl list-unit-files.
type listed struct {
	Unit   string `json:"unit_file"`
	State  string `json:"state"`
	Preset string `json:"preset"`
}

// TestStatesAreThoseOfSystemctl compares the states of all units of this machine, and of a
// system with units of all kinds, with those in the output of systemctl.
func TestStatesAreThoseOfSystemctl(t *testing.T) {
	t.Run("system", func(t *testing.T) {
		s, err := Domain{}.system(manifest.Systemd{})
		if err != nil {
			t.Fatal(err)
		}
		compareWithSystemctl(t, s)
	})
	t.Run("user", func(t *testing.T) {
		home := t.TempDir()
		t.Setenv("HOME", home)
		t.Setenv("XDG_RUNTIME_DIR", home+"/run")
		for _, name := range []string{"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS"} {
			t.Setenv(name, "")
		}
		d := Domain{User: UserFolders{
			Config: home + "/.config", Data: home + "/.local/share", Runtime: home + "/run",
			ConfigDirs: []string{"/etc/xdg"}, DataDirs: []string{"/usr/local/share", "/usr/share"},
		}}
		makeTree(t, home, map[string]string{
			".config/systemd/user/mine.service":                      installable,
			".config/systemd/user/default.target.wants/mine.service": "-> ../mine.service",
			".config/systemd/user/gone.service":                      "-> /dev/null",
			".local/share/systemd/user/idle.service":                 installable,
		})
		compareWithSystemctl(t, d.user(manifest.UserUnits{}), "--user")
	})
	t.Run("all kinds", func(t *testing.T) {
		root := t.TempDir()
		makeTree(t, root, allKinds)
		s, err := (Domain{Root: root}).system(manifest.Systemd{})
		if err != nil {
			t.Fatal(err)
		}
		compareWithSystemctl(t, s, "--root="+root)
	})
}

func compareWithSystemctl(t *testing.T, s scope, args ...string) {
	t.Helper()
	u, err := s.units()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list(t, args...) {
		if l.State == "alias" || strings.HasSuffix(l.State, "-runtime") {
			continue
		}
		if got, want := u.live.state(l.Unit), stateOf(l.State); got != want {
			t.Errorf("%s is %q, and systemctl says %q", l.Unit, got, l.State)
		}
		enable, _ := u.rules.enable(l.Unit)
		if want := l.Preset == "enabled"; enable != want && l.Preset != "" {
			t.Errorf("the preset of %s is %v, and systemctl says %q", l.Unit, enable, l.Preset)
		}
	}
}

// stateOf returns the state for a state of systemctl.
func stateOf(listed string) state {
	switch listed {
	case "enabled", "disabled", "masked":
		return state(listed)
	case "linked":
		return disabled
	}
	return fixed
}

func list(t *testing.T, args ...string) []listed {
	t.Helper()
	testkit.Need(t, "systemctl")
	cmd := exec.Command("systemctl", append(args, "list-unit-files", "--output=json")...)
	cmd.Env = append(os.Environ(), "SYSTEMD_OFFLINE=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	if err := json.Unmarshal(out, &all); err != nil || len(all) == 0 {
		t.Fatalf("%d units: %v", len(all), err)
	}
	return all
}

const (
	installable = "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
	plain       = "[Service]\nExecStart=/bin/true\n"
)

// allKinds are units of every kind.
var allKinds = map[string]string{
	"usr/lib/systemd/system/on.service":                              installable,
	"usr/lib/systemd/system/off.service":                             installable,
	"usr/lib/systemd/system/static.service":                          plain,
	"usr/lib/systemd/system/also.service":                            plain + "[Install]\nAlso=off.service\n",
	"usr/lib/systemd/system/never.service":                           installable,
	"usr/lib/systemd/system/empty.service":                           "",
	"usr/lib/systemd/system/vendor-masked.service":                   "-> /dev/null",
	"usr/lib/systemd/system/required.service":                        plain + "[Install]\nRequiredBy=x.target\n",
	"usr/lib/systemd/system/aliased.service":                         plain + "[Install]\nAlias=dbus-aliased.service\n",
	"usr/lib/systemd/system/other.service":                           installable,
	"usr/lib/systemd/system/wanted-by-vendor.service":                plain,
	"usr/lib/systemd/system/x.target.wants/wanted-by-vendor.service": "-> ../wanted-by-vendor.service",
	"usr/lib/systemd/system/getty@.service":                          plain + "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n",
	"usr/lib/systemd/system/wg@.service":                             installable,
	"etc/systemd/system/local.service":                               installable,
	"etc/systemd/system/linked.service":                              "-> /opt/linked.service",
	"opt/linked.service":                                             installable,
	"etc/systemd/system/never.service":                               "-> /dev/null",
	"etc/systemd/system/nowhere.service":                             "-> /dev/null",
	"etc/systemd/system/multi-user.target.wants/on.service":          "-> /usr/lib/systemd/system/on.service",
	"etc/systemd/system/multi-user.target.wants/never.service":       "-> /usr/lib/systemd/system/never.service",
	"etc/systemd/system/multi-user.target.wants/dangling.service":    "-> /usr/lib/systemd/system/dangling.service",
	"etc/systemd/system/x.target.requires/required.service":          "-> /usr/lib/systemd/system/required.service",
	"etc/systemd/system/dbus-aliased.service":                        "-> /usr/lib/systemd/system/aliased.service",
	"etc/systemd/system/not-its-alias.service":                       "-> /usr/lib/systemd/system/other.service",
	"etc/systemd/system/getty.target.wants/getty@tty1.service":       "-> /usr/lib/systemd/system/getty@.service",
	"etc/systemd/system/multi-user.target.wants/wg@wg0.service":      "-> /usr/lib/systemd/system/wg@.service",
	"run/systemd/generator/made.service":                             plain,
	"usr/lib/systemd/system-preset/90-default.preset": "# vendor\nenable on.service\nenable getty@.service\nenable wg@.service wg0 wg1\n" +
		"disable of?.service\n\n; more\nenable [!a-n]*.service\n  enable local.service\nnonsense here\n",
	"usr/lib/systemd/system-preset/99-default-disable.preset": "disable *\n",
	"etc/systemd/system-preset/95-mine.preset":                "enable linked.service\n",
}

// makeTree creates files; the text of a link begins with "-> ".
func makeTree(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		target, link := strings.CutPrefix(text, "-> ")
		err := os.WriteFile(path, []byte(text), 0o644)
		if link {
			err = os.Remove(path)
			if err == nil {
				err = os.Symlink(target, path)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
