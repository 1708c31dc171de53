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
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/scaffold"
	"bkt/internal/ui"
)

type initCmd struct {
	ui.Mode
	Dir         string `arg:"" optional:"" default:"." help:"The folder of the new repository (this one)."`
	Name        string `placeholder:"NAME" help:"The name of the images (that of the folder)."`
	Base        string `placeholder:"IMAGE" help:"What the system is based on (what its Containerfile says, or ${defaultBase})."`
	ToolboxBase string `placeholder:"IMAGE" help:"What the toolbox is based on (what its Containerfile says, or ${defaultToolboxBase})."`
	Registry    string `placeholder:"PLACE" help:"Where the images are pushed, as in quay.io/someone (nowhere)."`
	Hook        bool   `help:"Have git render the sections of what is committed. In a repository that is there already, do only that."`

	system, toolbox scaffold.From // what existing Containerfiles say
}

const (
	defaultBase        = "quay.io/fedora/fedora-bootc:43"
	defaultToolboxBase = "registry.fedoraproject.org/fedora-toolbox:43"
)

// Run makes a new repository. What is there already is left alone.
func (c *initCmd) Run(ctx context.Context, a *app) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	r := repo.Repo{Root: dir}
	var p plan.Plan
	if !c.Hook || !r.Has("manifests") {
		if err := c.complete(a, r); err != nil {
			return err
		}
		var existing []string
		if p, existing, err = scaffold.Plan(r, c.answers()); err != nil {
			return err
		}
		for _, name := range existing {
			a.Note("%s is there already, and stays as it is", name)
		}
	}
	if c.Hook {
		hook, err := githook.Plan(ctx, dir)
		if err != nil {
			return err
		}
		p = append(p, hook...)
	}
	return a.Finish(ctx, host.Executor{}, p, c.Mode)
}

// A question is about a value that no flag has given.
type question struct {
	what     string
	value    *string
	fallback string
	unknown  error // why there is no fallback
}

// complete gives the flags that are missing their values: by asking, if there
// is someone to ask, or by default.
func (c *initCmd) complete(a *app, r repo.Repo) error {
	questions := []question{{what: "Name of the images", value: &c.Name, fallback: scaffold.ImageName(filepath.Base(r.Root))}}
	bases, err := c.askBases(a, r)
	if err != nil {
		return err
	}
	questions = append(questions, bases...)
	questions = append(questions, question{what: "Registry to push to, such as quay.io/someone (empty: none)", value: &c.Registry})
	if err := a.answer(questions); err != nil {
		return err
	}
	if c.Name != scaffold.ImageName(c.Name) {
		return hint.Add(fmt.Errorf("name %q: cannot be that of an image", c.Name), "use lower-case letters, digits and dashes, as in %q", scaffold.ImageName(c.Name))
	}
	return nil
}

// answer answers questions.
func (a *app) answer(questions []question) error {
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
		fmt.Fprintf(a.Err, "%s [%s]: ", q.what, q.fallback)
		answer, err := in.ReadString('\n')
		if err != nil {
			return errors.New("interrupted")
		}
		if answer = strings.TrimSpace(answer); answer != "" {
			*q.value = answer
		}
		if *q.value == "" && q.unknown != nil {
			return q.unknown
		}
	}
	return nil
}

func (c *initCmd) answers() scaffold.Answers {
	return scaffold.Answers{Name: c.Name, Registry: c.Registry, System: c.system.Base(c.Base), Toolbox: c.toolbox.Base(c.ToolboxBase)}
}

// askBases returns the questions about the base images, if image.json is missing. A
// Containerfile that exists answers its own.
func (c *initCmd) askBases(a *app, r repo.Repo) ([]question, error) {
	if r.Has(manifest.ImagePath) {
		return nil, nil
	}
	system := question{what: "Base image of the system", value: &c.Base, fallback: defaultBase}
	toolbox := question{what: "Base image of the toolbox", value: &c.ToolboxBase, fallback: defaultToolboxBase}
	err := errors.Join(
		readBase(a, r, gen.System, "--base", &system, &c.system),
		readBase(a, r, gen.Toolbox, "--toolbox-base", &toolbox, &c.toolbox))
	return []question{system, toolbox}, err
}

// readBase makes the base image that the Containerfile of the image k names the
// fallback of q. If it cannot be read, there is no fallback, as no default is as good:
// without a terminal that is an error.
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
		err := fmt.Errorf("%s: the %s is based on %s, and %s is %s", place, k, cmp.Or(q.fallback, "nothing"), flag, *q.value)
		a.Warn([]error{hint.Add(err, "%s declares what the flag says", manifest.ImagePath)})
	case q.fallback == "":
		a.Note("%s: the %s is based on nothing", place, k)
	default:
		a.Note("%s: the %s is based on %s", place, k, strings.Join(append(read.Flags, q.fallback), " "))
		if read.Args {
			err := fmt.Errorf("%s: arguments in the FROM are taken by their defaults", place)
			a.Warn([]error{hint.Add(err, "%s has no arguments: correct it if the image is built with others", manifest.ImagePath)})
		}
	}
}
