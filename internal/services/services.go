// Package services keeps systemd's enabled, disabled and masked units up to date with
// their manifest.
//
// Whether a unit is enabled or masked depends on links in folders of /etc and of the
// user's home, which systemctl and the managers read as well. Reading them takes no
// process and no running manager. systemctl makes the changes.
//
// What the image sets is a default: the state of a unit is an item only if it differs
// from what the links of the image, its presets or its manifest set. State in /run
// lasts only until the next start, and does not count.
package services

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
)

// Domain is the domain of units.
type Domain struct {
	Missing bool   // systemctl is not installed
	Root    string // the root folder of the system whose units these are; "": this system
	Admin   bool   // bkt may change units of the system
	Running bool   // the user's manager is running
	User    UserFolders
	Image   func() (manifest.Systemd, error) // the units in the manifest of the image
}

// A snapshot holds the units that were observed, by key, for Plan.
type snapshot struct {
	Domain
	seen map[string]seen
}

// seen is an observed unit.
type seen struct {
	now      state
	defaults []manifest.UnitState // its states if only the image has set it
	ownFile  string               // its file, if the user or the administrator wrote it; "": not
}

// isDefault reports whether nobody has set the state, as for a missing unit.
func (s seen) isDefault() bool {
	return s.now == absent || slices.Contains(s.defaults, s.now.declared())
}

type service = manifest.Service

// Observe implements [reconcile.Domain]. It starts no process. A scope that cannot be
// read does not hide the other.
func (d Domain) Observe(_ context.Context, _ reconcile.System, declared []service) (reconcile.Snapshot[service], error) {
	var o reconcile.Snapshot[service]
	if d.Missing {
		return o, reconcile.Absentf(d.hasUnits(), "systemctl is not installed")
	}
	image, err := d.Image()
	if err != nil {
		return o, err
	}
	s := snapshot{d, map[string]seen{}}
	hidden, unread := s.readScopes(image, declared, &o)
	if len(hidden) == 2 {
		return o, &reconcile.Unavailable{Reason: errors.Join(hidden[manifest.ScopeSystem], hidden[manifest.ScopeUser])}
	}
	o.Plan, o.LeftOut = s.plan, s.ownFiles(o.Items)
	o.Hidden = func(unit service) bool { return hidden[unit.Scope] != nil || unread[unit.Key()] }
	o.IsDefault = func(unit service) bool { return s.seen[unit.Key()].isDefault() }
	machine, err := d.machine()
	if err != nil {
		return o, &reconcile.Unavailable{Reason: err}
	}
	home := reconcile.FolderIdentity(d.user(manifest.UserUnits{}).own)
	o.Identity = func(s service) string {
		if s.Scope == manifest.ScopeUser {
			return home
		}
		return machine
	}
	return o, nil
}

// hasUnits reports whether someone has enabled, disabled or masked units.
func (d Domain) hasUnits() bool {
	system, err := d.system(manifest.Systemd{})
	for _, s := range []scope{system, d.user(manifest.UserUnits{})} {
		entries, errRead := read(s.own)
		err = errors.Join(err, errRead)
		if len(entries) > 0 {
			return true
		}
	}
	return err != nil
}

// readScopes adds the items of both scopes to o. It returns the scopes, and the
// units by key, that could not be read.
func (s snapshot) readScopes(image manifest.Systemd, declared []service, o *reconcile.Snapshot[service]) (map[manifest.Scope]error, map[string]bool) {
	hidden, unread := map[manifest.Scope]error{}, map[string]bool{}
	system, errSystem := s.system(image)
	for _, scope := range []scope{system, s.user(image.User)} {
		items, unclear, err := s.read(scope, declared)
		if scope.name == manifest.ScopeSystem {
			err = errors.Join(errSystem, err)
		}
		if err != nil {
			hidden[scope.name] = err
			o.Unread = append(o.Unread, reconcile.Unread{What: fmt.Sprintf("units of the %s", scope.name), Err: err})
			continue
		}
		o.Items = append(o.Items, items...)
		for key, err := range unclear {
			unread[key] = true
			o.Unread = append(o.Unread, reconcile.Unread{What: key, Err: err})
		}
	}
	return hidden, unread
}

// machine identifies this installation of a system, without revealing its id. The
// result survives an upgrade, which creates a new /etc from the old one.
func (d Domain) machine() (string, error) {
	id, err := plainfile.Read(filepath.Join(d.Root, "/etc/machine-id"), plainfile.MaxText)
	if isNoFile(err) {
		return "none", nil
	}
	sum := sha256.Sum256(append([]byte("bkt services "), id...))
	return hex.EncodeToString(sum[:8]), err
}

// read returns the items of a scope: the declared units, and the units that someone
// has changed from their default. unread has, by key, the reason why the state of a unit
// is unknown.
func (s snapshot) read(scope scope, declared []service) (items []service, unread map[string]error, err error) {
	u, err := scope.units()
	if err != nil {
		return nil, nil, err
	}
	unread = map[string]error{}
	for _, name := range u.names(declared) {
		unit := seen{u.live.state(name), u.defaultStates(name), u.ownFile(name)}
		item := service{Scope: scope.name, Unit: name, State: unit.now.declared()}
		s.seen[item.Key()] = unit
		i := slices.IndexFunc(declared, func(k service) bool { return k.Key() == item.Key() })
		wanted := i >= 0 && declared[i].State == manifest.UnitEnabled
		switch err := u.unread(name, wanted); {
		case err != nil:
			unread[item.Key()] = err
		case i >= 0 && unit.now.fits(declared[i].State):
			items = append(items, declared[i])
		case !unit.isDefault():
			items = append(items, item)
		}
	}
	return items, unread, u.live.err
}

// ownFiles names the files of enabled units that no program installs on another computer.
func (s snapshot) ownFiles(items []service) []reconcile.LeftOut {
	var all []reconcile.LeftOut
	for _, unit := range items {
		if file := s.seen[unit.Key()].ownFile; file != "" && unit.State == manifest.UnitEnabled {
			all = append(all, reconcile.LeftOut{Reason: "unit files", What: unit.Key() + ": " + file})
		}
	}
	return all
}

// unread returns an error if the state or the default of a unit is unknown and matters,
// because the unit should be enabled, or presets enable it.
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
func (Domain) Same(a, b service) bool { return a.State == b.State }
