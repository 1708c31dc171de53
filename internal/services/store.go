package services

import (
	"io/fs"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// File is the manifest of units.
const File = manifest.ServicesPath

// Store loads and saves the declared units: a map for each scope in one manifest.
type Store struct{}

// Load implements [reconcile.Store].
func (Store) Load(repo fs.FS) ([]service, error) {
	_, f, err := reconcile.ReadManifest[manifest.Services](repo, File)
	var items []service
	for name, state := range f.Services {
		items = append(items, service{Scope: manifest.ScopeSystem, Unit: name, State: state})
	}
	for name, state := range f.User {
		items = append(items, service{Scope: manifest.ScopeUser, Unit: name, State: state})
	}
	return items, err
}

// Save implements [reconcile.Store].
func (Store) Save(repo *reconcile.Edits, items []service) error {
	_, f, err := reconcile.ReadManifest[manifest.Services](repo, File)
	if err != nil {
		return err
	}
	f.Services, f.User = map[string]manifest.UnitState{}, map[string]manifest.UnitState{}
	for _, s := range items {
		if s.Scope == manifest.ScopeUser {
			f.User[s.Unit] = s.State
		} else {
			f.Services[s.Unit] = s.State
		}
	}
	return reconcile.WriteManifest(repo, File, f)
}
