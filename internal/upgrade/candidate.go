package upgrade

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"bkt/internal/distrobox"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/interrupt"
	"bkt/internal/ocilayout"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
)

// A Candidate is a new image that is on this machine, and the plan to use it.
type Candidate struct {
	Plan
	id string // of the image
}

// Fetch pulls or loads the image. A pull may move the name of the image: unless the
// candidate is executed, call [Candidate.Abandon].
func (p Plan) Fetch(ctx context.Context, log pipeline.Log) (Candidate, error) {
	c := Candidate{Plan: p}
	err := p.fetch(ctx, log)
	if err == nil {
		c.id, err = p.imageID(ctx)
	}
	if err != nil {
		c.Release(ctx)
	}
	return c, err
}

func (p Plan) fetch(ctx context.Context, log pipeline.Log) error {
	switch {
	case p.isLayout():
		log.Note("loading the image from %s", p.layout.Dir)
		if err := pipeline.LoadInto(ctx, p.Manager, p.layout, candidateName); err != nil {
			return fmt.Errorf("image %s: %w", p.Image, err)
		}
	case p.isPulled():
		log.Note("pulling %s", p.Image)
		return execute(ctx, "image "+p.Image, p.run("pull", "--quiet", p.Image))
	}
	return nil
}

// Release removes the temporary name of the image. Failures do not matter: the next
// candidate takes the name over.
func (c Candidate) Release(ctx context.Context) {
	if c.isLayout() {
		_ = execute(context.WithoutCancel(ctx), candidateName, c.run("rmi", candidateName))
	}
}

// IsCurrent reports whether no upgrade is needed.
func (c Candidate) IsCurrent() bool { return c.isCurrent(c.id) }

// CheckHooks runs the hooks of the container in the new image. A rule that they break
// is an error.
func (c Candidate) CheckHooks(ctx context.Context, log pipeline.Log, o pipeline.EngineOptions) error {
	if len(c.hooks) == 0 {
		return nil
	}
	log.Note("running the hooks in the new image")
	return host.Executor{}.UseTempDir(func(dir string) error {
		l, err := c.save(ctx, filepath.Join(dir, "image"))
		if err != nil {
			return err
		}
		b, err := o.Builder(c.repo)
		if err != nil {
			return err
		}
		return pipeline.CheckHooks(ctx, log, c.repo, b, l, c.hooks)
	})
}

// save returns the image as a layout. If it comes from none, podman writes one to dir.
func (c Candidate) save(ctx context.Context, dir string) (ocilayout.Image, error) {
	if c.isLayout() {
		return c.layout, nil
	}
	if c.Manager != "podman" {
		err := fmt.Errorf("cannot run hooks in an image that only %s has", c.Manager)
		return ocilayout.Image{}, hint.Add(err, "use --image oci-layout://DIR, or skip the check with --no-hook-check")
	}
	if err := execute(ctx, "image "+c.Image, c.run("save", "--quiet", "--format", "oci-dir", "--output", dir, c.id)); err != nil {
		return ocilayout.Image{}, err
	}
	return ocilayout.Find(dir, "")
}

// Execute recreates the container. If that fails, it rolls back: the error is then the
// cause, and the outcome says whether the rollback succeeded.
func (c Candidate) Execute(ctx context.Context, log pipeline.Log) (Outcome, error) {
	if err := c.checkUnmoved(ctx); err != nil {
		return None, errors.Join(err, c.Abandon(ctx))
	}
	if err := c.recreate(ctx, log); err != nil {
		ctx, done := interrupt.Undoing(ctx)
		defer done()
		outcome, failed := c.rollBack(ctx, log)
		return outcome, errors.Join(err, failed)
	}
	return Upgraded, c.removeStaleExports(ctx)
}

// checkUnmoved returns an error if the image's name has moved to another image since
// the hooks ran in it.
func (c Candidate) checkUnmoved(ctx context.Context) error {
	id, err := c.imageID(ctx)
	if err == nil && id != c.id {
		err = hint.Add(fmt.Errorf("image %s: it was replaced while its hooks were checked", c.Image), "run the command again")
	}
	return err
}

// recreate executes the stages, and checks that all programs are exported.
func (c Candidate) recreate(ctx context.Context, log pipeline.Log) error {
	for _, stage := range c.Stages {
		log.Note("%s: %s", c.Container, stage.Title)
		if err := c.executeStage(ctx, stage); err != nil {
			return err
		}
	}
	if err := c.domain.Lacking(ctx, host.Query{}, c.declared); err != nil {
		return fmt.Errorf("%s: %w", c.Container, err)
	}
	return nil
}

func (c Candidate) executeStage(ctx context.Context, s distrobox.Stage) error {
	return execute(ctx, c.Container+": "+s.Title, s.Steps...)
}

// rollBack brings the old container back, and gives the old image its name back.
func (c Candidate) rollBack(ctx context.Context, log pipeline.Log) (Outcome, error) {
	if err := c.Abandon(ctx); err != nil {
		return None, hint.Add(err, `run "%s ps --all" to see what is left of %s; "%s rename" renames a container`, c.Manager, c.Container, c.Manager)
	}
	log.Note("%s: rolled back to the old container", c.Container)
	return RolledBack, c.removeStaleExports(ctx)
}

// Abandon restores the names of the old container and the old image, as far as they
// have changed. Each step is tried, even if another fails.
func (c Candidate) Abandon(ctx context.Context) error {
	ctx, done := interrupt.Undoing(ctx)
	defer done()
	var errs []error
	for _, s := range c.Undo.Steps {
		errs = append(errs, c.executeStage(ctx, distrobox.Stage{Title: c.Undo.Title, Steps: []plan.Step{s}}))
	}
	return errors.Join(errs...)
}

// removeStaleExports removes wrappers on the host for programs that the container
// does not have.
func (c Candidate) removeStaleExports(ctx context.Context) error {
	steps, err := c.domain.Stale(ctx, host.Query{}, c.declared)
	if err != nil {
		return err
	}
	return c.executeStage(ctx, distrobox.Stage{Title: "remove stale exports", Steps: steps})
}

// RemoveBackup removes the old container for good, after an upgrade.
func (c Candidate) RemoveBackup(ctx context.Context) error { return c.executeStage(ctx, c.Remove) }
