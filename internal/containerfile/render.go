// Package containerfile keeps the Containerfiles of a repository up to date with its
// manifests: it renders them, edits manifests together with the files that use them, and
// protects text that no manifest has. It returns plans and changes
// nothing.
package containerfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"bkt/gen"
	"bkt/gen/lint"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// Log receives messages for the user that are not in the plan.
type Log interface {
	Warn(warnings []error)
	Note(format string, args ...any)
}

// A Source returns the text to render, from the text of the file
// and the files of the repository.
type Source func(name string, old []byte, files fs.FS) ([]byte, error)

// Unchanged is the [Source] that is the file itself.
func Unchanged(_ string, old []byte, _ fs.FS) ([]byte, error) { return old, nil }

// A Rendering is the result of rendering one Containerfile.
type Rendering struct {
	Name     string // path in the repository
	Old      []byte // the text of the file
	Source   []byte // the text that was rendered: Old, and the sections that were added to it
	Text     []byte // the rendered text
	Warnings []error
	Err      error // why the file was not rendered

	asIs   []error // Warnings, with the lines of the text that was rendered
	result gen.Result
}

// Render renders and lints the Containerfile called name. files are the files of the
// repository.
func Render(ctx context.Context, files fs.FS, name string, source Source) Rendering {
	old, err := fs.ReadFile(files, name)
	if err != nil {
		return Rendering{Name: name, Err: patherr.TrimOp(err)}
	}
	text, err := source(name, old, files)
	if err != nil {
		return Rendering{Name: name, Err: err}
	}
	res, err := gen.Render(name, text, files)
	if err != nil {
		return Rendering{Name: name, Err: err}
	}
	if err := repo.CheckSize(name, res.Text); err != nil {
		return Rendering{Name: name, Err: err}
	}
	findings, err := lint.Check(ctx, name, res)
	asIs := slices.Clone(res.Warnings)
	for _, f := range findings {
		if !bytes.Equal(text, res.Text) {
			f = res.AsIs(name, f)
		}
		asIs = append(asIs, f)
	}
	return Rendering{name, old, text, res.Text, append(res.Warnings, findings...), err, asIs, res}
}

// accepted returns the warnings about what a build and bootc accept, with the lines of the
// text that was rendered.
func (f Rendering) accepted() []error {
	return slices.DeleteFunc(slices.Clone(f.asIs), lint.IsRefused)
}

// RenderAll renders several Containerfiles and logs the warnings. The errors of all
// are joined. An error in a manifest that two files use is reported once. The lines of
// warnings are those of the rendered files.
func RenderAll(ctx context.Context, log Log, files fs.FS, names []string, source Source) ([]Rendering, error) {
	return renderAll(ctx, log, files, names, source, func(f Rendering) []error { return f.Warnings })
}

// renderAll does what [RenderAll] does, with the warnings of its choice.
func renderAll(ctx context.Context, log Log, files fs.FS, names []string, source Source, warningsOf func(Rendering) []error) ([]Rendering, error) {
	rendered := make([]Rendering, len(names))
	var wg crash.Group
	for i, name := range names {
		wg.Go(func() { rendered[i] = Render(ctx, files, name, source) })
	}
	wg.Wait()
	var errs, warnings distinct
	for _, f := range rendered {
		warnings.add(warningsOf(f))
		errs.add(hint.Split(f.Err))
	}
	log.Warn(lint.Group(warnings.list))
	return rendered, errors.Join(errs.list...)
}

// distinct is a list of errors, each text once.
type distinct struct {
	list []error
	has  map[string]bool
}

func (d *distinct) add(more []error) {
	if d.has == nil {
		d.has = map[string]bool{}
	}
	for _, err := range more {
		if text := err.Error(); !d.has[text] {
			d.has[text] = true
			d.list = append(d.list, err)
		}
	}
}

// Rewrites returns the plan that writes the rendered files.
func Rewrites(r repo.Repo, rendered []Rendering) plan.Plan {
	var p plan.Plan
	for _, f := range rendered {
		p = append(p, r.Rewrite(f.Name, f.Old, f.Text)...)
	}
	return p
}

// manifestRewrites returns the plan that writes the texts of manifests, by their names.
func manifestRewrites(r repo.Repo, texts map[string][]byte) (plan.Plan, error) {
	var p plan.Plan
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		old, err := fs.ReadFile(r.FS(), name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, patherr.TrimOp(err)
		}
		p = append(p, r.Rewrite(name, old, texts[name])...)
	}
	return p, nil
}

// Names returns the paths in the repository of the files that the user has named,
// or else of all Containerfiles of images that exist.
func Names(r repo.Repo, files []string) ([]string, error) {
	var names []string
	for _, f := range files {
		name, err := r.Name(f)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(files) > 0 {
		return names, nil
	}
	for _, k := range gen.Images() {
		names = append(names, OfImage(r, k)...)
	}
	return names, nil
}

// Stages returns the names of the stages in the Containerfiles of images.
func Stages(r repo.Repo) []string {
	var all []string
	for _, k := range gen.Images() {
		if text, err := fs.ReadFile(r.FS(), gen.Containerfile(k)); err == nil {
			all = append(all, gen.StageNames(gen.Containerfile(k), text)...)
		}
	}
	return all
}

// OfImage returns the Containerfile of an image, if the repository has it.
func OfImage(r repo.Repo, k gen.Image) []string {
	if name := gen.Containerfile(k); r.Has(name) {
		return []string{name}
	}
	return nil
}
