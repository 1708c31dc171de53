package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/ui"

	"golang.org/x/tools/txtar"
)

//go:embed skeleton.txtar
var skeleton string

type initCmd struct {
	ui.Mode
	Dir         string `arg:"" optional:"" default:"." help:"The folder of the new repository (this one)."`
	Name        string `placeholder:"NAME" help:"The name of the images (that of the folder)."`
	Base        string `placeholder:"IMAGE" help:"What the system is based on (what its Containerfile says, or ${defaultBase})."`
	ToolboxBase string `placeholder:"IMAGE" help:"What the toolbox is based on (what its Containerfile says, or ${defaultToolboxBase})."`
	Registry    string `placeholder:"PLACE" help:"Where the images are pushed, as in quay.io/someone (nowhere)."`
	Hook        bool   `help:"Have git render the sections of what is committed. In a repository that is there already, do only that."`

	from map[gen.Kind]from // what there is already
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
		if p, err = c.files(a, r); err != nil {
			return err
		}
	}
	if c.Hook {
		hook, err := hookPlan(ctx, dir)
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
	questions := []question{{what: "Name of the images", value: &c.Name, fallback: plainName(filepath.Base(r.Root))}}
	bases, err := c.askBases(a, r)
	if err != nil {
		return err
	}
	questions = append(questions, bases...)
	questions = append(questions, question{what: "Registry to push to, such as quay.io/someone (empty: none)", value: &c.Registry})
	if err := a.answer(questions); err != nil {
		return err
	}
	if c.Name != plainName(c.Name) {
		return hint.Add(fmt.Errorf("name %q: cannot be that of an image", c.Name), "use lower-case letters, digits and dashes, as in %q", plainName(c.Name))
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

// plainName turns a name into one that an image can have.
func plainName(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	if name = strings.Trim(name, "-"); name == "" {
		return "workstation"
	}
	return name
}

// files is the plan that makes the files that are missing.
func (c *initCmd) files(a *app, r repo.Repo) (plan.Plan, error) {
	archive, err := c.archive()
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for i, f := range archive.Files {
		old, err := fs.ReadFile(r.FS(), f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing[f.Name] = true
		case err != nil:
			return nil, patherr.Trim(err)
		default:
			a.Note("%s is there already, and stays as it is", f.Name)
			archive.Files[i].Data = old
		}
	}
	all, err := txtar.FS(archive)
	if err != nil {
		return nil, err
	}
	var p plan.Plan
	for _, f := range archive.Files {
		if !missing[f.Name] {
			continue
		}
		text, err := rendered(f, all)
		if err != nil {
			return nil, err
		}
		p = append(p, plan.Rewrite(r.Path(f.Name), f.Name, nil, text)...)
	}
	return p, nil
}

// archive is the skeleton with the answers in it.
func (c *initCmd) archive() (*txtar.Archive, error) {
	t, err := template.New("skeleton").Delims("[[", "]]").Funcs(template.FuncMap{"json": asText}).Parse(skeleton)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, c.answers()); err != nil {
		return nil, err
	}
	return txtar.Parse(text.Bytes()), nil
}

func asText(v string) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// rendered returns the text of a file of a new repository, whose files are all.
func rendered(f txtar.File, all fs.FS) ([]byte, error) {
	if f.Name == pipeline.ImagesManifest { // which no Containerfile need be rendered from
		_, _, err := manifest.Decode[manifest.Images](f.Name, f.Data)
		return f.Data, err
	}
	if filepath.Base(f.Name) != "Containerfile" {
		return f.Data, nil
	}
	res, err := gen.Render(f.Name, f.Data, all)
	return res.Text, err
}
