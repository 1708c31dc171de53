package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/hook"
	"bkt/internal/hook/homecopy"
	"bkt/internal/hook/lint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/imagerule"
	"bkt/internal/imagetest"
	"bkt/internal/ocilayout"
	"bkt/internal/repo"
)

// TestOptions say how images are tested.
type TestOptions struct {
	Options
	Built   bool          // test the image in Folder instead of building one
	Timeout time.Duration // for each check
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
	run := func(ctx context.Context, i buildkit.Inspection) (err error) {
		results, err = t.run(ctx, i, o.Timeout)
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
	image  gen.Image
	checks []imagerule.Check
	hooks  []*hook.Declared // that run in the image; none for the system
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
	all, err := m.Hooks()
	t.hooks = m.InToolbox(all)
	return t, err
}

// run runs the tests in the image of i.
func (t tests) run(ctx context.Context, i buildkit.Inspection, limit time.Duration) ([]imagetest.Result, error) {
	results, err := imagetest.Run(ctx, i, t.image, t.checks, limit)
	if err != nil || len(t.hooks) == 0 {
		return results, err
	}
	ran, err := rehearse.Run(ctx, i, rehearse.Options{}, t.hooks)
	found := append(lint.Check(t.hooks), ran.Found...)
	return append(results, imagetest.FromHooks(t.hooks, found)...), err
}

// HookOptions say how hooks are run.
type HookOptions struct {
	Options
	OldHome     string   // a folder, an image as oci-layout://DIR, or empty
	OldHomeWith []string // paths in the folder that hooks may read although they are private
}

// RunHooks builds the toolbox image, runs hooks in it, and returns the rules that they
// break.
func (o HookOptions) RunHooks(ctx context.Context, log Log, r repo.Repo, hooks []*hook.Declared) ([]hook.Finding, error) {
	if len(hooks) == 0 {
		return nil, nil
	}
	old, extra, err := o.findOldHome()
	if err != nil {
		return nil, err
	}
	if len(old.Copy.LeftOut) > 0 {
		log.Note("not copied from %s: %s (--old-home-with PATH copies one)", old.Copy.Dir, strings.Join(old.Copy.LeftOut, ", "))
	}
	recipes, err := o.Recipes(log, r, []gen.Image{gen.Toolbox})
	if err != nil {
		return nil, err
	}
	b, err := o.Builder(r)
	if err != nil {
		return nil, err
	}
	spec, err := Verify(ctx, recipes[0].Inspected())
	if err != nil {
		return nil, err
	}
	commands, err := distroboxCommands()
	if err != nil {
		return nil, err
	}
	var found []hook.Finding
	err = b.Inspect(ctx, spec, extra, o.ProgressTo, func(ctx context.Context, i buildkit.Inspection) error {
		ran, err := rehearse.Run(ctx, i, rehearse.Options{Old: old, Commands: commands}, hooks)
		found = ran.Found
		return err
	})
	return found, recipes[0].Blame(err)
}

// findOldHome returns what --old-home names.
func (o HookOptions) findOldHome() (rehearse.OldHome, buildkit.ExtraMount, error) {
	layout, isImage := strings.CutPrefix(o.OldHome, LayoutScheme)
	switch {
	case len(o.OldHomeWith) > 0 && (isImage || o.OldHome == ""):
		return rehearse.OldHome{}, buildkit.ExtraMount{}, errors.New("--old-home-with needs --old-home DIR: there is no other copy of a home")
	case o.OldHome == "":
		return rehearse.OldHome{}, buildkit.ExtraMount{}, nil
	case isImage:
		l, err := ocilayout.Find(layout, "")
		if err != nil {
			err = fmt.Errorf("--old-home: %w", err)
		}
		return rehearse.OldHome{From: rehearse.Image}, buildkit.ExtraMount{Layout: l}, err
	}
	if err := CheckFolder("--old-home", o.OldHome); err != nil {
		return rehearse.OldHome{}, buildkit.ExtraMount{}, err
	}
	c, err := homecopy.New(o.OldHome, o.OldHomeWith)
	return rehearse.OldHome{From: rehearse.Home, Copy: c, Online: o.Network != ""}, buildkit.ExtraMount{Folder: o.OldHome, Exclude: c.Patterns()}, err
}

// CheckHooks checks the text of hooks, and runs them with b in the image l, which is
// built already. A rule that they break is an error.
func CheckHooks(ctx context.Context, log Log, r repo.Repo, b buildkit.Builder, l ocilayout.Image, hooks []*hook.Declared) error {
	found := lint.Check(hooks)
	spec := buildspec.Spec{Containerfile: "Containerfile", Context: r.Root}
	err := b.InspectLayout(ctx, l, spec, log.Log(), func(ctx context.Context, i buildkit.Inspection) error {
		ran, err := rehearse.Run(ctx, i, rehearse.Options{}, hooks)
		found = append(found, ran.Found...)
		return err
	})
	return errors.Join(hook.Err(found), err)
}
