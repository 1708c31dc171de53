// Package domains has the list of all domains, and configures each for this computer.
package domains

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"bkt/internal/appimage"
	"bkt/internal/distrobox"
	"bkt/internal/extension"
	"bkt/internal/flatpak"
	"bkt/internal/gsettings"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/reconcile"
	"bkt/internal/services"
	"bkt/internal/workspace"
)

// All returns every domain, in the order in which they are applied: a domain comes
// after those that it needs. Removals run in the opposite order. repo has the manifests;
// cache keeps facts for later commands.
func All(w workspace.Folders, repo fs.FS, cache *Cache) []reconcile.Reconciler {
	f := folders{w, cache}
	installations := Flatpak(w)
	installations.Declared = declaredInstallation(repo)
	arch := FlatpakArch(runtime.GOARCH)
	return []reconcile.Reconciler{
		reconcile.New("flatpak-installations", flatpak.Settings{Installations: installations, Arch: arch},
			reconcile.List[manifest.FlatpakInstallations, manifest.FlatpakInstallation]{
				File:  manifest.FlatpakInstallationsPath,
				Items: func(m *manifest.FlatpakInstallations) *[]manifest.FlatpakInstallation { return &m.Installations },
			}),
		// Remotes are in installations.
		reconcile.New("flatpak-remotes", flatpak.Remotes{Installations: installations, Cache: filepath.Join(f.Cache, "bkt", "flatpak")},
			reconcile.List[manifest.FlatpakRemotes, manifest.FlatpakRemote]{
				File:  flatpak.RemotesFile,
				Items: func(m *manifest.FlatpakRemotes) *[]manifest.FlatpakRemote { return &m.Remotes },
			}),
		// Apps come from remotes.
		reconcile.New("flatpak-apps", flatpak.Apps{Installations: installations, Arch: arch}, flatpak.AppStore{}),
		// Overrides are for apps.
		reconcile.New("flatpak-overrides", flatpak.Overrides{Installations: installations, Home: f.Home, Arch: arch}, flatpak.OverrideStore{}),
		// Extensions bring the schemas of their settings.
		reconcile.New("extensions", extension.Domain{
			Data:     f.Data,
			DataDirs: f.DataDirs,
			Config:   f.Config,
			Cache:    f.Cache,
			Settings: f.gsettings(),
			Site:     cmp.Or(os.Getenv("BKT_EGO_URL"), "https://extensions.gnome.org"),
		}, reconcile.List[manifest.Extensions, manifest.Extension]{
			File:  manifest.ExtensionsPath,
			Items: func(m *manifest.Extensions) *[]manifest.Extension { return &m.Extensions },
		}),
		// Settings need the schemas of apps and extensions.
		reconcile.New("gsettings", f.gsettings(), reconcile.List[manifest.Settings, manifest.Setting]{
			File:  manifest.SettingsPath,
			Items: func(m *manifest.Settings) *[]manifest.Setting { return &m.Settings },
		}),
		reconcile.New("distrobox", Distrobox(w, cache), distrobox.Store{InImage: ToolboxInImage}),
		reconcile.New("appimages", f.appImages(), appimage.Store{}),
		// Units may come with any of the above.
		reconcile.New("services", f.services(repo), services.Store{}),
	}
}

// Needs returns the names of the domains that bring facts which a domain reads: settings
// have the paths and types that the schemas of extensions define, and the masks of an
// installation hold apps at their commits.
func Needs(name string) []string {
	switch name {
	case "gsettings":
		return []string{"extensions"}
	case "flatpak-apps":
		return []string{"flatpak-installations"}
	}
	return nil
}

// folders are the user's folders and the cache of this command.
type folders struct {
	workspace.Folders
	cache *Cache
}

// services returns the domain of systemd's units. BKT_SYSTEMD_ROOT is the root folder of
// a system that is not running, such as one during its installation.
func (f folders) services(repo fs.FS) services.Domain {
	_, err := os.Stat(filepath.Join(f.Runtime, "systemd/private"))
	return services.Domain{
		Missing: !host.Installed("systemctl"),
		Root:    strings.TrimRight(os.Getenv("BKT_SYSTEMD_ROOT"), "/"),
		Admin:   os.Geteuid() == 0,
		Running: f.Runtime != "" && err == nil,
		User: services.UserFolders{
			Config:     f.Config,
			Data:       f.Data,
			Runtime:    f.Runtime,
			ConfigDirs: strings.Split(cmp.Or(os.Getenv("XDG_CONFIG_DIRS"), "/etc/xdg"), ":"),
			DataDirs:   f.DataDirs,
		},
		Image: func() (manifest.Systemd, error) {
			system, err := manifest.Read[manifest.SystemConfig](repo, manifest.SystemConfigPath)
			return system.Content.Systemd, err
		},
	}
}

// appImages returns the domain of AppImages. Its folders are those of AppImageLauncher and
// Gear Lever. The specification of AppImages says how a user turns desktop entries off.
func (f folders) appImages() appimage.Domain {
	d := appimage.Domain{
		Home:      f.Home,
		Folders:   []string{filepath.Join(f.Home, "Applications"), filepath.Join(f.Home, "AppImages")},
		Data:      f.Data,
		Cache:     filepath.Join(f.Cache, "bkt", "appimages"),
		Records:   filepath.Join(f.State, "bkt", "appimages"),
		GearLever: filepath.Join(f.Home, ".var/app/it.mijorus.gearlever/config/gearlever.conf"),
		GitHub: appimage.GitHub{
			URL:   cmp.Or(os.Getenv("BKT_GITHUB_URL"), "https://api.github.com"),
			Token: cmp.Or(os.Getenv("GH_TOKEN"), os.Getenv("GITHUB_TOKEN")),
		},
		Arch:      runtime.GOARCH,
		NoEntries: os.Getenv("DESKTOPINTEGRATION") != "",
		Remember:  f.cache.Remember,
		Recall:    f.cache.Recall,
	}
	for _, dir := range append([]string{f.Data, "/etc"}, f.DataDirs...) {
		if _, err := os.Stat(filepath.Join(dir, "appimagekit", "no_desktopintegration")); err == nil {
			d.NoEntries = true
		}
	}
	return d
}

// Flatpak returns the folders of Flatpak's installations; see flatpak(1).
func Flatpak(f workspace.Folders) flatpak.Installations {
	return flatpak.Installations{
		Missing: !host.Installed("flatpak"),
		User:    cmp.Or(os.Getenv("FLATPAK_USER_DIR"), filepath.Join(f.Data, "flatpak")),
		System:  cmp.Or(os.Getenv("FLATPAK_SYSTEM_DIR"), "/var/lib/flatpak"),
		Config:  cmp.Or(os.Getenv("FLATPAK_CONFIG_DIR"), "/etc/flatpak"),
	}
}

// declaredInstallation returns the function that returns the folder of an installation in
// the manifest, "" if it is not declared. The domain of installations names an error.
func declaredInstallation(repo fs.FS) func(manifest.Scope) string {
	return func(scope manifest.Scope) string {
		m, _ := manifest.Read[manifest.FlatpakInstallations](repo, manifest.FlatpakInstallationsPath)
		for _, i := range m.Content.Installations {
			if i.Scope == scope {
				return i.Path
			}
		}
		return ""
	}
}

// Distrobox returns the domain of containers.
func Distrobox(f workspace.Folders, cache *Cache) distrobox.Domain {
	d := distrobox.Domain{
		Manager:  ContainerManager(f),
		Missing:  !host.Installed("distrobox"),
		Home:     f.Home,
		Data:     f.Data,
		Config:   f.Config,
		Storage:  []string{filepath.Join(f.Data, "containers", "storage")},
		Path:     filepath.SplitList(os.Getenv("PATH")),
		Runtime:  f.Runtime,
		Proc:     "/proc",
		Cache:    filepath.Join(f.Cache, "bkt", "distrobox"),
		State:    filepath.Join(f.State, "bkt", "distrobox"),
		UID:      os.Getuid(),
		Remember: cache.Remember,
		Recall:   cache.Recall,
	}
	d.NoManager = !host.Installed(d.Manager)
	switch {
	case d.Manager == "docker":
		d.Storage = []string{"/var/lib/docker"}
	case d.UID == 0:
		d.Storage = append(d.Storage, "/var/lib/containers/storage")
	}
	return d
}

// ToolboxInImage returns the name of the container of the toolbox image, if this
// repository builds that image and its Containerfile has the section for the environment
// of the container.
func ToolboxInImage(repo fs.FS, containers manifest.Containers) (string, error) {
	name, ok := containers.Toolbox()
	if !ok {
		return "", nil
	}
	text, err := fs.ReadFile(repo, "toolbox/Containerfile")
	if err = patherr.UnlessMissing(err); err != nil {
		return "", patherr.TrimOp(err)
	}
	if !strings.Contains(string(text), "# === TOOLBOX_ENVIRONMENT (managed by bkt) ===") {
		return "", nil
	}
	return name, nil
}

// gsettings returns the domain of settings; see dconf(7) and the environment variables
// of GLib.
func (f folders) gsettings() gsettings.Domain {
	bus, runtimeBus := os.Getenv("DBUS_SESSION_BUS_ADDRESS"), filepath.Join(f.Runtime, "bus")
	if _, err := os.Stat(runtimeBus); bus == "" && f.Runtime != "" && err == nil {
		bus = "unix:path=" + runtimeBus
	}
	return gsettings.Domain{
		Missing:    !host.Installed("dconf"),
		Bus:        bus,
		Home:       f.Home,
		ConfigHome: f.Config,
		DataHome:   f.Data,
		DataDirs:   f.DataDirs,
		RuntimeDir: f.Runtime,
		RunDir:     "/run",
		EtcDir:     "/etc",
		UID:        os.Getuid(),
		Profile:    os.Getenv("DCONF_PROFILE"),
		SchemaDirs: filepath.SplitList(os.Getenv("GSETTINGS_SCHEMA_DIR")),
		SharedDirs: []string{"/usr/local/share", "/usr/share"},
	}
}

// FlatpakArch returns Flatpak's name of the architecture that Go calls arch.
func FlatpakArch(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "386":
		return "i386"
	}
	return arch
}
