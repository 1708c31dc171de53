package hook

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"bkt/internal/finding"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"
)

// A Declared hook is one that the manifest declares for a container. Its address is its
// identity: two hooks can have the same text.
type Declared struct {
	manifest.PlacedHook
	Container string
}

// Title returns the first line of the hook, with an ellipsis if there are more.
func (h *Declared) Title() string {
	first, rest, _ := strings.Cut(strings.TrimSpace(h.Run), "\n")
	if rest != "" {
		first += " …"
	}
	return first
}

// AsRoot reports whether the hook runs as root. In a container of root's engine, too, others
// run as the user, whose home and ID distrobox gives to the container.
func (h *Declared) AsRoot() bool { return h.As == "root" || h.Pre }

// Place returns where a byte of the hook's command is in the manifest.
func (h *Declared) Place(offset int) finding.Place {
	at := h.At(offset)
	return finding.Place{File: manifest.DistroboxPath, Line: at.Line, Column: at.Column}
}

// A Manifest is the manifest of containers, as far as hooks are concerned.
type Manifest struct {
	document manifest.Document[manifest.Containers]
}

// Read reads the manifest of a repository. One that does not exist declares no
// containers.
func Read(repo fs.FS) (Manifest, error) {
	d, err := manifest.Read[manifest.Containers](repo, manifest.DistroboxPath)
	return Manifest{d}, err
}

// Hooks returns the hooks of the containers, in their order and each container
// once; without containers, those of all. A container that is not declared is
// an error.
func (m Manifest) Hooks(containers ...string) ([]*Declared, error) {
	declared := slices.Sorted(maps.Keys(m.document.Content.Containers))
	if len(containers) == 0 {
		containers = declared
	}
	var hooks []*Declared
	for i, name := range containers {
		if !slices.Contains(declared, name) {
			return nil, noContainer(name, declared)
		}
		if slices.Contains(containers[:i], name) {
			continue
		}
		for _, h := range m.document.Content.Hooks(name, m.document.Source) {
			hooks = append(hooks, &Declared{h, name})
		}
	}
	return hooks, nil
}

// OfToolbox returns the containers that are created from the toolbox image, sorted. image is
// its name in image.json, or empty.
func (m Manifest) OfToolbox(image string) []string { return m.document.Content.OfToolbox(image) }

// Images returns the images of all containers, by the names of the containers.
func (m Manifest) Images() map[string]string {
	all := map[string]string{}
	for name, c := range m.document.Content.Containers {
		all[name] = c.Image
	}
	return all
}

// ByContainer returns hooks as one list for each container. Both are in their order.
func ByContainer(hooks []*Declared) [][]*Declared {
	var all [][]*Declared
	at := map[string]int{}
	for _, h := range hooks {
		i, ok := at[h.Container]
		if !ok {
			i, all = len(all), append(all, nil)
			at[h.Container] = i
		}
		all[i] = append(all[i], h)
	}
	return all
}

func noContainer(name string, declared []string) error {
	err := fmt.Errorf("%s has no container %q", manifest.DistroboxPath, name)
	if near, ok := strictjson.Nearest(name, declared); ok {
		err = fmt.Errorf("%w (did you mean %q?)", err, near)
	}
	return err
}
