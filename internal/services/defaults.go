package services

import (
	"slices"

	"bkt/internal/manifest"
)

// defaultStates returns the states of a unit that only the image has set. There may be
// several: the manifest of the image may be newer than the running image, and presets are
// applied only at the first start. A unit that is no longer declared gets the first of
// them.
func (u units) defaultStates(name string) []manifest.UnitState {
	all := u.byManifest(name)
	was := u.bare.state(name)
	byPreset := (was == disabled || was == unclear) && u.presetEnables(name)
	if !byPreset || u.knowsLinks() || u.packaged != nil && !u.packaged[name] {
		all = append(all, was.declared())
	}
	if byPreset {
		all = append(all, manifest.UnitEnabled)
	}
	return all
}

func (u units) byManifest(name string) []manifest.UnitState {
	switch {
	case slices.Contains(u.systemd.Mask, name):
		return []manifest.UnitState{manifest.UnitMasked}
	case slices.Contains(u.systemd.Disable, name):
		return []manifest.UnitState{manifest.UnitDisabled}
	case slices.Contains(u.systemd.Enable, name):
		return []manifest.UnitState{manifest.UnitEnabled}
	}
	return nil
}

// knowsLinks reports whether links show which units are enabled by default. Otherwise
// only presets do.
func (u units) knowsLinks() bool { return u.scope.image != "" || u.name == manifest.ScopeUser }

// presetEnables reports whether presets enable a unit. They enable units that they do
// not mention, except for a user, whose presets are applied only on request. The
// default instance of a template is enabled with the template.
func (u units) presetEnables(name string) bool {
	enable, mentioned := u.preset(name)
	if u.name == manifest.ScopeUser {
		return enable && mentioned
	}
	t := template(name)
	if enable || t == "" {
		return enable
	}
	enable, _ = u.preset(t)
	return enable && instantiate(t, u.bare.install(u.bare.find(t).file).instance) == name
}

// preset reports whether presets enable a unit, and whether they mention it. Debian
// applies no presets: its packages enable units themselves, and its presets mention the
// units of systemd.
func (u units) preset(name string) (enable, mentioned bool) {
	enable, mentioned = u.rules.enable(name)
	if u.packaged != nil && !mentioned {
		enable = u.packaged[name]
	}
	return enable, mentioned
}
