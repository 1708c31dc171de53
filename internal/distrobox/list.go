package distrobox

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// A container is one of distrobox's, as its manager tells of it.
type container struct {
	id, name  string
	image     string // as it was named when the container was made
	imageID   string
	labels    map[string]string
	args      []string // of its entry point
	running   bool
	pid       int // of its first process, if it runs
	mounts    []mount
	inspected bool
}

type mount struct {
	Type, Source, Destination string
	RW                        bool
}

// shortID returns as much of the id of an image as tells it from others.
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

// list returns the containers of distrobox, without starting any.
func (d Domain) list(ctx context.Context, sys reconcile.System) ([]container, error) {
	var all []container
	var err error
	if d.Manager == "docker" {
		all, err = d.listDocker(ctx, sys)
	} else {
		all, err = d.listPodman(ctx, sys)
	}
	if err != nil {
		return nil, reconcile.Unavailablef("%w", err)
	}
	all = slices.DeleteFunc(all, func(c container) bool { return !ours(c.labels) })
	slices.SortFunc(all, func(a, b container) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

func (d Domain) ask(ctx context.Context, sys reconcile.System, args ...string) ([]byte, error) {
	return sys.Output(ctx, plan.Run{Argv: append([]string{d.Manager}, args...)})
}

func (d Domain) listPodman(ctx context.Context, sys reconcile.System) ([]container, error) {
	text, err := d.ask(ctx, sys, "ps", "--all", "--no-trunc", "--format", "json")
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
	var all []container
	for _, r := range rows {
		if len(r.Names) == 0 {
			continue
		}
		all = append(all, container{
			id: r.ID, name: r.Names[0], image: r.Image, imageID: shortID(r.ImageID),
			labels: r.Labels, args: r.Command, running: r.State == "running", pid: r.Pid,
		})
	}
	return all, nil
}

// listDocker asks twice: docker's list does not tell what containers are made of.
func (d Domain) listDocker(ctx context.Context, sys reconcile.System) ([]container, error) {
	text, err := d.ask(ctx, sys, "ps", "--all", "--no-trunc", "--quiet")
	ids := strings.Fields(string(text))
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return d.inspect(ctx, sys, ids)
}

// inspect returns all about containers.
func (d Domain) inspect(ctx context.Context, sys reconcile.System, ids []string) ([]container, error) {
	text, err := d.ask(ctx, sys, append([]string{"inspect", "--type", "container"}, ids...)...)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		ID, Name, Image, ImageName string
		Args                       []string
		Mounts                     []mount
		State                      struct {
			Running bool
			Pid     int
		}
		Config struct {
			Image  string
			Labels map[string]string
		}
	}
	if err := parse(text, &rows); err != nil {
		return nil, fmt.Errorf("%s inspect: %w", d.Manager, err)
	}
	var all []container
	for _, r := range rows {
		all = append(all, container{
			id: r.ID, name: strings.TrimPrefix(r.Name, "/"), image: cmp.Or(r.ImageName, r.Config.Image), imageID: shortID(r.Image),
			labels: r.Config.Labels, args: r.Args, running: r.State.Running, pid: r.State.Pid,
			mounts: r.Mounts, inspected: true,
		})
	}
	return all, nil
}

// parse parses what a manager prints, which may be nothing at all.
func parse(text []byte, rows any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	return json.Unmarshal(text, rows)
}

// readImages returns which image each name stands for, as podman's storage has it,
// nil if it is not where it usually is. That takes no process.
func (d Domain) readImages() images {
	var all images
	for _, dir := range d.Storage {
		files, _ := filepath.Glob(filepath.Join(dir, "*-images", "images.json"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			var rows []struct {
				ID    string
				Names []string
			}
			if err != nil || parse(text, &rows) != nil {
				return nil
			}
			if all == nil {
				all = images{}
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

// has reports whether all containers are of images that are known by their ids, so
// that these are the images that the containers' manager has.
func (m images) has(containers []container) bool {
	return !slices.ContainsFunc(containers, func(c container) bool { return m[c.imageID] == "" })
}

// askImages returns which image each name stands for, as the manager tells.
func (d Domain) askImages(ctx context.Context, sys reconcile.System) (images, error) {
	if d.Manager == "docker" {
		return d.imagesDocker(ctx, sys)
	}
	text, err := d.ask(ctx, sys, "images", "--no-trunc", "--format", "json")
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
	all := images{}
	for _, r := range rows {
		for _, name := range slices.Concat(r.Names, r.RepoTags, r.RepoDigests) {
			all[name] = shortID(r.ID)
		}
	}
	return all, nil
}

func (d Domain) imagesDocker(ctx context.Context, sys reconcile.System) (images, error) {
	text, err := d.ask(ctx, sys, "images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}")
	if err != nil {
		return nil, reconcile.Unavailablef("%w", err)
	}
	all := images{}
	for line := range strings.Lines(string(text)) {
		if name, id, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[name] = shortID(id)
		}
	}
	return all, nil
}

// images are the ids of images by their names, with registry and tag.
type images map[string]string

// id returns which image a name stands for, "" if there is none or several. What
// was made here comes before what is from a registry, as managers have it.
func (m images) id(name string) string {
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
