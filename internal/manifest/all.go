package manifest

import (
	"path"
	"reflect"
	"strings"

	"bkt/internal/strictjson"
)

// A File is one of the manifests of a repository.
type File struct {
	Path string       // in the repository, such as "manifests/image.json"
	Name string       // the last part of Path
	Type reflect.Type // of its content

	// Format returns the canonical form of data, a manifest that errors call name.
	Format func(name string, data []byte) ([]byte, error)

	// Check reports what is wrong with a value of the type.
	Check func(v any, r *strictjson.Report)
}

// All returns every manifest: first those of the images, then those of the running
// system.
func All() []File {
	return []File{
		file[Images](ImagePath),
		file[Packages](SystemPackagesPath),
		file[Packages](ToolboxPackagesPath),
		file[ExternalRepos](ExternalReposPath),
		file[SystemConfig](SystemConfigPath),
		file[Toolchains](ToolchainsPath),
		file[Containers](DistroboxPath),
		file[FlatpakInstallations](FlatpakInstallationsPath),
		file[FlatpakRemotes](FlatpakRemotesPath),
		file[FlatpakApps](FlatpakAppsPath),
		file[FlatpakOverrides](FlatpakOverridesPath),
		file[Services](ServicesPath),
		file[Extensions](ExtensionsPath),
		file[Settings](SettingsPath),
		file[AppImages](AppImagesPath),
	}
}

// Names returns the names of all manifests, such as "image".
func Names() []string {
	var names []string
	for _, f := range All() {
		names = append(names, strings.TrimSuffix(f.Name, ".json"))
	}
	return names
}

func file[T any](at string) File {
	return File{at, path.Base(at), reflect.TypeFor[T](), format[T], check}
}

func check(v any, r *strictjson.Report) {
	if c, ok := v.(checker); ok {
		c.check(r)
	}
}

func format[T any](name string, data []byte) ([]byte, error) {
	v, _, err := Decode[T](name, data)
	if err != nil {
		return nil, err
	}
	return Encode(v)
}
