package services

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/manifest"
)

// UserFolders are the folders in which systemd looks for units of a user; see
// systemd.unit(5).
type UserFolders struct {
	Config, Data, Runtime string   // $XDG_CONFIG_HOME and so on
	ConfigDirs, DataDirs  []string // $XDG_CONFIG_DIRS and so on
}

// A scope has the folders of the units of one manager. If several folders have a unit,
// the first one counts.
type scope struct {
	name          manifest.Scope
	root          string
	own           string   // the folder for enabling and masking units
	others        []string // folders in which others enable and mask units for all users
	files         []string // folders of the unit files of installed programs
	generatorDirs []string // folders of units that exist until the next start
	image         string   // the state of own in the image; "": unknown
	presets       []string
	debian        string           // the folder in which Debian's packages record the units that they enabled
	systemd       manifest.Systemd // the units in the manifest of the image
}

// system returns the scope of the system. On systems with ostree, /usr/etc is the /etc
// of the image.
func (d Domain) system(image manifest.Systemd) (scope, error) {
	s := scope{
		name:          manifest.ScopeSystem,
		root:          d.Root,
		own:           d.Root + "/etc/systemd/system",
		files:         under(d.Root, "systemd/system", "/usr/local/lib", "/usr/lib"),
		generatorDirs: generatorDirs(d.Root+"/run/systemd", "system"),
		presets:       under(d.Root, "systemd/system-preset", "/etc", "/run", "/usr/local/lib", "/usr/lib"),
		debian:        d.Root + "/var/lib/systemd/deb-systemd-helper-enabled",
		systemd:       image,
	}
	// Elsewhere, other programs may have a /usr/etc.
	dir := d.Root + "/usr/etc/systemd/system"
	there, err := isFolder(dir)
	if there {
		s.image = dir
	}
	return s, err
}

// user returns the scope of the user. Units that are enabled for all users are
// default.
func (d Domain) user(image manifest.UserUnits) scope {
	u := d.User
	return scope{
		name:          manifest.ScopeUser,
		systemd:       manifest.Systemd{Enable: image.Enable, Disable: image.Disable, Mask: image.Mask},
		own:           filepath.Join(u.Config, "systemd/user"),
		others:        under("", "systemd/user", append(slices.Clone(u.ConfigDirs), "/etc")...),
		files:         under("", "systemd/user", slices.Concat([]string{u.Data}, u.DataDirs, []string{"/usr/local/lib", "/usr/lib"})...),
		generatorDirs: append(generatorDirs(u.Runtime+"/systemd", "user"), "/run/systemd/user"),
		presets:       under("", "systemd/user-preset", "/etc", "/run", "/usr/local/lib", "/usr/lib"),
	}
}

func isFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	if err == nil {
		return info.IsDir(), nil
	}
	if isNoFile(err) {
		return false, nil
	}
	return false, err
}

func under(root, name string, dirs ...string) []string {
	var all []string
	for _, dir := range dirs {
		all = append(all, filepath.Join(root, dir, name))
	}
	return all
}

// generatorDirs returns the folders of units that programs create at each start.
func generatorDirs(run, name string) []string {
	return under(run, "", "transient", "generator.early", name, "generator", "generator.late")
}

// units are the units of a scope.
type units struct {
	scope
	live  unitLayer // now
	bare  unitLayer // by default
	rules rules

	packaged map[string]bool // the units that Debian's packages enabled; nil: not Debian
}

func (s scope) units() (units, error) {
	u, t := units{scope: s}, newTree(s.root)
	var err error
	if u.live, err = readLayer(t, append([]string{s.own}, s.others...), s.files, s.generatorDirs); err != nil {
		return u, err
	}
	before := s.others
	if s.image != "" {
		before = []string{s.image}
	}
	if u.bare, err = readLayer(t, before, s.files, s.generatorDirs); err != nil {
		return u, err
	}
	if u.packaged, err = readPackaged(s.debian); err != nil {
		return u, err
	}
	u.rules, err = readRules(s.presets)
	return u, err
}

// ownFile returns the file of a unit, "" unless the user or the administrator wrote it: it
// is in the folder for their units, and the image has no unit with this name.
func (u units) ownFile(name string) string {
	file := u.live.find(name).file
	if filepath.Dir(file) != u.own || u.bare.find(name).file != "" {
		return ""
	}
	return file
}

// readPackaged reads the names of the units that deb-systemd-helper(1p) enabled.
func readPackaged(dir string) (map[string]bool, error) {
	if there, err := isFolder(dir); !there {
		return nil, err
	}
	entries, err := read(dir)
	packaged := map[string]bool{}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".dsh-also"); ok {
			packaged[name] = true
		}
	}
	return packaged, err
}

// names returns the declared units and those that may differ from their default,
// sorted.
func (u units) names(known []service) []string {
	all := map[string]bool{}
	for _, m := range []map[string]bool{u.live.enabled, u.live.masked, u.bare.enabled, u.bare.masked} {
		maps.Copy(all, m)
	}
	for _, name := range slices.Concat(u.systemd.Enable, u.systemd.Disable, u.systemd.Mask) {
		all[name] = true
	}
	if !u.knowsLinks() {
		u.addPreset(all)
	}
	maps.DeleteFunc(all, func(name string, _ bool) bool { return strings.HasPrefix(name, ownUnits) })
	for _, k := range known {
		if k.Scope == u.name {
			all[k.Unit] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// ownUnits is the beginning of the names of bkt's own units: they belong to one
// computer, on which "bkt auto-capture" enables and disables them.
const ownUnits = "bkt-capture"

// addPreset adds the units that presets enable.
func (u units) addPreset(all map[string]bool) {
	for _, dir := range u.files {
		for name, mode := range u.live.entries[dir] {
			if enable, _ := u.preset(name); enable && mode.IsRegular() && !isTemplate(name) {
				all[name] = true
			}
		}
	}
}
