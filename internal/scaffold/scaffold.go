// Package scaffold plans the files of a new image repository. Existing files stay
// unchanged.
package scaffold

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"bkt"
	"bkt/gen"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/schemas"

	"golang.org/x/tools/txtar"
)

//go:embed skeleton.txtar
var skeleton string

// Answers are the values for the files of a new repository.
type Answers struct {
	Name            string // of the images
	Registry        string // where they are pushed; "": nowhere
	Source          string // the address of the repository, if nothing else tells it; ""
	Branches        string // that publish the images, with commas between them
	Container       string // of the toolbox image
	ToolboxName     string // the name of that image
	Release         Release
	System, Toolbox manifest.Base
}

// SourceOf returns the address on GitHub of the repository whose images are pushed to a
// place in GitHub's registry, which shows them on the page of the repository in the label
// org.opencontainers.image.source. It is empty for other registries.
func SourceOf(registry, name string) string {
	host, path, _ := strings.Cut(registry, "/")
	owner, _, _ := strings.Cut(path, "/")
	if host != "ghcr.io" || owner == "" {
		return ""
	}
	return "https://github.com/" + owner + "/" + name
}

// A Result is the outcome of [Plan].
type Result struct {
	Plan     plan.Plan
	Existing []string // files that stay unchanged
	Omitted  []error  // why the plan leaves out some files
}

// Plan returns the plan that creates the files that r lacks, except for those that would
// compete with files of r.
func Plan(r repo.Repo, a Answers) (Result, error) {
	archive, err := fill(a)
	if err != nil {
		return Result{}, err
	}
	if a.Release.Action == "./"+localAction {
		archive.Files = append(archive.Files, txtar.File{Name: localAction + "/action.yml", Data: bkt.Action})
	}
	var res Result
	missing := map[string]bool{}
	for i, f := range archive.Files {
		if f.Name == ".dockerignore" && r.Has(".containerignore") { // which takes its place
			res.Existing = append(res.Existing, ".containerignore")
			continue
		}
		old, err := existingText(r.FS(), f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing[f.Name] = true
		case err != nil:
			return Result{}, patherr.TrimOp(err)
		default:
			res.Existing = append(res.Existing, f.Name)
			archive.Files[i].Data = old
		}
	}
	if res.Omitted, err = omit(r, missing); err != nil {
		return Result{}, err
	}
	all, err := txtar.FS(archive)
	if err != nil {
		return Result{}, err
	}
	for _, f := range archive.Files {
		if !missing[f.Name] {
			continue
		}
		text, err := render(f, all)
		if err != nil {
			return Result{}, err
		}
		res.Plan = append(res.Plan, r.Rewrite(f.Name, nil, text)...)
	}
	p, err := planSchemas(r, missing)
	res.Plan = append(res.Plan, p...)
	return res, err
}

// planSchemas plans the files that new manifests name in "$schema", for editors.
func planSchemas(r repo.Repo, missing map[string]bool) (plan.Plan, error) {
	var p plan.Plan
	for _, f := range manifest.All() {
		name := manifest.SchemaPath(f.Name)
		if !missing[f.Path] || r.Has(name) {
			continue
		}
		text, err := schemas.FS.ReadFile(path.Base(name))
		if err != nil {
			return nil, err
		}
		p = append(p, r.Rewrite(name, nil, text)...)
	}
	return p, nil
}

// existingText returns the text of a file of the repository. Of a file that no rendering
// reads, such as a README of any size, it returns no text.
func existingText(files fs.FS, name string) ([]byte, error) {
	if path.Dir(name) == manifest.Folder || path.Base(name) == "Containerfile" {
		return fs.ReadFile(files, name)
	}
	_, err := fs.Stat(files, name)
	return nil, err
}

// fill returns the skeleton with the answers in it.
func fill(a Answers) (*txtar.Archive, error) {
	t, err := template.New("skeleton").Delims("[[", "]]").Funcs(template.FuncMap{"json": quoteJSON}).Parse(skeleton)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, a); err != nil {
		return nil, err
	}
	return txtar.Parse(text.Bytes()), nil
}

func quoteJSON(v string) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// render returns the text of a file of a new repository. all are its files.
func render(f txtar.File, all fs.FS) ([]byte, error) {
	if f.Name == manifest.ImagePath { // there may be no Containerfile that reads it
		_, _, err := manifest.Decode[manifest.Images](f.Name, f.Data)
		return f.Data, err
	}
	if filepath.Base(f.Name) != "Containerfile" {
		return f.Data, nil
	}
	res, err := gen.Render(f.Name, f.Data, all)
	return res.Text, err
}

// ImageName turns a name into a valid name of an image.
func ImageName(name string) string {
	name = regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-")
	if name = strings.Trim(name, "-"); name == "" {
		return "workstation"
	}
	return name
}
