package containerfile

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"bkt/internal/editor"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// Edit returns the plan that edits the manifest called name and renders the
// Containerfiles that use it. The manifest is written first: if bkt is killed in
// between, "bkt containerfile check" finds it, and sync fixes it.
func Edit[T any](ctx context.Context, log Log, r repo.Repo, o SyncOptions, name string, containerfiles []string, edit func(*T, *manifest.Source) error) (plan.Plan, error) {
	d, err := manifest.Read[T](r.FS(), name)
	if err != nil {
		return nil, err
	}
	if err := edit(&d.Content, d.Source); err != nil {
		return nil, err
	}
	text, err := manifest.EncodeFile(name, d.Content)
	var schema plan.Plan
	if err == nil && !d.Exists() {
		text, schema, err = editor.PlanNew(r, name, text)
	}
	if err := errors.Join(err, repo.CheckSize(name, text)); err != nil {
		return nil, err
	}
	after := edited{r.FS(), map[string][]byte{name: text}}
	rendered, err := RenderAll(ctx, log, after, containerfiles, Unchanged)
	if err != nil {
		return nil, err
	}
	if err := keep(ctx, log, r, after, rendered, o, r.FS()); err != nil {
		return nil, err
	}
	return slices.Concat(r.Rewrite(name, d.Text, text), schema, Rewrites(r, rendered)), nil
}

// edited are the files of a repository after some of them were written.
type edited struct {
	fs.FS
	texts map[string][]byte
}

// ReadFile implements [fs.ReadFileFS].
func (e edited) ReadFile(name string) ([]byte, error) {
	if text, ok := e.texts[name]; ok {
		return text, nil
	}
	return fs.ReadFile(e.FS, name)
}

// Lstat implements [fs.ReadLinkFS].
func (e edited) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(e.FS, name) }

// ReadLink implements [fs.ReadLinkFS].
func (e edited) ReadLink(name string) (string, error) { return fs.ReadLink(e.FS, name) }
