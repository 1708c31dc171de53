package manifest

import (
	"path"
	"reflect"
)

// A File is one of the manifests that a repository may have.
type File struct {
	Path string       // in the repository, such as "manifests/image.json"
	Name string       // the last part of Path
	Type reflect.Type // of what it is read into

	// Format returns the manifest data, which errors call name, as it is when
	// it has been written: right, and in its canonical form.
	Format func(name string, data []byte) ([]byte, error)
}

// All returns every manifest: those of the images first, then those of the
// running system.
func All() []File {
	return []File{
		file[Images](ImagePath),
		file[Packages](SystemPackagesPath),
		file[Packages](ToolboxPackagesPath),
		file[ExternalRepos](ExternalReposPath),
		file[SystemConfig](SystemConfigPath),
		file[Toolchains](ToolchainsPath),
		file[Boxes](DistroboxPath),
		file[FlatpakRemotes](FlatpakRemotesPath),
		file[FlatpakApps](FlatpakAppsPath),
		file[FlatpakOverrides](FlatpakOverridesPath),
		file[Services](ServicesPath),
		file[Extensions](ExtensionsPath),
		file[Settings](SettingsPath),
		file[AppImages](AppImagesPath),
	}
}

func file[T any](at string) File {
	return File{at, path.Base(at), reflect.TypeFor[T](), format[T]}
}

func format[T any](name string, data []byte) ([]byte, error) {
	v, _, err := Decode[T](name, data)
	if err != nil {
		return nil, err
	}
	return Encode(v)
}
