// Package manager asks podman or docker about the containers of distrobox, and has the
// steps that change containers. Its questions start no container of distrobox.
package manager

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// A Manager is the program that manages containers: podman or docker.
type Manager struct {
	Program string
	Storage []string // its folders for containers
}

// A Container is a container of distrobox, as the manager reports it.
type Container struct {
	ID, Name  string
	Image     string // its name when the container was created
	ImageID   string
	Labels    map[string]string
	Args      []string // of its entry point
	Running   bool
	PID       int // of its first process, if it runs
	Mounts    []Mount
	Inspected bool

	CreateCommand []string // that podman has recorded; docker records none
}

// A Mount is a folder or a file of the host in a container.
type Mount struct {
	Type, Source, Destination string
	RW                        bool
}

// shortID returns the beginning of the id of an image, long enough to identify it.
func shortID(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(len(id), 12)]
}

// ours reports whether labels are those of a container of distrobox.
func ours(labels map[string]string) bool {
	for name := range labels {
		if strings.HasPrefix(name, "distrobox.") {
			return true
		}
	}
	return labels["manager"] == "distrobox"
}

// List returns the containers of distrobox, without starting any.
func (m Manager) List(ctx context.Context, sys reconcile.System) ([]Container, error) {
	var all []Container
	var err error
	if m.Program == "docker" {
		all, err = m.listDocker(ctx, sys)
	} else {
		all, err = m.listPodman(ctx, sys)
	}
	if err != nil {
		return nil, reconcile.Unavailablef("%w", err)
	}
	all = slices.DeleteFunc(all, func(c Container) bool { return !ours(c.Labels) })
	slices.SortFunc(all, func(a, b Container) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func (m Manager) ask(ctx context.Context, sys reconcile.System, args ...string) ([]byte, error) {
	return sys.Output(ctx, plan.Run{Argv: append([]string{m.Program}, args...)})
}

func (m Manager) listPodman(ctx context.Context, sys reconcile.System) ([]Container, error) {
	text, err := m.ask(ctx, sys, "ps", "--all", "--no-trunc", "--format", "json")
	if err != nil {
		return nil, err
	}
	var rows []struct {
		ID, Image, ImageID, State string
		Names, Command            []string
		Labels                    map[string]string
		Pid                       int
	}
	if err := parse(text, &rows); err != nil {
		return nil, fmt.Errorf("podman ps: %w", err)
	}
	var all []Container
	for _, r := range rows {
		if len(r.Names) == 0 {
			continue
		}
		all = append(all, Container{
			ID: r.ID, Name: r.Names[0], Image: r.Image, ImageID: shortID(r.ImageID),
			Labels: r.Labels, Args: r.Command, Running: r.State == "running", PID: r.Pid,
		})
	}
	return all, nil
}

// listDocker asks twice, because docker's list lacks details.
func (m Manager) listDocker(ctx context.Context, sys reconcile.System) ([]Container, error) {
	text, err := m.ask(ctx, sys, "ps", "--all", "--no-trunc", "--quiet")
	ids := strings.Fields(string(text))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return m.Inspect(ctx, sys, ids)
}

// Inspect returns the details of containers.
func (m Manager) Inspect(ctx context.Context, sys reconcile.System, ids []string) ([]Container, error) {
	text, err := m.ask(ctx, sys, append([]string{"inspect", "--type", "container"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		ID, Name, Image, ImageName string
		Args                       []string
		Mounts                     []Mount
		State                      struct {
			Running bool
			Pid     int
		}
		Config struct {
			Image         string
			Labels        map[string]string
			CreateCommand []string
		}
	}
	if err := parse(text, &rows); err != nil {
		return nil, fmt.Errorf("%s inspect: %w", m.Program, err)
	}
	var all []Container
	for _, r := range rows {
		all = append(all, Container{
			ID: r.ID, Name: strings.TrimPrefix(r.Name, "/"), Image: cmp.Or(r.ImageName, r.Config.Image), ImageID: shortID(r.Image),
			Labels: r.Config.Labels, Args: r.Args, Running: r.State.Running, PID: r.State.Pid,
			Mounts: r.Mounts, Inspected: true, CreateCommand: r.Config.CreateCommand,
		})
	}
	return all, nil
}

// parse parses the output of a manager, which may be empty.
func parse(text []byte, rows any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	return json.Unmarshal(text, rows)
}

// ReadImages returns the images in podman's storage by their names, nil if the storage is
// not in its usual place. It starts no process.
func (m Manager) ReadImages() Images {
	var all Images
	for _, dir := range m.Storage {
		files, _ := filepath.Glob(filepath.Join(dir, "*-images", "images.json"))
		for _, file := range files {
			text, err := plainfile.Read(file, plainfile.MaxText)
			var rows []struct {
				ID    string
				Names []string
			}
			if err != nil || parse(text, &rows) != nil {
				return nil
			}
			if all == nil {
				all = Images{}
			}
			for _, r := range rows {
				all[shortID(r.ID)] = shortID(r.ID)
				for _, name := range r.Names {
					all[name] = shortID(r.ID)
				}
			}
		}
	}
	return all
}

// Has reports whether the images of all containers are in m. If not, m belongs to another
// manager than the containers.
func (m Images) Has(containers []Container) bool {
	return !slices.ContainsFunc(containers, func(c Container) bool { return m[c.ImageID] == "" })
}

// AskImages returns the images that the manager lists by their names.
func (m Manager) AskImages(ctx context.Context, sys reconcile.System) (Images, error) {
	if m.Program == "docker" {
		return m.imagesDocker(ctx, sys)
	}
	text, err := m.ask(ctx, sys, "images", "--no-trunc", "--format", "json")
	if err != nil {
		return nil, reconcile.Unavailablef("%w", err)
	}
	var rows []struct {
		ID                           string
		Names, RepoTags, RepoDigests []string
	}
	if err := parse(text, &rows); err != nil {
		return nil, reconcile.Unavailablef("podman images: %w", err)
	}
	all := Images{}
	for _, r := range rows {
		for _, name := range slices.Concat(r.Names, r.RepoTags, r.RepoDigests) {
			all[name] = shortID(r.ID)
		}
	}
	return all, nil
}

func (m Manager) imagesDocker(ctx context.Context, sys reconcile.System) (Images, error) {
	text, err := m.ask(ctx, sys, "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")
	if err != nil {
		return nil, reconcile.Unavailablef("%w", err)
	}
	all := Images{}
	for line := range strings.Lines(string(text)) {
		if name, id, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[name] = shortID(id)
		}
	}
	return all, nil
}

// Images are the ids of images by their names, with registry and tag.
type Images map[string]string

// ID returns the id of the image with a name, "" if none or several have it. A local
// image comes before one of a registry, as in the managers.
func (m Images) ID(name string) string {
	name = strings.TrimPrefix(name, "docker://")
	if i := strings.LastIndexAny(name, ":/@"); i < 0 || name[i] == '/' {
		name += ":latest"
	}
	for _, full := range []string{name, "localhost/" + name} {
		if id, ok := m[full]; ok {
			return id
		}
	}
	found := ""
	for full, id := range m {
		switch {
		case !strings.HasSuffix(full, "/"+name), id == found:
		case found != "":
			return ""
		default:
			found = id
		}
	}
	return found
}
