package distrobox

import (
	"io/fs"

	"bkt/internal/distrobox/creation"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"
)

// File is the manifest of containers.
const File = manifest.DistroboxPath

// Store loads and saves the declared containers.
type Store struct {
	// InImage returns the name of the container whose environment is part of its
	// image, "" if no container has one. That environment is not compared with the
	// container's: another environment is another image. If the name is unknown, it
	// returns an error: otherwise a capture would remove the environment from the
	// manifest.
	InImage func(repo fs.FS, containers manifest.Containers) (string, error)
}

// Load implements [reconcile.Store].
func (s Store) Load(repo fs.FS) ([]Container, error) {
	_, containers, err := reconcile.ReadManifest[manifest.Containers](repo, File)
	if err != nil {
		return nil, err
	}
	in, err := s.InImage(repo, containers)
	if err != nil {
		return nil, err
	}
	var all []Container
	for _, name := range sortedKeys(containers.Containers) {
		c := Container{Name: name, Container: containers.Containers[name]}
		if name == in {
			c.InHome = creation.InHome(c.Container)
			c.ImageEnv = c.Env
			c.Path, c.Env, c.EnvInImage = nil, nil, true
		}
		all = append(all, c)
	}
	return all, nil
}

// Save implements [reconcile.Store].
func (s Store) Save(repo *reconcile.Edits, items []Container) error {
	_, containers, err := reconcile.ReadManifest[manifest.Containers](repo, File)
	if err != nil {
		return err
	}
	in, err := s.InImage(repo, containers)
	if err != nil {
		return err
	}
	old := containers.Containers
	containers.Containers = map[string]manifest.Container{}
	for _, c := range items {
		if c.Name == in {
			c.Path, c.Env = old[in].Path, old[in].Env
		}
		containers.Containers[c.Name] = c.Container
	}
	return reconcile.WriteManifest(repo, File, containers)
}
