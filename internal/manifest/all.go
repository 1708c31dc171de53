package manifest

import "reflect"

// A File is one of the manifests that a repository may have.
type File struct {
	Name string       // in the folder of the manifests, such as "image.json"
	Type reflect.Type // of what it is read into

	// Format returns the manifest data, which errors call name, as it is when
	// it has been written: right, and in its canonical form.
	Format func(name string, data []byte) ([]byte, error)
}

// All returns every manifest: those of the images first, then those of the
// running system.
func All() []File {
	return []File{
		file[Images]("image.json"),
		file[Packages]("system-packages.json"),
		file[Packages]("toolbox-packages.json"),
		file[ExternalRepos]("external-repos.json"),
		file[SystemConfig]("system-config.json"),
		file[Toolchains]("toolchains.json"),
		file[Boxes]("distrobox.json"),
		file[FlatpakRemotes]("flatpak-remotes.json"),
		file[FlatpakApps]("flatpak-apps.json"),
		file[FlatpakOverrides]("flatpak-overrides.json"),
		file[Services]("systemd-services.json"),
		file[Extensions]("gnome-extensions.json"),
		file[Settings]("gsettings.json"),
		file[AppImages]("appimage-apps.json"),
	}
}

func file[T any](name string) File {
	return File{name, reflect.TypeFor[T](), format[T]}
}

func format[T any](name string, data []byte) ([]byte, error) {
	v, _, err := Decode[T](name, data)
	if err != nil {
		return nil, err
	}
	return Encode(v)
}
