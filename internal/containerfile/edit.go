package containerfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// Edit returns the plan that edits the manifest called name and renders the
// Containerfiles that use it. The manifest is written first: if bkt is killed in
// between, "bkt containerfile check" finds it, and sync fixes it.
func Edit[T any](ctx context.Context, log Log, r repo.Repo, o SyncOptions, name string, containerfiles []string, edit func(*T, *manifest.Source) error) (plan.Plan, error) {
	old, content, source, err := ReadManifest[T](r, name)
	if err != nil {
		return nil, err
	}
	if err := edit(&content, source); err != nil {
		return nil, err
	}
	text, err := manifest.Encode(content)
	if err != nil {
		return nil, InFile(name, err)
	}
	after := edited{r.FS(), map[string][]byte{name: text}}
	rendered, err := RenderAll(ctx, log, after, containerfiles, Unchanged)
	if err != nil {
		return nil, err
	}
	if err := keep(ctx, log, r, after, rendered, o, r.FS()); err != nil {
		return nil, err
	}
	return append(plan.Rewrite(r.Path(name), name, old, text), Rewrites(r, rendered)...), nil
}

// InFile adds the name of a file to each of joined errors.
func InFile(name string, err error) error {
	var errs []error
	for _, e := range hint.Split(err) {
		errs = append(errs, fmt.Errorf("%s: %w", name, e))
	}
	return errors.Join(errs...)
}

// ReadManifest returns the text of a manifest and what it says. A missing manifest
// has the text nil and says nothing.
func ReadManifest[T any](r repo.Repo, name string) (old []byte, content T, source *manifest.Source, err error) {
	old, err = fs.ReadFile(r.FS(), name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, content, &manifest.Source{}, nil
	}
	if err != nil {
		return nil, content, nil, patherr.Trim(err)
	}
	content, source, err = manifest.Decode[T](name, old)
	return old, content, source, err
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
