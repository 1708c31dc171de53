package distrobox

import (
	"io/fs"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// File is the manifest of containers.
const File = manifest.DistroboxPath

// Store is where containers are declared.
type Store struct {
	// InImage returns the name of the container whose environment is part of its
	// image, "" if there is none. That environment is not compared with the
	// container's. If it is unknown, that is an error: otherwise a capture would
	// remove the environment from the manifest.
	InImage func(repo fs.FS, boxes manifest.Containers) (string, error)
}

// Load implements [reconcile.Store].
func (s Store) Load(repo fs.FS) ([]Container, error) {
	_, boxes, err := reconcile.ReadManifest[manifest.Containers](repo, File)
	if err != nil {
		return nil, err
	}
	in, err := s.InImage(repo, boxes)
	if err != nil {
		return nil, err
	}
	var all []Container
	for _, name := range sortedKeys(boxes.Containers) {
		b := Container{Name: name, Container: boxes.Containers[name]}
		if name == in {
			b.Path, b.Env = nil, nil
		}
		all = append(all, b)
	}
	return all, nil
}

// Save implements [reconcile.Store].
func (s Store) Save(repo *reconcile.Edits, items []Container) error {
	_, boxes, err := reconcile.ReadManifest[manifest.Containers](repo, File)
	if err != nil {
		return err
	}
	in, err := s.InImage(repo, boxes)
	if err != nil {
		return err
	}
	old := boxes.Containers
	boxes.Containers = map[string]manifest.Container{}
	for _, b := range items {
		if b.Name == in {
			b.Path, b.Env = old[in].Path, old[in].Env
		}
		boxes.Containers[b.Name] = b.Container
	}
	return reconcile.WriteManifest(repo, File, boxes)
}
