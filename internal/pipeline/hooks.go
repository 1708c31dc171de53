package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/hook/homecopy"
	"bkt/internal/hook/lint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/manifest"
	"bkt/internal/ocilayout"
	"bkt/internal/proxy"
	"bkt/internal/repo"
)

// HookLimit is the usual time limit for each run of a hook.
const HookLimit = 5 * time.Minute

// HookOptions say how hooks are run.
type HookOptions struct {
	Options
	OldHome     string        // a folder, an image as oci-layout://DIR, or empty
	OldHomeWith []string      // paths in the folder that hooks may read although they are private
	Limit       time.Duration // for each run of a hook; 0: none
}

// Rehearsed is what running hooks has shown.
type Rehearsed struct {
	rehearse.Result
	Failed error // of the build of the toolbox image
}

// NotRun returns how many hooks were not run, or show nothing; there is a finding for each.
func (r Rehearsed) NotRun() int {
	hooks := map[*hook.Declared]bool{}
	for _, f := range r.Found {
		if f.Verdict == hook.NotRun {
			hooks[f.Hook] = true
		}
	}
	return len(hooks)
}

// RunHooks runs hooks of m, each in the image of its container. The hooks of an image that
// cannot be had are not run; each is a finding. With an error, no more
// hooks could be run; the result has what was found before.
func (o HookOptions) RunHooks(ctx context.Context, log Log, r repo.Repo, m hook.Manifest, hooks []*hook.Declared) (result Rehearsed, err error) {
	if len(hooks) == 0 {
		return result, nil
	}
	h := rehearsal{HookOptions: o, log: log, repo: r}
	if err := h.prepare(m, hooks); err != nil {
		return result, err
	}
	for _, i := range h.images {
		ran, err := h.run(ctx, i)
		result.Found = append(result.Found, ran.Found...)
		result.Ignored = append(result.Ignored, ran.Ignored...)
		result.Failed = errors.Join(result.Failed, ran.Failed)
		if err != nil {
			return result, err
		}
	}
	return result, nil
}

// A rehearsal runs hooks in the images of their containers.
type rehearsal struct {
	HookOptions
	log     Log
	repo    repo.Repo
	builder buildkit.Builder
	images  []hookImage
	options rehearse.Options // without the old home
	old     rehearse.OldHome
	extra   buildkit.ExtraMount // the old home
}

// A hookImage is an image, and the hooks that run in it.
type hookImage struct {
	name    string             // in the manifest of containers; "": the toolbox image, which is built
	hooks   [][]*hook.Declared // of each container
	recipe  Recipe             // of the toolbox image
	spec    buildspec.Spec
	hasOld  bool     // the old home is for it
	unread  string   // the reason why it cannot be had, as far as that is known without an engine
	instead []string // what to do then
}

// prepare checks everything that can be checked without an engine.
func (h *rehearsal) prepare(m hook.Manifest, hooks []*hook.Declared) (err error) {
	if h.old, h.extra, err = h.findOldHome(); err != nil {
		return err
	}
	if len(h.old.Copy.LeftOut) > 0 {
		h.log.Note("not copied from %s: %s (--old-home-with PATH copies one)", h.old.Copy.Dir, strings.Join(h.old.Copy.LeftOut, ", "))
	}
	var toolbox []string
	if h.repo.Has(gen.Containerfile(gen.Toolbox)) {
		if toolbox, err = toolboxContainers(h.repo.FS(), m); err != nil {
			return err
		}
	}
	h.images = byImage(m.Images(), toolbox, hooks)
	if err := h.chooseOld(); err != nil {
		return err
	}
	for i := range h.images {
		if err := h.specify(&h.images[i]); err != nil {
			return err
		}
	}
	if err := h.checkContexts(m); err != nil {
		return err
	}
	if h.options, err = rehearseOptions(h.Limit); err != nil {
		return err
	}
	h.builder, err = h.Builder(h.repo)
	return err
}

// rehearseOptions returns how hooks run, without an old home.
func rehearseOptions(limit time.Duration) (rehearse.Options, error) {
	commands, err := distroboxCommands()
	return rehearse.Options{Limit: limit, Commands: commands}, err
}

// toolboxContainers returns the containers that are created from the toolbox image.
func toolboxContainers(files fs.FS, m hook.Manifest) ([]string, error) {
	images, err := manifest.Read[manifest.Images](files, manifest.ImagePath)
	return m.OfToolbox(images.Content.Toolbox.Name), err
}

// byImage returns the images that hooks run in: the toolbox image for the containers in
// toolbox, and for the others the ones in images, by container. The same image is one,
// whatever its name.
func byImage(images map[string]string, toolbox []string, hooks []*hook.Declared) []hookImage {
	var all []hookImage
	for _, own := range hook.ByContainer(hooks) {
		name := images[own[0].Container]
		if slices.Contains(toolbox, own[0].Container) {
			name = ""
		}
		i := slices.IndexFunc(all, func(i hookImage) bool { return fullName(i.name) == fullName(name) })
		if i < 0 {
			i, all = len(all), append(all, hookImage{name: name})
		}
		all[i].hooks = append(all[i].hooks, own)
	}
	return all
}

func fullName(image string) string {
	full, err := manifest.FullImage(image)
	if err != nil {
		return image
	}
	return full
}

// chooseOld says which images an old home is for. An earlier image is one of the toolbox, if
// its hooks run, or else of the only image.
func (h *rehearsal) chooseOld() error {
	isToolbox := func(i hookImage) bool { return i.name == "" }
	hasToolbox := slices.ContainsFunc(h.images, isToolbox)
	if h.old.From == rehearse.Image && !hasToolbox && len(h.images) > 1 {
		err := fmt.Errorf("--old-home %s: it is an earlier image, but the hooks run in %d images", h.OldHome, len(h.images))
		return hint.Add(err, `name the container that it is of: "bkt hook check --run --old-home=%s %s"`, h.OldHome, h.images[0].hooks[0][0].Container)
	}
	for n, i := range h.images {
		h.images[n].hasOld = h.old.From == rehearse.Home || h.old.From == rehearse.Image && (isToolbox(i) || !hasToolbox)
		if h.old.From == rehearse.Image && !h.images[n].hasOld {
			h.log.Note("the hooks of %s run without the old home: %s is an earlier toolbox image", i.containers(), h.OldHome)
		}
	}
	return nil
}

// containers returns the names of the containers, for messages.
func (i hookImage) containers() string {
	var names []string
	for _, own := range i.hooks {
		names = append(names, own[0].Container)
	}
	return strings.Join(names, ", ")
}

// specify adds how an image is built or read.
func (h rehearsal) specify(i *hookImage) (err error) {
	if i.name == "" {
		recipes, err := h.recipes(h.log, h.repo, []gen.Image{gen.Toolbox})
		if err == nil {
			i.recipe, i.spec = recipes[0], recipes[0].Inspected()
		}
		return err
	}
	full, err := manifest.FullImage(i.name)
	if err != nil {
		i.unread, i.instead = err.Error(), []string{"copy it to a registry, and name that image in " + manifest.DistroboxPath}
		return nil
	}
	if i.spec, err = h.only(h.repo, full); err != nil {
		return err
	}
	remote, err := i.spec.Remote()
	if len(remote) > 0 && manifest.IsLocalImage(i.name) {
		i.unread = "engines do not read the images of this computer"
		i.instead = []string{fmt.Sprintf("podman save --format=oci-dir --output=DIR %s, and then add --build-context %s=oci-layout://DIR", i.name, i.name)}
	}
	return err
}

// only returns the build specification of an image that is nothing but another one.
func (o Options) only(r repo.Repo, image string) (buildspec.Spec, error) {
	s := o.newSpec(r, "Containerfile")
	s.Text = []byte("FROM " + image + "\n")
	args, err := buildArgs(o.BuildArg)
	if err != nil {
		return s, err
	}
	maps.DeleteFunc(args, func(name, _ string) bool { return !proxy.IsVariable(name) })
	s.Args = args
	return s, o.addContexts(&s)
}

// checkContexts returns an error for each name of --build-context that is no image of a
// container, and that the toolbox image does not read.
func (h rehearsal) checkContexts(m hook.Manifest) error {
	if len(h.BuildContext) == 0 {
		return nil
	}
	var specs []buildspec.Spec
	if h.repo.Has(gen.Containerfile(gen.Toolbox)) {
		s, err := h.Options.spec(h.repo, gen.Toolbox)
		if err != nil {
			return err
		}
		specs = append(specs, s)
	}
	names := map[string]bool{}
	for _, name := range m.Images() {
		if full, err := manifest.FullImage(name); err == nil { // others cannot be replaced
			names[full] = true
		}
	}
	for _, full := range slices.Sorted(maps.Keys(names)) {
		s, err := h.only(h.repo, full)
		if err != nil {
			return err
		}
		specs = append(specs, s)
	}
	return checkRead(specs)
}

// run runs the hooks of an image.
func (h rehearsal) run(ctx context.Context, i hookImage) (result Rehearsed, err error) {
	if i.unread != "" {
		return i.notRun(i.unread, i.instead), nil
	}
	spec, err := Verify(ctx, i.spec)
	switch {
	case ctx.Err() != nil:
		return result, context.Cause(ctx)
	case err != nil:
		return h.without(i, err), nil
	}
	if i.name != "" {
		h.log.Note("running the hooks of %s in %s", i.containers(), i.name)
	}
	o, extra := h.options, buildkit.ExtraMount{}
	if i.hasOld {
		o.Old, extra = h.old, h.extra
	}
	begun := false
	err = h.builder.Inspect(ctx, spec, extra, h.ProgressTo, func(ctx context.Context, in buildkit.Inspection) error {
		begun = true
		result.Result, err = rehearseAll(ctx, in, o, i.hooks)
		return err
	})
	if _, ok := errors.AsType[*buildspec.StepError](err); ok && !begun {
		return h.without(i, err), nil
	}
	return result, err
}

// rehearseAll runs the hooks of containers, each container by itself, in their image.
func rehearseAll(ctx context.Context, in buildkit.Inspection, o rehearse.Options, containers [][]*hook.Declared) (all rehearse.Result, err error) {
	for _, hooks := range containers {
		ran, err := rehearse.Run(ctx, in, o, hooks)
		all.Found, all.Ignored = append(all.Found, ran.Found...), append(all.Ignored, ran.Ignored...)
		if err != nil {
			return all, fmt.Errorf("running the hooks of %s: %w", hooks[0].Container, err)
		}
	}
	return all, nil
}

// without returns the result of hooks whose image is not there: err says why. The error of
// the build of the toolbox image is returned as it is.
func (h rehearsal) without(i hookImage, err error) Rehearsed {
	if i.name == "" {
		result := i.notRun("", nil)
		result.Failed = i.recipe.Blame(err)
		return result
	}
	reason := err.Error()
	if step, ok := errors.AsType[*buildspec.StepError](err); ok {
		reason = cmp.Or(step.Message, step.Err.Error())
	}
	instead, named := hint.Of(err), false
	context := "--build-context " + i.name + "="
	for n, text := range instead {
		instead[n] = strings.ReplaceAll(text, "--build-context NAME=", context)
		named = named || strings.Contains(instead[n], context)
	}
	if !named {
		instead = append(instead, "read it from a folder with "+context+LayoutScheme+"DIR")
	}
	return i.notRun(reason, instead)
}

// notRun returns a finding for each hook of an image that cannot be had. Without a reason, an
// error of the build says why.
func (i hookImage) notRun(reason string, instead []string) (result Rehearsed) {
	text := "the toolbox image cannot be built"
	if i.name != "" {
		text = fmt.Sprintf("the image %s cannot be read: %s", i.name, reason)
	}
	for _, h := range slices.Concat(i.hooks...) {
		result.Found = append(result.Found, h.NotRunBecause(text, instead...))
	}
	return result
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
// built already. A rule that they break is an error. A hook that cannot be run here is a
// warning: the container will run it, and does not start if it fails.
func CheckHooks(ctx context.Context, log Log, r repo.Repo, b buildkit.Builder, l ocilayout.Image, hooks []*hook.Declared) error {
	o, err := rehearseOptions(HookLimit)
	if err != nil {
		return err
	}
	found := lint.Check(hooks)
	spec := buildspec.Spec{Containerfile: "Containerfile", Context: r.Root}
	err = b.InspectLayout(ctx, l, spec, log.Log(), func(ctx context.Context, i buildkit.Inspection) error {
		ran, err := rehearse.Run(ctx, i, o, hooks)
		found = append(found, ran.Found...)
		return err
	})
	var broken []hook.Finding
	for _, f := range found {
		if f.Verdict == hook.NotRun {
			log.Warn([]error{f})
			continue
		}
		broken = append(broken, f)
	}
	return errors.Join(hook.Err(broken), err)
}
