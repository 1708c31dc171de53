// Package services keeps the units of systemd that start by themselves, and
// those that must not start, in step with their manifest.
//
// Whether a unit is enabled or masked is a matter of files, which systemctl and
// the managers read as well: links in folders of /etc and of the user's home. To
// read them takes no process, and no manager that runs. What is to change,
// systemctl changes.
//
// What the image gives is no one's wish: a state is an item only if it is not
// what the links of the image, its presets or the manifest of the image make of
// the unit. What stands in /run is gone at the next start, and is no state.
package services

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// Domain is the domain of units.
type Domain struct {
	Missing bool   // systemctl is not installed
	Root    string // of the system whose units are the system's; "": of this one
	Admin   bool   // who runs bkt may change units of the system
	Running bool   // there is a manager of the user's to speak to
	User    UserFolders
	Image   func() (manifest.Systemd, error) // what the manifest of the image says

	seen map[string]seen // of what differs, by key
}

// seen is what Plan has to know of a unit beside what differs.
type seen struct {
	now   state
	given []manifest.UnitState // what it may be without anyone's wish
}

// isGiven reports whether it is as it was given. One that is not there is.
func (s seen) isGiven() bool { return s.now == absent || slices.Contains(s.given, s.now.declared()) }

type service = manifest.Service

// Observe implements [reconcile.Domain]. It starts no process. A scope that
// cannot be looked at does not hide the other.
func (d *Domain) Observe(_ context.Context, _ reconcile.System, known []service) (reconcile.Observation[service], error) {
	var o reconcile.Observation[service]
	if d.Missing {
		return o, reconcile.Unavailablef("systemctl is not installed")
	}
	image, err := d.Image()
	if err != nil {
		return o, err
	}
	d.seen = map[string]seen{}
	hidden, unread := d.lookAll(image, known, &o)
	if len(hidden) == 2 {
		return o, &reconcile.Unavailable{Reason: errors.Join(hidden[manifest.ScopeSystem], hidden[manifest.ScopeUser])}
	}
	o.Hidden = func(s service) bool { return hidden[s.Scope] != nil || unread[s.Key()] }
	o.Given = func(s service) bool { return d.seen[s.Key()].isGiven() }
	machine, err := d.machine()
	if err != nil {
		return o, &reconcile.Unavailable{Reason: err}
	}
	home := reconcile.Birth(d.user().own)
	o.Identity = func(s service) string {
		if s.Scope == manifest.ScopeUser {
			return home
		}
		return machine
	}
	return o, nil
}

// lookAll adds the items of both scopes to what is observed, and returns the scopes
// and the units, by key, that could not be looked at.
func (d *Domain) lookAll(image manifest.Systemd, known []service, o *reconcile.Observation[service]) (map[manifest.Scope]error, map[string]bool) {
	hidden, unread := map[manifest.Scope]error{}, map[string]bool{}
	system, errSystem := d.system(image)
	for _, s := range []scope{system, d.user()} {
		items, unclear, err := d.look(s, known)
		if s.name == manifest.ScopeSystem {
			err = errors.Join(errSystem, err)
		}
		if err != nil {
			hidden[s.name] = err
			o.Notes = append(o.Notes, fmt.Sprintf("units of the %s cannot be looked at: %v", s.name, err))
			continue
		}
		o.Items = append(o.Items, items...)
		for key, err := range unclear {
			unread[key] = true
			o.Notes = append(o.Notes, fmt.Sprintf("%s is left alone: %v", key, err))
		}
	}
	slices.Sort(o.Notes)
	return hidden, unread
}

// machine tells this installation of a system from others, without giving its id
// away. It survives an upgrade, which makes a new /etc of the old one.
func (d *Domain) machine() (string, error) {
	id, err := os.ReadFile(filepath.Join(d.Root, "/etc/machine-id"))
	if isNoFile(err) {
		return "none", nil
	}
	sum := sha256.Sum256(append([]byte("bkt services "), id...))
	return hex.EncodeToString(sum[:8]), err
}

// look returns the items of a scope: what is known of, as it is, and what
// someone has made other than it was given. Of others, by key, it returns why it is
// not known what they are.
func (d *Domain) look(s scope, known []service) (items []service, unread map[string]error, err error) {
	u, err := s.units()
	if err != nil {
		return nil, nil, err
	}
	unread = map[string]error{}
	for _, name := range u.names(known) {
		unit := seen{u.live.state(name), u.given(name)}
		item := service{Scope: s.name, Unit: name, State: unit.now.declared()}
		d.seen[item.Key()] = unit
		i := slices.IndexFunc(known, func(k service) bool { return k.Key() == item.Key() })
		wanted := i >= 0 && known[i].State == manifest.UnitEnabled
		switch err := u.unread(name, wanted); {
		case err != nil:
			unread[item.Key()] = err
		case i >= 0 && unit.now.fits(known[i].State):
			items = append(items, known[i])
		case !unit.isGiven():
			items = append(items, item)
		}
	}
	return items, unread, u.live.err
}

// unread returns why it is not known what a unit is, or was given, if that matters:
// whether it could be enabled, where it is to be, or is by presets.
func (u units) unread(name string, wanted bool) error {
	switch {
	case u.live.state(name) == unclear && wanted:
		return u.live.install(u.live.find(name).file).unread
	case u.bare.state(name) == unclear && u.presetEnables(name):
		return u.bare.install(u.bare.find(name).file).unread
	}
	return nil
}

// Same implements [reconcile.Domain].
func (*Domain) Same(a, b service) bool { return a.State == b.State }
