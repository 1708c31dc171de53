// Package upgrade recreates the container of the toolbox image from a new image, and
// rolls back on failure. It asks nothing: callers do that between the steps.
//
//	p, err := upgrade.New(ctx, w, cache, "")
//	c, err := p.Fetch(ctx, log)
//	defer c.Release(ctx)
//	err = c.CheckHooks(ctx, log, engine)
//	outcome, err := c.Execute(ctx, log) // or c.Abandon(ctx)
//	err = c.RemoveBackup(ctx)
package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bkt/internal/distrobox"
	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/ocilayout"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/workspace"
)

// An Outcome is the result of an upgrade.
type Outcome string

// The outcomes.
const (
	None       Outcome = "" // nothing was executed, or the rollback failed
	Unchanged  Outcome = "unchanged"
	Upgraded   Outcome = "upgraded"
	RolledBack Outcome = "rolled back"
)

// candidateName is the name of an image from a layout until the container is created.
const candidateName = "localhost/bkt-candidate:latest"

// A Plan says how to upgrade a container. Making one changes nothing.
type Plan struct {
	distrobox.Upgrade
	Container string // its name
	Image     string // as the user or the manifest names it
	Manager   string // the program that manages containers

	declared distrobox.Container
	domain   distrobox.Domain
	layout   ocilayout.Image  // of Image; its Dir is "" if Image is a name
	hooks    []*hook.Declared // that run in the image
	repo     repo.Repo
}

// New plans the upgrade of the container to an image: a name, or oci-layout://DIR.
// Without an image it is the one that the manifest names.
func New(ctx context.Context, w workspace.Workspace, cache *domains.Cache, image string) (p Plan, err error) {
	files := w.Repo.FS()
	if p.declared, err = domains.Toolbox(files); err != nil {
		return p, err
	}
	p.repo, p.Container, p.Image = w.Repo, p.declared.Name, cmp.Or(image, p.declared.Image)
	if dir, ok := strings.CutPrefix(image, pipeline.LayoutScheme); ok {
		if p.layout, err = ocilayout.Find(dir, ""); err != nil {
			return p, fmt.Errorf("--image: %w", err)
		}
	}
	if p.hooks, err = readHooks(files, p.Container); err != nil {
		return p, err
	}
	toolchains, err := manifest.Read[manifest.Toolchains](files, manifest.ToolchainsPath)
	if err != nil {
		return p, err
	}
	var programs []string
	for _, t := range toolchains.Content.Toolchains {
		programs = append(programs, t.Path)
	}
	p.domain = domains.Distrobox(w.Folders, cache)
	p.Manager = p.domain.Manager
	p.Upgrade, err = p.domain.Upgrade(ctx, host.Query{}, p.declared, p.localName(), programs, time.Now().Format("-backup-20060102-150405"))
	return p, err
}

func readHooks(files fs.FS, container string) ([]*hook.Declared, error) {
	m, err := hook.Read(files)
	if err != nil {
		return nil, err
	}
	return m.Hooks(container)
}

// Preview returns [Unchanged] if the upgrade would change nothing, and [None] if it
// would change something. It does not ask a registry for a newer image, and logs so.
func (p Plan) Preview(ctx context.Context, log pipeline.Log) (Outcome, error) {
	id, err := p.previewID(ctx)
	switch {
	case err != nil && p.isPulled():
		return None, nil // no image has this name until it is pulled
	case err != nil || !p.isCurrent(id):
		return None, err
	}
	if p.isPulled() {
		log.Note("%s was compared as it is on this machine: its registry may have a newer image", p.Image)
	}
	return Unchanged, nil
}

// previewID returns the id of the image as far as it is known without fetching the
// image.
func (p Plan) previewID(ctx context.Context) (string, error) {
	if !p.isLayout() {
		return p.imageID(ctx)
	}
	id, err := p.layout.ID()
	if err != nil {
		return "", err
	}
	return id.Encoded(), nil
}

func (p Plan) isLayout() bool { return p.layout.Dir != "" }

// isPulled reports whether the image comes from a registry.
func (p Plan) isPulled() bool { return !p.isLayout() && !strings.HasPrefix(p.Image, "localhost/") }

// isCurrent reports whether the container is made from the image with this id, and
// needs no other change.
func (p Plan) isCurrent(id string) bool {
	return p.Same && p.Was != "" && strings.HasPrefix(id, p.Was)
}

// localName returns the name of the image on this machine once it is fetched.
func (p Plan) localName() string {
	if p.isLayout() {
		return candidateName
	}
	return p.Image
}

// imageID returns the id of the image with the name localName.
func (p Plan) imageID(ctx context.Context) (string, error) {
	out, err := host.Query{}.Output(ctx, plan.Run{Argv: []string{p.Manager, "image", "inspect", "--format", "{{.Id}}", p.localName()}})
	if err != nil {
		err = hint.Add(fmt.Errorf("image %s: %w", p.Image, err), `run "bkt build toolbox --load %s" to build it`, p.Image)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "sha256:"), err
}

// execute executes steps. what describes them in errors.
func execute(ctx context.Context, what string, steps ...plan.Step) error {
	p := plan.Plan{{Op: plan.Modify, Domain: "distrobox", Targets: []string{what}, Steps: steps}}
	return host.Executor{}.Execute(ctx, p, nil)
}

// run is the step that runs the container manager.
func (p Plan) run(args ...string) plan.Step {
	return plan.Run{Argv: append([]string{p.Manager}, args...)}
}
