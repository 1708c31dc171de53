package flatpak

import (
	"slices"

	"bkt/internal/manifest"
)

// renames has, by its former id, the id of an app that upstream has renamed and that is
// installed under the new id.
type renames map[string]string

// renames returns those of the installations that in selects. An id that is still
// installed in one of them is not renamed.
func (in *inventory) renames(selects func(manifest.Scope) bool) renames {
	all := renames{}
	for _, d := range in.all {
		for _, former := range d.Former {
			if selects(d.Scope) {
				all[former] = d.ID
			}
		}
	}
	for _, d := range in.all {
		if selects(d.Scope) && !d.Runtime {
			delete(all, d.ID)
		}
	}
	return all
}

// renamesByScope returns the renames of each installation.
func (in *inventory) renamesByScope() map[manifest.Scope]renames {
	all := map[manifest.Scope]renames{}
	for _, d := range in.all {
		if len(d.Former) > 0 && all[d.Scope] == nil {
			all[d.Scope] = in.renames(func(s manifest.Scope) bool { return s == d.Scope })
		}
	}
	return all
}

// formerly returns the declaration that an app has under a former id.
func (o *observed) formerly(app manifest.FlatpakApp) (manifest.FlatpakApp, bool) {
	i := slices.IndexFunc(o.known, func(k manifest.FlatpakApp) bool {
		return k.Scope == app.Scope && !k.Runtime && !app.Runtime && o.renames[k.Scope][k.ID] == app.ID
	})
	if i < 0 {
		return manifest.FlatpakApp{}, false
	}
	k := o.known[i]
	k.Branch, k.Commit = app.Branch, "" // those of the former app mean nothing now
	return k, true
}

// renamed returns a declared app under the id that upstream has given it since.
func (o *observed) renamed(x manifest.FlatpakApp) (manifest.FlatpakApp, bool) {
	id, ok := o.renames[x.Scope][x.ID]
	if x.Runtime || !ok {
		return x, false
	}
	for _, item := range o.items {
		if item.Scope == x.Scope && !item.Runtime && item.ID == id {
			x.ID, x.Branch, x.Commit, x.Bundle, x.Former = id, item.Branch, "", "", item.Former
			return x, true
		}
	}
	return x, false // its files cannot be read
}
