package main

import (
	"bufio"
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bkt/gen"
	"bkt/internal/githook"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/mergedriver"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/scaffold"
	"bkt/internal/ui"
)

type initCmd struct {
	ui.Mode
	Dir         string `arg:"" optional:"" default:"." help:"The folder of the new repository (default: current directory)."`
	Name        string `placeholder:"NAME" help:"Name of the images (default: that of the folder)."`
	Base        string `placeholder:"IMAGE" help:"Base image of the system (default: as in its Containerfile, or ${defaultBase})."`
	ToolboxBase string `placeholder:"IMAGE" help:"Base image of the toolbox (default: as in its Containerfile, or ${defaultToolboxBase})."`
	Registry    string `placeholder:"PLACE" help:"Where to push the images, e.g. quay.io/someone (default: none)."`
	Hook        bool   `help:"Install a git pre-commit hook that updates managed sections. In an existing repository, do nothing else."`
}

const (
	defaultBase        = "quay.io/fedora/fedora-bootc:43"
	defaultToolboxBase = "registry.fedoraproject.org/fedora-toolbox:43"
)

// Run creates a new repository. Files that exist stay as they are.
func (c *initCmd) Run(ctx context.Context, a *app) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	parent, err := existingFolder(dir)
	if err != nil {
		return err
	}
	r := repo.Repo{Root: dir, Links: a.links}
	var p plan.Plan
	if !c.Hook || !r.Has("manifests") {
		if p, err = c.plan(ctx, a, r); err != nil {
			return err
		}
		driver, err := mergeDriver(ctx, parent)
		if err != nil {
			return err
		}
		p = append(p, driver...)
	}
	if c.Hook {
		hook, err := githook.Plan(ctx, r)
		if err != nil {
			return err
		}
		p = append(p, hook...)
	}
	return a.Finish(ctx, host.Executor{}, p, c.Mode)
}

// mergeDriver plans what has git merge the manifests of a new repository item by item,
// if dir is in git. Otherwise it needs "bkt doctor --fix" later.
func mergeDriver(ctx context.Context, dir string) (plan.Plan, error) {
	if !host.Installed("git") {
		return nil, nil
	}
	if _, err := (host.Query{}).Git(ctx, dir, nil, "rev-parse", "--git-dir"); err != nil {
		return nil, nil
	}
	lack, err := mergedriver.Driver(ctx, dir)
	if lack == nil {
		return nil, err
	}
	return lack.Fix, nil
}

// existingFolder returns dir, or the first folder above it that exists. It returns an error
// if that is not a folder.
func existingFolder(dir string) (string, error) {
	for path := dir; ; path = filepath.Dir(path) {
		switch info, err := os.Stat(path); {
		case err == nil && info.IsDir():
			return path, nil
		case err == nil:
			return "", hint.Add(fmt.Errorf("%s: %s is not a folder", dir, path), "name a folder, or one that does not exist yet, as in \"bkt init workstation\"")
		case patherr.UnlessMissing(err) != nil:
			return "", patherr.TrimOp(err)
		case path == "/":
			return path, nil
		}
	}
}

// plan plans the files of the repository.
func (c *initCmd) plan(ctx context.Context, a *app, r repo.Repo) (plan.Plan, error) {
	answers, err := c.answers(ctx, a, r)
	if err != nil {
		return nil, err
	}
	res, err := scaffold.Plan(r, answers)
	if err != nil {
		return nil, err
	}
	for _, name := range res.Existing {
		a.Note("%s exists, and stays as it is", name)
	}
	a.Warn(res.Omitted)
	if !r.Has(manifest.Folder) {
		return res.Plan, nil
	}
	unread, err := manifest.FindUnread(r.FS())
	for _, f := range unread {
		a.Warn([]error{f})
	}
	return res.Plan, err
}

// A question is about a value that no flag has set.
type question struct {
	what     string
	value    *string
	fallback string
	unknown  error // why there is no fallback
}

// answers returns the values of the flags. Those of missing flags come from the user,
// if bkt runs in a terminal, or are defaults.
func (c *initCmd) answers(ctx context.Context, a *app, r repo.Repo) (scaffold.Answers, error) {
	questions := []question{{what: "Name of the images", value: &c.Name, fallback: scaffold.ImageName(filepath.Base(r.Root))}}
	system, toolbox := scaffold.From{}, scaffold.From{}
	if !r.Has(manifest.ImagePath) {
		base := question{what: "Base image of the system", value: &c.Base, fallback: defaultBase}
		toolboxBase := question{what: "Base image of the toolbox", value: &c.ToolboxBase, fallback: defaultToolboxBase}
		err := errors.Join(
			readBase(a, r, gen.System, "--base", &base, &system),
			readBase(a, r, gen.Toolbox, "--toolbox-base", &toolboxBase, &toolbox))
		if err != nil {
			return scaffold.Answers{}, err
		}
		questions = append(questions, base, toolboxBase)
	}
	questions = append(questions, question{what: "Registry to push to, such as quay.io/someone (empty: none)", value: &c.Registry})
	if err := a.ask(ctx, questions); err != nil {
		return scaffold.Answers{}, err
	}
	if c.Name != scaffold.ImageName(c.Name) {
		return scaffold.Answers{}, hint.Add(fmt.Errorf("invalid image name %q", c.Name), "use lower-case letters, digits and dashes, as in %q", scaffold.ImageName(c.Name))
	}
	return scaffold.Answers{Name: c.Name, Registry: c.Registry, Source: c.source(ctx, a, r), System: system.Base(c.Base), Toolbox: toolbox.Base(c.ToolboxBase)}, nil
}

// source returns the address of the repository for the labels of its images, as far as
// builds will not find it in the configuration of git.
func (c *initCmd) source(ctx context.Context, a *app, r repo.Repo) string {
	source := scaffold.SourceOf(c.Registry, c.Name)
	if source == "" || r.Has(manifest.ImagePath) {
		return ""
	}
	if host.Installed("git") {
		known, err := pipeline.Source(ctx, r)
		if err != nil {
			a.Warn([]error{err})
		}
		if known != "" {
			return ""
		}
	}
	a.Note("%s: the images are labelled as those of %s: change the label if the repository has another address", manifest.ImagePath, source)
	return source
}

// ask asks the questions on the terminal. Without one, it takes the fallbacks.
func (a *app) ask(ctx context.Context, questions []question) error {
	in := bufio.NewReader(os.Stdin)
	ask := ui.Interactive()
	for _, q := range questions {
		if *q.value != "" {
			continue
		}
		*q.value = q.fallback
		if !ask {
			continue
		}
		answer, err := a.Ask(ctx, in, fmt.Sprintf("%s [%s]: ", q.what, q.fallback))
		if err != nil {
			return err
		}
		if answer != "" {
			*q.value = answer
		}
		if *q.value == "" && q.unknown != nil {
			return q.unknown
		}
	}
	return nil
}

// readBase sets the fallback of q to the base image in the Containerfile of the image k.
// If that base image cannot be determined, q has no fallback, as any other would be
// wrong: without a terminal that is an error.
func readBase(a *app, r repo.Repo, k gen.Image, flag string, q *question, into *scaffold.From) error {
	from, found, err := scaffold.ReadBase(r, k, flag)
	if _, unknown := errors.AsType[*scaffold.UnknownBase](err); unknown {
		if *q.value != "" {
			return nil
		}
		if !ui.Interactive() {
			return err
		}
		a.Warn([]error{err})
		q.fallback, q.unknown = "", err
		return nil
	}
	if err == nil && found {
		*into, q.fallback = from, from.From.Base.String()
		reportBase(a, k, from, flag, q)
	}
	return err
}

// reportBase prints what was read, and warns if the flag declares another base.
func reportBase(a *app, k gen.Image, read scaffold.From, flag string, q *question) {
	switch place := fmt.Sprintf("%s:%d", gen.Containerfile(k), read.Line); {
	case *q.value != "" && *q.value != q.fallback:
		err := fmt.Errorf("%s: the base image of the %s is %s, but %s is %s", place, k, cmp.Or(q.fallback, "scratch"), flag, *q.value)
		a.Warn([]error{hint.Add(err, "%s will have the value of the flag", manifest.ImagePath)})
	case q.fallback == "":
		a.Note("%s: the %s has no base image", place, k)
	default:
		a.Note("%s: the base image of the %s is %s", place, k, strings.Join(append(read.Flags, q.fallback), " "))
		if read.Args {
			err := fmt.Errorf("%s: arguments in FROM are replaced by their defaults", place)
			a.Warn([]error{hint.Add(err, "%s has no arguments: edit it if you build with other values", manifest.ImagePath)})
		}
	}
}
