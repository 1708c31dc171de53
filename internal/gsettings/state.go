package gsettings

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/gvariant"
)

// Settings that programs change by themselves while they are used were not chosen by
// the user, and settings that reveal where someone is are private. Neither is captured
// unless it is declared. Settings with a secret are observed like all others: capture
// asks about them, or names them.

// stateNames are the names of keys, as patterns.
var stateNames = []string{
	"window-*", "*-window-size", "maximized", "is-maximized", "initial-size", "geometry", "last-*", "recent-*",
	"*-history", "*-timestamp", "*-last-shown*", "first-run", "migrated*", "sidebar-width", "paned-position",
}

// wishes are folders with keys that the user sets although they have names of states,
// such as "window-*" for the behavior of windows.
var wishes = []string{"/org/gnome/desktop/", "/org/gnome/mutter/", "/org/gnome/shell/keybindings/"}

// statePaths are keys and, with a slash at the end, folders.
var statePaths = []string{
	"/org/gnome/shell/command-history", "/org/gnome/shell/looking-glass-history",
	"/org/gnome/shell/welcome-dialog-last-shown-version", "/org/gnome/shell/last-selected-power-profile",
	"/org/gnome/desktop/input-sources/current", "/org/gnome/desktop/input-sources/mru-sources",
	"/org/gnome/desktop/peripherals/keyboard/numlock-state",
	"/org/gnome/desktop/peripherals/tablets/", "/org/gnome/desktop/peripherals/touchscreens/",
	"/org/gnome/desktop/notifications/application-children", "/org/gnome/desktop/notifications/application/",
	"/org/gnome/settings-daemon/plugins/color/night-light-last-coordinates",
	"/org/gnome/settings-daemon/plugins/housekeeping/donation-reminder-last-shown",
	"/org/gnome/control-center/last-panel", "/org/gnome/control-center/window-state",
	"/org/gnome/nautilus/window-state/", "/org/gnome/nautilus/preferences/migrated-gtk-settings",
	"/org/gnome/calendar/active-view", "/org/gnome/clocks/state/", "/org/gnome/TextEditor/last-save-directory",
	"/org/gnome/evince/document-directory", "/org/gnome/evince/pictures-directory",
	"/org/gnome/Papers/document-directory", "/org/gnome/Papers/pictures-directory",
	"/org/gtk/settings/color-chooser/", "/org/gtk/gtk4/settings/color-chooser/", "/org/gnome/portal/filechooser/",
	"/org/gnome/evolution-data-server/", "/org/freedesktop/tracker/",
	// identity and location of the user
	"/system/proxy/http/authentication-user",
	"/org/gnome/shell/extensions/gsconnect/", "/org/gnome/shell/weather/locations", "/org/gnome/shell/world-clocks/locations",
	"/org/gnome/clocks/world-clocks", "/org/gnome/Weather/locations",
}

// extensionKeys are the keys of extensions, which are another domain.
var extensionKeys = []string{
	"/org/gnome/shell/enabled-extensions", "/org/gnome/shell/disabled-extensions", "/org/gnome/shell/disable-user-extensions",
}

// fileChoosers are folders in which only the position of the window and the last folder
// are state.
var fileChoosers = []string{"/org/gtk/settings/file-chooser/", "/org/gtk/gtk4/settings/file-chooser/"}

// devices is the folder of the settings of devices. Each device has a folder of vendor and
// product, such as "046d:c52b".
const devices = "/org/gnome/desktop/peripherals/"

// isState reports whether a key of dconf is state, which is not captured.
func isState(key string, value gvariant.Value) bool {
	folder, name := path.Split(key)
	switch {
	case slices.Contains(extensionKeys, key):
		return true
	case strings.HasPrefix(folder, devices) && strings.Contains(folder, ":"):
		return true
	case slices.ContainsFunc(statePaths, func(p string) bool { return key == p || strings.HasSuffix(p, "/") && strings.HasPrefix(key, p) }):
		return true
	case slices.Contains(fileChoosers, folder) && (name == "last-folder-uri" || name == "window-position"):
		return true
	case slices.ContainsFunc(wishes, func(p string) bool { return strings.HasPrefix(key, p) }):
		return false
	}
	return fits(stateNames, name)
}

func fits(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		fits, _ := path.Match(pattern, name) // the patterns are right
		return fits
	})
}
