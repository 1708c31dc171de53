package manifest

// Folder is the folder of the manifests in a repository.
const Folder = "manifests"

// The paths of the manifests in a repository, slash-separated.
const (
	ImagePath                = Folder + "/image.json"
	SystemPackagesPath       = Folder + "/system-packages.json"
	ToolboxPackagesPath      = Folder + "/toolbox-packages.json"
	ExternalReposPath        = Folder + "/external-repos.json"
	SystemConfigPath         = Folder + "/system-config.json"
	ToolchainsPath           = Folder + "/toolchains.json"
	DistroboxPath            = Folder + "/distrobox.json"
	FlatpakInstallationsPath = Folder + "/flatpak-installations.json"
	FlatpakRemotesPath       = Folder + "/flatpak-remotes.json"
	FlatpakAppsPath          = Folder + "/flatpak-apps.json"
	FlatpakOverridesPath     = Folder + "/flatpak-overrides.json"
	ServicesPath             = Folder + "/systemd-services.json"
	ExtensionsPath           = Folder + "/gnome-extensions.json"
	SettingsPath             = Folder + "/gsettings.json"
	AppImagesPath            = Folder + "/appimage-apps.json"
)
