package pipeline

import (
	"context"
	"io/fs"
	"slices"
	"time"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/hook/lint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/imagerule"
	"bkt/internal/imagetest"
	"bkt/internal/repo"
)

// TestOptions say how images are tested.
type TestOptions struct {
	Options
	Built   bool          // test the image in Folder instead of building one
	Timeout time.Duration // for each check
	Limit   time.Duration // for each run of a hook
}

// Test builds the image of s with b, or takes the one that is built, and runs the
// checks and the hooks that follow from the manifests in it. With Built, it reports
// whether the image is older than its inputs. It keeps nothing that it builds. An error
// says that tests could not be run; a test that fails is a result.
func (o TestOptions) Test(ctx context.Context, log Log, r repo.Repo, b buildkit.Builder, s Recipe) (results []imagetest.Result, outdated bool, err error) {
	t, err := readTests(r.FS(), s.Image)
	if err != nil {
		return nil, false, err
	}
	if len(t.elsewhere) > 0 {
		log.Note("the hooks of %s are not run here, because its image is not the toolbox image: \"bkt hook check --run\" runs them", t.elsewhere)
	}
	run := func(ctx context.Context, i buildkit.Inspection) (err error) {
		results, err = t.run(ctx, i, o)
		return err
	}
	if o.Built {
		l, release, err := BuiltImage(ctx, log, r, s.Image)
		if err != nil {
			return nil, false, err
		}
		defer release()
		outdated = IsOutdated(ctx, log, r, s.Image, l)
		err = b.InspectLayout(ctx, l, s.Inspected(), o.ProgressTo, run)
		return results, outdated, err
	}
	spec, err := Verify(ctx, s.Inspected())
	if err != nil {
		return nil, false, err
	}
	err = b.Inspect(ctx, spec, buildkit.ExtraMount{}, o.ProgressTo, run)
	return results, false, err
}

// tests are the conditions that an image must meet.
type tests struct {
	image     gen.Image
	checks    []imagerule.Check
	hooks     [][]*hook.Declared // of each container of the image; none for the system
	elsewhere string             // the only container, if it has hooks and another image
}

// readTests returns the tests of an image that follow from the manifests in files.
func readTests(files fs.FS, image gen.Image) (tests, error) {
	t := tests{image: image}
	var err error
	if image == gen.System {
		t.checks, err = imagerule.SystemChecks(files)
		return t, err
	}
	if t.checks, err = imagerule.ToolboxChecks(files); err != nil {
		return t, err
	}
	m, err := hook.Read(files)
	if err != nil {
		return t, err
	}
	return t, t.addHooks(files, m)
}

// addHooks adds the hooks of the containers of the toolbox image.
func (t *tests) addHooks(files fs.FS, m hook.Manifest) error {
	toolbox, err := toolboxContainers(files, m)
	if err != nil {
		return err
	}
	all, err := m.Hooks()
	for _, own := range hook.ByContainer(all) {
		switch name := own[0].Container; {
		case slices.Contains(toolbox, name):
			t.hooks = append(t.hooks, own)
		case len(m.Images()) == 1:
			t.elsewhere = name
		}
	}
	return err
}

// run runs the tests in the image of i.
func (t tests) run(ctx context.Context, i buildkit.Inspection, o TestOptions) ([]imagetest.Result, error) {
	how, err := rehearseOptions(o.Limit)
	if err != nil {
		return nil, err
	}
	results, err := imagetest.Run(ctx, i, t.image, t.checks, o.Timeout)
	if err != nil {
		return results, err
	}
	for _, own := range t.hooks {
		ran, err := rehearse.Run(ctx, i, how, own)
		if err != nil {
			return results, err
		}
		results = append(results, imagetest.FromHooks(own, append(lint.Check(own), ran.Found...))...)
	}
	return results, nil
}
