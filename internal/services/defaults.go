package services

import (
	"slices"

	"bkt/internal/manifest"
)

// defaultStates returns the states that a unit has if nobody but the image sets it.
// There are several where the image disagrees with itself: its manifest may be newer
// than the image that runs, and presets are applied at the first start only. A unit
// that is no longer declared goes back to the first.
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

// knowsLinks reports whether something other than presets says which units are enabled
// by default.
func (u units) knowsLinks() bool { return u.scope.image != "" || u.name == manifest.ScopeUser }

// presetEnables reports whether presets enable a unit. They enable units that they do
// not mention, except for a user, whose presets are applied only on request. The
// instance that a template names is enabled with the template.
func (u units) presetEnables(name string) bool {
	enable, said := u.preset(name)
	if u.name == manifest.ScopeUser {
		return enable && said
	}
	t := template(name)
	if enable || t == "" {
		return enable
	}
	enable, _ = u.preset(t)
	return enable && instantiate(t, u.bare.install(u.bare.find(t).file).instance) == name
}

// preset returns what presets say about a unit, and whether they mention it. Debian
// applies none: its packages enable units themselves, and its presets mention the
// units of systemd.
func (u units) preset(name string) (enable, said bool) {
	enable, said = u.rules.enable(name)
	if u.packaged != nil && !said {
		enable = u.packaged[name]
	}
	return enable, said
}
