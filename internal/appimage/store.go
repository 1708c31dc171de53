package appimage

import (
	"io/fs"
	"maps"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// File is the manifest of AppImages.
const File = manifest.AppImagesPath

// Store loads and saves the declared AppImages. A disabled one counts as not declared: bkt
// does not install it, and removes it.
type Store struct{}

var list = reconcile.List[manifest.AppImages, app]{
	File:  File,
	Items: func(m *manifest.AppImages) *[]app { return &m.Apps },
}

// Load implements [reconcile.Store].
func (Store) Load(repo fs.FS) ([]app, error) {
	all, err := list.Load(repo)
	return slices.DeleteFunc(slices.Clone(all), func(a app) bool { return a.Disabled }), err
}

// Save implements [reconcile.Store]. Disabled apps stay in the manifest. A disabled app that
// was installed is enabled, with its fields in the manifest.
func (Store) Save(repo *reconcile.Edits, items []app) error {
	all, err := list.Load(repo)
	if err != nil {
		return err
	}
	declared := map[string]app{}
	for _, a := range items {
		declared[a.Name] = a
	}
	for _, a := range all {
		if !a.Disabled {
			continue
		}
		if _, installed := declared[a.Name]; installed {
			a.Disabled = false
		}
		declared[a.Name] = a
	}
	return list.Save(repo, slices.Collect(maps.Values(declared)))
}
