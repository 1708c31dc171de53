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

// ErrNoToolbox is the error of manifests that do not say which container is that of
// the toolbox image.
var ErrNoToolbox = errors.New("does not say which container is that of the toolbox image")

// Toolbox returns the container of the toolbox image, as the manifests in files
// declare it. It fails with [ErrNoToolbox] if they declare none.
func Toolbox(files fs.FS) (distrobox.Container, error) {
	declared, err := distrobox.Store{InImage: ToolboxInImage}.Load(files)
	if err != nil {
		return distrobox.Container{}, err
	}
	containers := map[string]manifest.Container{}
	for _, b := range declared {
		containers[b.Name] = b.Container
	}
	name, ok := manifest.Containers{Containers: containers}.Toolbox()
	if !ok {
		return distrobox.Container{}, hint.Add(fmt.Errorf("%s %w", distrobox.File, ErrNoToolbox), `name that container "bootc-dev", or declare no other one`)
	}
	i := slices.IndexFunc(declared, func(b distrobox.Container) bool { return b.Name == name })
	return declared[i], nil
}
