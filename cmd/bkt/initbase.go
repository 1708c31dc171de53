package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

// answers are what the skeleton of a repository is filled in with.
type answers struct {
	Name, Registry  string
	System, Toolbox manifest.Base
}

func (c *initCmd) answers() answers {
	return answers{c.Name, c.Registry, c.from[gen.System].or(c.Base), c.from[gen.Toolbox].or(c.ToolboxBase)}
}

// from is what the Containerfile of an image says that it is built on.
type from struct{ gen.From }

// or returns the base that reference names: the one that was read, with the name of
// its stage, or another.
func (f from) or(reference string) manifest.Base {
	if f.Base.String() == reference {
		return f.Base
	}
	return manifest.ParseBase(reference)
}

// askBases returns the questions about what the images are based on, as long as
// image.json is to be made. A Containerfile that is there answers its own.
func (c *initCmd) askBases(a *app, r repo.Repo) ([]question, error) {
	c.from = map[gen.Kind]from{}
	if r.Has(pipeline.ImagesManifest) {
		return nil, nil
	}
	system := question{what: "Base image of the system", value: &c.Base, fallback: defaultBase}
	toolbox := question{what: "Base image of the toolbox", value: &c.ToolboxBase, fallback: defaultToolboxBase}
	err := errors.Join(
		c.readBase(a, r, gen.System, "--base", &system),
		c.readBase(a, r, gen.Toolbox, "--toolbox-base", &toolbox))
	return []question{system, toolbox}, err
}

// readBase reads from the Containerfile of the image k what it is built on, and
// makes that the fallback of q, whose flag has another name. What cannot be read
// is asked for, or an error: no default is as good.
func (c *initCmd) readBase(a *app, r repo.Repo, k gen.Kind, flag string, q *question) error {
	name := gen.Containerfile(k)
	text, err := fs.ReadFile(r.FS(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return c.unreadBase(a, q, otherRecipe(r, k, flag))
	}
	if err != nil {
		return patherr.Trim(err)
	}
	read, err := gen.FromOf(name, text)
	if err != nil {
		err = fmt.Errorf("what the %s is based on cannot be told: %w", k, err)
		return c.unreadBase(a, q, hint.Add(err, "say it with %s IMAGE", flag))
	}
	c.from[k] = from{read}
	q.fallback = read.Base.String()
	a.tellBase(k, read, flag, q)
	return nil
}

// tellBase says what was read, and warns if that is not what is declared.
func (a *app) tellBase(k gen.Kind, read gen.From, flag string, q *question) {
	switch place := fmt.Sprintf("%s:%d", gen.Containerfile(k), read.Line); {
	case *q.value != "" && *q.value != q.fallback:
		err := fmt.Errorf("%s: the %s is based on %s, and %s is %s", place, k, orNothing(q.fallback), flag, *q.value)
		a.Warn([]error{hint.Add(err, "%s declares what the flag says", pipeline.ImagesManifest)})
	case q.fallback == "":
		a.Note("%s: the %s is based on nothing", place, k)
	default:
		a.Note("%s: the %s is based on %s", place, k, strings.Join(append(read.Flags, q.fallback), " "))
		if read.Args {
			err := fmt.Errorf("%s: arguments in the FROM are taken by their defaults", place)
			a.Warn([]error{hint.Add(err, "%s has no arguments: correct it if the image is built with others", pipeline.ImagesManifest)})
		}
	}
}

// orNothing returns a reference, or what there is in place of one.
func orNothing(reference string) string {
	if reference == "" {
		return "nothing"
	}
	return reference
}

// otherRecipe returns an error if the image k has a recipe under another name than
// bkt reads.
func otherRecipe(r repo.Repo, k gen.Kind, flag string) error {
	name := gen.Containerfile(k)
	dir := path.Dir(name)
	for _, pattern := range []string{"Dockerfile", "Containerfile?*", "Dockerfile?*"} {
		found, err := fs.Glob(r.FS(), path.Join(dir, pattern))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		err = fmt.Errorf("what the %s is based on cannot be told: there is %s, and no %s", k, found[0], name)
		return hint.Add(err, "call it %s, or say what a new one is based on with %s IMAGE", name, flag)
	}
	return nil
}

// unreadBase deals with a base that is not known because of err, if there is one.
func (c *initCmd) unreadBase(a *app, q *question, err error) error {
	if err == nil || *q.value != "" {
		return nil
	}
	if !ui.Interactive() {
		return err
	}
	a.Warn([]error{err})
	q.fallback, q.unknown = "", err
	return nil
}
