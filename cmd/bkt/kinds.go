package main

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"bkt/gen"
	"bkt/internal/appimage"
	"bkt/internal/distrobox"
	"bkt/internal/extension"
	"bkt/internal/flatpak"
	"bkt/internal/gsettings"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"
	"bkt/internal/services"
)

// kinds returns every domain, in the order in which they are applied: what one
// needs comes before it. Removals go the other way.
func kinds(f folders, repo fs.FS) []reconcile.Reconciler {
	installations := f.flatpak()
	return []reconcile.Reconciler{
		reconcile.New("flatpak-remotes", flatpak.Remotes{Installations: installations, Cache: filepath.Join(f.cache, "bkt", "flatpak")},
			reconcile.List[manifest.FlatpakRemotes, manifest.FlatpakRemote]{
				File:  flatpak.RemotesFile,
				Items: func(m *manifest.FlatpakRemotes) *[]manifest.FlatpakRemote { return &m.Remotes },
			}),
		// From remotes.
		reconcile.New("flatpak-apps", flatpak.Apps{Installations: installations, Arch: flatpakArch(runtime.GOARCH)}, flatpak.AppStore{}),
		// In the manifest of apps, if those are there.
		reconcile.New("flatpak-overrides", flatpak.Overrides{Installations: installations, Home: f.home}, flatpak.OverrideStore{}),
		// Before their settings.
		reconcile.New("extensions", &extension.Domain{
			Data:     f.data,
			DataDirs: f.dataDirs,
			Config:   f.config,
			Cache:    f.cache,
			Settings: f.gsettings(),
			Site:     cmp.Or(os.Getenv("BKT_EGO_URL"), "https://extensions.gnome.org"),
		}, reconcile.List[manifest.Extensions, manifest.Extension]{
			File:  "manifests/gnome-extensions.json",
			Items: func(m *manifest.Extensions) *[]manifest.Extension { return &m.Extensions },
		}),
		// Schemas come with apps and extensions.
		reconcile.New("gsettings", f.gsettings(), reconcile.List[manifest.Settings, manifest.Setting]{
			File:  "manifests/gsettings.json",
			Items: func(m *manifest.Settings) *[]manifest.Setting { return &m.Settings },
		}),
		reconcile.New("distrobox", f.distrobox(), distrobox.Store{InImage: toolboxInImage}),
		reconcile.New("appimages", f.appImages(), appimage.Store{}),
		// Of what is there by then.
		reconcile.New("services", f.services(repo), services.Store{}),
	}
}

// services returns the domain of systemd's units. BKT_SYSTEMD_ROOT is for a
// system that does not run, such as one that is being installed.
func (f folders) services(repo fs.FS) *services.Domain {
	_, err := os.Stat(filepath.Join(f.runtime, "systemd/private"))
	return &services.Domain{
		Missing: !host.Installed("systemctl"),
		Root:    strings.TrimRight(os.Getenv("BKT_SYSTEMD_ROOT"), "/"),
		Admin:   os.Geteuid() == 0,
		Running: f.runtime != "" && err == nil,
		User: services.UserFolders{
			Config:     f.config,
			Data:       f.data,
			Runtime:    f.runtime,
			ConfigDirs: strings.Split(cmp.Or(os.Getenv("XDG_CONFIG_DIRS"), "/etc/xdg"), ":"),
			DataDirs:   f.dataDirs,
		},
		Image: func() (manifest.Systemd, error) {
			_, system, err := reconcile.ReadManifest[manifest.SystemConfig](repo, "manifests/system-config.json")
			return system.Systemd, err
		},
	}
}

// appImages returns the domain of AppImages: what AppImageLauncher and Gear Lever
// keep them in, and what by the specification of AppImages has them stay out of
// the desktop.
func (f folders) appImages() *appimage.Domain {
	d := &appimage.Domain{
		Folders:   []string{filepath.Join(f.home, "Applications"), filepath.Join(f.home, "AppImages")},
		Data:      f.data,
		Cache:     filepath.Join(f.cache, "bkt", "appimages"),
		Records:   filepath.Join(f.state, "bkt", "appimages"),
		GearLever: filepath.Join(f.home, ".var/app/it.mijorus.gearlever/config/gearlever.conf"),
		GitHub: appimage.GitHub{
			URL:   cmp.Or(os.Getenv("BKT_GITHUB_URL"), "https://api.github.com"),
			Token: cmp.Or(os.Getenv("GH_TOKEN"), os.Getenv("GITHUB_TOKEN")),
		},
		Arch:      runtime.GOARCH,
		NoEntries: os.Getenv("DESKTOPINTEGRATION") != "",
		Remember:  f.memory.remember,
		Recall:    f.memory.recall,
	}
	for _, dir := range append([]string{f.data, "/etc"}, f.dataDirs...) {
		if _, err := os.Stat(filepath.Join(dir, "appimagekit", "no_desktopintegration")); err == nil {
			d.NoEntries = true
		}
	}
	return d
}

// flatpak returns where Flatpak keeps its installations, by flatpak(1).
func (f folders) flatpak() flatpak.Installations {
	return flatpak.Installations{
		Missing: !host.Installed("flatpak"),
		User:    cmp.Or(os.Getenv("FLATPAK_USER_DIR"), filepath.Join(f.data, "flatpak")),
		System:  cmp.Or(os.Getenv("FLATPAK_SYSTEM_DIR"), "/var/lib/flatpak"),
	}
}

// distrobox returns the domain of boxes. Which manager they have, distrobox finds
// out in the same way.
func (f folders) distrobox() *distrobox.Domain {
	d := &distrobox.Domain{
		Manager:  f.boxManager(),
		Missing:  !host.Installed("distrobox"),
		Home:     f.home,
		Data:     f.data,
		Config:   f.config,
		Storage:  []string{filepath.Join(f.data, "containers", "storage")},
		Proc:     "/proc",
		Cache:    filepath.Join(f.cache, "bkt", "distrobox"),
		State:    filepath.Join(f.state, "bkt", "distrobox"),
		UID:      os.Getuid(),
		Remember: f.memory.remember,
		Recall:   f.memory.recall,
	}
	switch {
	case d.Manager == "docker":
		d.Storage = []string{"/var/lib/docker"}
	case d.UID == 0:
		d.Storage = append(d.Storage, "/var/lib/containers/storage")
	}
	return d
}

// toolboxInImage returns the box that is made of the toolbox image, if that image
// is made here and has the environment of the box.
func toolboxInImage(repo fs.FS, boxes manifest.Boxes) (string, error) {
	name, ok := gen.ToolboxOf(boxes)
	if !ok {
		return "", nil
	}
	text, err := fs.ReadFile(repo, "toolbox/Containerfile")
	if err = unlessAbsent(err); err != nil {
		return "", plainPathError(err)
	}
	if !strings.Contains(string(text), "# === TOOLBOX_ENVIRONMENT (managed by bkt) ===") {
		return "", nil
	}
	return name, nil
}

// gsettings returns the domain of settings, by dconf(7) and the variables of
// GLib.
func (f folders) gsettings() *gsettings.Domain {
	bus, runtimeBus := os.Getenv("DBUS_SESSION_BUS_ADDRESS"), filepath.Join(f.runtime, "bus")
	if _, err := os.Stat(runtimeBus); bus == "" && f.runtime != "" && err == nil {
		bus = "unix:path=" + runtimeBus
	}
	return &gsettings.Domain{
		Missing:    !host.Installed("dconf"),
		Bus:        bus,
		Home:       f.home,
		ConfigHome: f.config,
		DataHome:   f.data,
		DataDirs:   f.dataDirs,
		RuntimeDir: f.runtime,
		RunDir:     "/run",
		EtcDir:     "/etc",
		UID:        os.Getuid(),
		Profile:    os.Getenv("DCONF_PROFILE"),
		SchemaDirs: filepath.SplitList(os.Getenv("GSETTINGS_SCHEMA_DIR")),
		Desktops:   filepath.SplitList(os.Getenv("XDG_CURRENT_DESKTOP")),
	}
}

// flatpakArch returns what Flatpak calls an architecture of Go.
func flatpakArch(arch string) string {
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

// folders are those of who runs bkt, by the XDG Base Directory
// Specification.
type folders struct {
	home, config, data, state, cache, runtime string
	dataDirs                                  []string

	memory *memory
}

func userFolders() (folders, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return folders{}, err
	}
	return folders{
		home:     home,
		config:   directory("XDG_CONFIG_HOME", home, ".config"),
		data:     directory("XDG_DATA_HOME", home, ".local/share"),
		state:    directory("XDG_STATE_HOME", home, ".local/state"),
		cache:    directory("XDG_CACHE_HOME", home, ".cache"),
		runtime:  os.Getenv("XDG_RUNTIME_DIR"),
		dataDirs: dataDirs(),
		memory:   &memory{},
	}, nil
}

// directory returns the value of a variable, which counts only if it is
// absolute, or else a folder in the home.
func directory(variable, home, below string) string {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(home, below)
}

func dataDirs() []string {
	dirs := os.Getenv("XDG_DATA_DIRS")
	if dirs == "" {
		dirs = "/usr/local/share:/usr/share"
	}
	return strings.Split(dirs, ":")
}
