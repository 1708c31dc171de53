package domains

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"bkt/internal/distrobox"
	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// ErrNoToolbox is the error of manifests that do not say which container uses the toolbox
// image.
var ErrNoToolbox = errors.New("does not say which container uses the toolbox image")

// Toolbox returns the declared container of the toolbox image. files has the manifests. The
// error is [ErrNoToolbox] if they declare none.
func Toolbox(files fs.FS) (distrobox.Container, error) {
	declared, err := distrobox.Store{InImage: ToolboxInImage}.Load(files)
	if err != nil {
		return distrobox.Container{}, err
	}
	containers := map[string]manifest.Container{}
	for _, c := range declared {
		containers[c.Name] = c.Container
	}
	name, ok := manifest.Containers{Containers: containers}.Toolbox()
	if !ok {
		return distrobox.Container{}, hint.Add(fmt.Errorf("%s %w", distrobox.File, ErrNoToolbox), `name that container "bootc-dev", or declare only one container`)
	}
	i := slices.IndexFunc(declared, func(c distrobox.Container) bool { return c.Name == name })
	return declared[i], nil
}
