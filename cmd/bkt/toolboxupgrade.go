package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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
	"bkt/internal/ui"

	"github.com/opencontainers/go-digest"
)

type upgradeCmd struct {
	ui.Mode
	Image        string `placeholder:"IMAGE" help:"The new image: a name in a registry or on this machine, or oci-layout://DIR (the image that the manifest names, as its registry has it now)."`
	NoHookCheck  bool   `help:"Do not run the hooks in the new image first."`
	RemoveBackup bool   `help:"Remove the old box when the new one works."`
	Yes          bool   `short:"y" help:"Do not ask."`
	engineFlags  `embed:""`
}

// candidate is the name that an image of a layout has until it has that of the box.
const candidate = "localhost/bkt-candidate:latest"

// An upgrade is one of the box of the toolbox image.
type upgrade struct {
	distrobox.Upgrade
	box     distrobox.Box
	domain  distrobox.Domain
	image   string // what the user has named
	layout  ocilayout.Image
	result  string
	removed bool // the old box is gone
}

// What can come of an upgrade.
const (
	upgraded   = "upgraded"
	unchanged  = "unchanged"
	rolledBack = "rolled back"
)

// Run makes the box anew. Whatever goes wrong, there is the old box afterwards.
func (c *upgradeCmd) Run(ctx context.Context, a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	u, err := c.plan(ctx, s)
	if err != nil {
		return err
	}
	return c.Mode.Run(func() (bool, error) {
		if err := u.foresee(ctx, a); err != nil {
			return false, err
		}
		return u.result != unchanged, a.printUpgrade(u)
	}, func() error {
		return c.execute(ctx, a, s, u)
	})
}

func (c *upgradeCmd) execute(ctx context.Context, a *app, s system, u upgrade) error {
	unlock, err := a.lock(ctx, s.Repo, c.Mode)
	if err != nil {
		return err
	}
	defer unlock()
	defer s.Cache.Save()
	err = c.carryOut(ctx, a, s.Repo, &u)
	if err != nil && u.result == "" {
		return err
	}
	return errors.Join(a.printUpgrade(u), err)
}

// foresee finds out whether there is anything to do, as far as that can be told
// without getting the image. What a registry has by now it does not ask.
func (u *upgrade) foresee(ctx context.Context, a *app) error {
	var id string
	var err error
	if u.layout.Dir != "" {
		var config digest.Digest
		if config, err = u.layout.ID(); err == nil {
			id = config.Encoded()
		}
	} else {
		id, err = u.imageID(ctx, u.image)
	}
	pulled := u.layout.Dir == "" && !strings.HasPrefix(u.image, "localhost/")
	switch {
	case err != nil && pulled:
		return nil // it is to be pulled for the first time
	case err != nil:
		return err
	case !u.isSame(id):
		return nil
	}
	u.result = unchanged
	if pulled {
		a.Note("whether there is a newer %s in its registry is not known without pulling it", u.image)
	}
	return nil
}

// isSame reports whether the box would be the one that it is already.
func (u *upgrade) isSame(id string) bool {
	return u.Same && u.Was != "" && strings.HasPrefix(id, u.Was)
}

// plan finds out what there is to do, without doing any of it.
func (c *upgradeCmd) plan(ctx context.Context, s system) (u upgrade, err error) {
	if u.box, err = domains.Toolbox(s.Repo.FS()); err != nil {
		return u, err
	}
	u.image = cmp.Or(c.Image, u.box.Image)
	named := u.image
	if dir, ok := strings.CutPrefix(c.Image, pipeline.LayoutScheme); ok {
		if u.layout, err = ocilayout.Find(dir, ""); err != nil {
			return u, fmt.Errorf("--image: %w", err)
		}
		named = candidate
	}
	toolchains, err := manifest.Read[manifest.Toolchains](s.Repo.FS(), manifest.ToolchainsPath)
	if err != nil {
		return u, err
	}
	var answering []string
	for _, t := range toolchains.Content.Toolchains {
		answering = append(answering, t.Path)
	}
	u.domain = domains.Distrobox(s.Folders, s.Cache)
	u.Upgrade, err = u.domain.Upgrade(ctx, host.Query{}, u.box, named, answering, time.Now().Format("-backup-20060102-150405"))
	return u, err
}

// carryOut gets the image, has it checked, asks, and makes the box anew.
func (c *upgradeCmd) carryOut(ctx context.Context, a *app, r repo.Repo, u *upgrade) (err error) {
	defer u.forget(context.WithoutCancel(ctx))
	id, err := u.fetch(ctx, a)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, u.rollBack(context.WithoutCancel(ctx), a))
		}
	}()
	if u.isSame(id) {
		u.result = unchanged
		return nil
	}
	if err := c.check(ctx, a, r, u, id); err != nil {
		return err
	}
	for _, lost := range u.Loses {
		a.Note("%s loses %s", u.box.Name, lost)
	}
	if !c.Yes {
		if err := a.Confirm("make " + u.box.Name + " anew"); err != nil {
			return err
		}
	}
	if err := u.unmoved(ctx, id); err != nil {
		return err
	}
	if err := u.build(ctx, a); err != nil {
		return err
	}
	return c.discard(ctx, a, u)
}

// fetch gets the new image, and returns its id.
func (u *upgrade) fetch(ctx context.Context, a *app) (id string, err error) {
	switch manager := u.domain.Manager; {
	case u.layout.Dir != "":
		a.Note("loading the image of %s", u.layout.Dir)
		err = pipeline.LoadInto(ctx, manager, u.layout, candidate)
	case !strings.HasPrefix(u.image, "localhost/"):
		a.Note("pulling %s", u.image)
		_, err = host.Executor{}.Output(ctx, plan.Run{Argv: []string{manager, "pull", "--quiet", u.image}})
	}
	if err != nil {
		return "", fmt.Errorf("image %s: %w", u.image, err)
	}
	return u.id(ctx)
}

// id returns the id of the new image, which is known by its name until the box is
// made of it.
func (u *upgrade) id(ctx context.Context) (string, error) {
	named := u.image
	if u.layout.Dir != "" {
		named = candidate
	}
	return u.imageID(ctx, named)
}

// imageID returns the id of the image that a name stands for here.
func (u *upgrade) imageID(ctx context.Context, named string) (string, error) {
	out, err := host.Query{}.Output(ctx, plan.Run{Argv: []string{u.domain.Manager, "image", "inspect", "--format", "{{.Id}}", named}})
	if err != nil {
		err = hint.Add(fmt.Errorf("image %s: %w", u.image, err), `"bkt build toolbox --load %s" makes it`, u.image)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "sha256:"), err
}

// unmoved returns an error if the name of the new image is another one's by now
// than that whose hooks were run.
func (u *upgrade) unmoved(ctx context.Context, id string) error {
	now, err := u.id(ctx)
	if err == nil && now != id {
		err = hint.Add(fmt.Errorf("image %s: it was replaced while its hooks were checked", u.image), "run this again")
	}
	return err
}

// forget takes the name off an image that it has from its layout. That it has no
// such name, or no other while a box is made of it, is nothing that matters.
func (u *upgrade) forget(ctx context.Context) {
	if u.layout.Dir != "" {
		_, _ = host.Executor{}.Output(ctx, plan.Run{Argv: []string{u.domain.Manager, "rmi", candidate}})
	}
}

// check runs the hooks of the box in the new image. What they break is an error.
func (c *upgradeCmd) check(ctx context.Context, a *app, r repo.Repo, u *upgrade, id string) error {
	m, err := hook.Read(r.FS())
	if err != nil {
		return err
	}
	all, err := m.Hooks(u.box.Name)
	if err != nil || c.NoHookCheck {
		return err
	}
	hooks := m.InToolbox(all)
	if len(hooks) == 0 {
		return nil
	}
	a.Note("running the hooks in the new image")
	dir, err := os.MkdirTemp("", "bkt-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := u.saved(ctx, id, filepath.Join(dir, "image"))
	if err != nil {
		return err
	}
	b, err := c.engineFlags.options(a).Builder(r)
	if err != nil {
		return err
	}
	return pipeline.CheckHooks(ctx, a, r, b, l, hooks)
}

// saved returns the new image as a layout, which podman writes into dir if the
// image has not been given as one.
func (u *upgrade) saved(ctx context.Context, id, dir string) (ocilayout.Image, error) {
	if u.layout.Dir != "" {
		return u.layout, nil
	}
	if u.domain.Manager != "podman" {
		err := fmt.Errorf("the hooks cannot be run in an image that only %s has", u.domain.Manager)
		return ocilayout.Image{}, hint.Add(err, "give the image as --image oci-layout://DIR, or leave the check out with --no-hook-check")
	}
	if _, err := (host.Executor{}).Output(ctx, plan.Run{Argv: []string{"podman", "save", "--quiet", "--format", "oci-dir", "--output", dir, id}}); err != nil {
		return ocilayout.Image{}, err
	}
	return ocilayout.Find(dir, "")
}

// build makes the box anew, a stage after the other.
func (u *upgrade) build(ctx context.Context, a *app) error {
	for _, stage := range u.Stages {
		a.Note("%s: %s", u.box.Name, stage.Title)
		u.result = rolledBack // until it is done
		if err := u.do(ctx, stage); err != nil {
			return err
		}
	}
	if err := u.domain.Lacking(ctx, host.Query{}, u.box); err != nil {
		return fmt.Errorf("%s: %w", u.box.Name, err)
	}
	u.result = upgraded
	return u.sweep(ctx)
}

// do carries out a stage.
func (u *upgrade) do(ctx context.Context, stage distrobox.Stage) error {
	p := plan.Plan{{Op: plan.Modify, Domain: "distrobox", Targets: []string{u.box.Name + ": " + stage.Title}, Steps: stage.Steps}}
	return host.Executor{}.Execute(ctx, p, func(plan.Change, error) {})
}

// sweep removes wrappers on the host that have no program in the box.
func (u *upgrade) sweep(ctx context.Context) error {
	steps, err := u.domain.Stale(ctx, host.Query{}, u.box)
	if err != nil {
		return err
	}
	return u.do(ctx, distrobox.Stage{Title: "remove what it does not have", Steps: steps})
}

// rollBack brings the old box back, and its name back to the old image.
func (u *upgrade) rollBack(ctx context.Context, a *app) error {
	if u.result == upgraded {
		return nil // it is the old box that was not removed
	}
	err := u.undo(ctx)
	if u.result != rolledBack {
		return err
	}
	if err != nil {
		u.result = ""
		return hint.Add(err, `"%s ps --all" shows what there is of %s; a box is renamed by "%s rename"`, u.domain.Manager, u.box.Name, u.domain.Manager)
	}
	a.Note("%s: the old box is back", u.box.Name)
	return u.sweep(ctx)
}

// undo does all that undoes, whatever of it fails.
func (u *upgrade) undo(ctx context.Context) error {
	var errs []error
	for _, s := range u.Undo.Steps {
		errs = append(errs, u.do(ctx, distrobox.Stage{Title: u.Undo.Title, Steps: []plan.Step{s}}))
	}
	return errors.Join(errs...)
}

// discard removes the old box, if that is wanted.
func (c *upgradeCmd) discard(ctx context.Context, a *app, u *upgrade) error {
	if !c.RemoveBackup {
		if c.Yes || !ui.Interactive() {
			return nil
		}
		switch err := a.Confirm("remove " + u.Backup + ", the old box"); {
		case errors.Is(err, ui.ErrDeclined):
			return nil
		case err != nil:
			return err
		}
	}
	err := u.do(ctx, u.Remove)
	u.removed = err == nil
	return err
}

// upgradeJSON is the output of --json.
type upgradeJSON struct {
	Version int         `json:"version"`
	Box     string      `json:"box"`
	Image   string      `json:"image"`
	Result  string      `json:"result,omitempty"` // "": nothing has been done
	Backup  string      `json:"backup,omitempty"`
	Loses   []string    `json:"loses"`
	Stages  []stageJSON `json:"stages"`
}

type stageJSON struct {
	Title    string   `json:"title"`
	Commands []string `json:"commands"`
}

// printUpgrade prints what came of it or, if nothing has been done, what would be.
func (a *app) printUpgrade(u upgrade) error {
	switch {
	case a.JSON:
		return a.PrintJSON(asUpgradeJSON(u))
	case u.result == unchanged:
		_, err := fmt.Fprintln(a.Out, "nothing to do")
		return err
	case u.result == rolledBack, a.Quiet:
		return nil
	case u.result == upgraded:
		return a.printUpgraded(u)
	}
	return a.printStages(u)
}

func (a *app) printUpgraded(u upgrade) error {
	if _, err := fmt.Fprintf(a.Out, "~ distrobox %s\n", u.box.Name); err != nil || u.removed {
		return err
	}
	a.Note("the old box is %s: \"%s rm --force %s\" removes it", u.Backup, u.domain.Manager, u.Backup)
	return nil
}

func (a *app) printStages(u upgrade) error {
	out := new(strings.Builder)
	fmt.Fprintf(out, "~ distrobox %s\n", u.box.Name)
	for _, lost := range u.Loses {
		fmt.Fprintf(out, "    loses %s\n", lost)
	}
	for _, stage := range u.Stages {
		fmt.Fprintf(out, "    %s\n", stage.Title)
		for _, step := range stage.Steps {
			if a.Verbose {
				fmt.Fprintf(out, "      $ %v\n", step)
			}
		}
	}
	_, err := io.WriteString(a.Out, out.String())
	return err
}

func asUpgradeJSON(u upgrade) upgradeJSON {
	j := upgradeJSON{Version: 1, Box: u.box.Name, Image: u.image, Result: u.result, Loses: append([]string{}, u.Loses...)}
	if (u.result == "" || u.result == upgraded) && !u.removed {
		j.Backup = u.Backup
	}
	for _, stage := range u.Stages {
		s := stageJSON{Title: stage.Title, Commands: []string{}}
		for _, step := range stage.Steps {
			s.Commands = append(s.Commands, step.String())
		}
		j.Stages = append(j.Stages, s)
	}
	return j
}
