package flatpak

import (
	"io/fs"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// The manifests of the domains.
const (
	AppsFile      = manifest.FlatpakAppsPath
	RemotesFile   = manifest.FlatpakRemotesPath
	OverridesFile = manifest.FlatpakOverridesPath
)

// AppStore loads and saves the declared apps. Overrides that are declared with apps stay
// there.
type AppStore struct{}

// Load implements [reconcile.Store].
func (AppStore) Load(repo fs.FS) ([]manifest.FlatpakApp, error) {
	_, apps, err := reconcile.ReadManifest[manifest.FlatpakApps](repo, AppsFile)
	for i := range apps.Apps {
		apps.Apps[i].Overrides = nil
	}
	return apps.Apps, err
}

// Save implements [reconcile.Store]. Overrides of removed apps stay declared, as they stay on
// the system.
func (AppStore) Save(repo *reconcile.Edits, items []manifest.FlatpakApp) error {
	_, apps, err := reconcile.ReadManifest[manifest.FlatpakApps](repo, AppsFile)
	if err != nil {
		return err
	}
	overrides, err := OverrideStore{}.Load(repo)
	if err != nil {
		return err
	}
	apps.Apps = items
	overrides = followApps(overrides, items)
	if err := reconcile.WriteManifest(repo, AppsFile, apps); err != nil {
		return err
	}
	return OverrideStore{}.Save(repo, overrides)
}

// followApps returns overrides that move with apps from former ids of these to the new ones.
func followApps(overrides []manifest.FlatpakOverride, apps []manifest.FlatpakApp) []manifest.FlatpakOverride {
	all := slices.Clone(overrides)
	for n, o := range all {
		i := slices.IndexFunc(apps, func(a manifest.FlatpakApp) bool { return slices.Contains(a.Former, o.App) })
		if i < 0 || slices.ContainsFunc(apps, func(a manifest.FlatpakApp) bool { return a.ID == o.App }) {
			continue
		}
		o.App = apps[i].ID
		if indexOf(all, o) < 0 {
			all[n] = o
		}
	}
	return all
}

// OverrideStore loads and saves the declared overrides: with an app of the same scope, or in
// their own manifest.
type OverrideStore struct{}

// Load implements [reconcile.Store]. It joins the overrides of an app in both manifests.
func (OverrideStore) Load(repo fs.FS) ([]manifest.FlatpakOverride, error) {
	_, overrides, err := reconcile.ReadManifest[manifest.FlatpakOverrides](repo, OverridesFile)
	if err != nil {
		return nil, err
	}
	_, apps, err := reconcile.ReadManifest[manifest.FlatpakApps](repo, AppsFile)
	if err != nil {
		return nil, err
	}
	all := overrides.Overrides
	for _, app := range apps.Apps {
		if len(app.Overrides) == 0 {
			continue
		}
		withApp := manifest.FlatpakOverride{App: app.ID, Scope: app.Scope, Flags: app.Overrides, Hosts: app.Hosts}
		if i := indexOf(all, withApp); i >= 0 {
			all[i].Flags = union(all[i].Flags, app.Overrides)
			continue
		}
		all = append(all, withApp)
	}
	return all, nil
}

// union returns the elements of both lists, each once.
func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// Save implements [reconcile.Store].
func (OverrideStore) Save(repo *reconcile.Edits, items []manifest.FlatpakOverride) error {
	oldOverrides, overrides, err := reconcile.ReadManifest[manifest.FlatpakOverrides](repo, OverridesFile)
	if err != nil {
		return err
	}
	oldApps, apps, err := reconcile.ReadManifest[manifest.FlatpakApps](repo, AppsFile)
	if err != nil {
		return err
	}
	own := overrides.Overrides
	overrides.Overrides = nil
	for i := range apps.Apps {
		apps.Apps[i].Overrides = nil
	}
	for _, item := range items {
		if app := appOf(apps.Apps, item); app != nil && indexOf(own, item) < 0 {
			app.Overrides = item.Flags
			continue
		}
		overrides.Overrides = append(overrides.Overrides, item)
	}
	if oldOverrides != nil || len(overrides.Overrides) > 0 {
		if err := reconcile.WriteManifest(repo, OverridesFile, overrides); err != nil {
			return err
		}
	}
	if oldApps == nil {
		return nil
	}
	return reconcile.WriteManifest(repo, AppsFile, apps)
}

// appOf returns the first app with which an override can be declared, nil if none.
func appOf(apps []manifest.FlatpakApp, item manifest.FlatpakOverride) *manifest.FlatpakApp {
	for i := range apps {
		if apps[i].ID == item.App && apps[i].Scope == item.Scope && slices.Equal(apps[i].Hosts, item.Hosts) {
			return &apps[i]
		}
	}
	return nil
}

func indexOf(items []manifest.FlatpakOverride, item manifest.FlatpakOverride) int {
	return slices.IndexFunc(items, func(o manifest.FlatpakOverride) bool { return o.Key() == item.Key() })
}
