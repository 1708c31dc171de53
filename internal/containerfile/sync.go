package containerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"bkt/gen"
	"bkt/gen/lint"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

// The sides that [Sync] can take if a section has text that no manifest has.
const (
	TakeManifest = "manifest" // drop the text
	TakeText     = "text"     // move it into the manifests
)

// SyncOptions say how [Sync] renders.
type SyncOptions struct {
	Insert bool   // add the sections that a file lacks and that a manifest has entries for
	Stage  string // the stage for them, see [gen.Insert]
	Take   string // TakeManifest, TakeText, or "": such text is an error
	Check  bool   // such text is a warning, as the command will not write
	DryRun bool   // edits of sections that bkt rendered are not logged: the diff shows them

	NewDigests bool // the digests in the manifests are newer than those in the files
}

// Sync returns the plan that renders the managed sections of the files: of all, or,
// with an error, of none.
func Sync(ctx context.Context, log Log, r repo.Repo, names []string, o SyncOptions) (plan.Plan, error) {
	source := Source(Unchanged)
	if o.Insert {
		source = func(name string, old []byte, files fs.FS) ([]byte, error) {
			return gen.Insert(name, old, files, o.Stage)
		}
	}
	if o.Take == TakeText {
		return take(ctx, log, r, names, source)
	}
	warningsOf := func(f Rendering) []error { return f.Warnings }
	if o.Check || o.DryRun { // the files stay as they are
		warningsOf = func(f Rendering) []error { return f.asIs }
	}
	if o.Check { // what a build refuses is an error
		warningsOf = func(f Rendering) []error { return f.accepted() }
	}
	rendered, err := renderAll(ctx, log, r.FS(), names, source, warningsOf)
	if o.Check {
		for _, f := range rendered {
			err = errors.Join(append(lint.Refused(f.asIs), err)...)
		}
	}
	if err != nil {
		return nil, err
	}
	if o.Check {
		warnings, err := checkContext(ctx, r, rendered)
		log.Warn(lint.Group(warnings))
		if err != nil {
			return nil, err
		}
	}
	if o.Take == TakeManifest {
		drop(ctx, log, r, rendered)
	} else {
		err = keep(ctx, log, r, r.FS(), rendered, o)
	}
	if err == nil {
		logInsertions(log, rendered)
	}
	return Rewrites(r, rendered), err
}

// logInsertions logs where sections are new.
func logInsertions(log Log, rendered []Rendering) {
	for _, f := range rendered {
		if bytes.Equal(f.Old, f.Source) {
			continue
		}
		for _, in := range gen.Inserted(f.Name, f.Old, f.Text) {
			where := ""
			if in.Stage != "" {
				where = ", in " + in.Stage
			}
			log.Note("%s:%d: new section %s%s", f.Name, in.Line, in.Section, where)
		}
	}
}

// SyncStaged returns the plan that renders the staged Containerfiles from the staged
// manifests, and those of the work tree from the manifests there, so that each is
// consistent. A work tree that cannot be rendered is a warning: it does not stop a
// commit.
func SyncStaged(ctx context.Context, log Log, r repo.Repo, files []string, o SyncOptions) (plan.Plan, error) {
	index, names, staged, err := renderStaged(ctx, log, r, files, o)
	if err != nil {
		return nil, err
	}
	var p plan.Plan
	for _, f := range staged {
		p = append(p, plan.Restage(r.Root, f.Name, f.Old, f.Text)...)
	}
	for _, name := range names {
		if !r.Has(name) { // a file deleted in the work tree does not stop a commit
			continue
		}
		f := Render(ctx, r.FS(), name, Unchanged)
		if f.Err == nil {
			f.Err = keep(ctx, log, r, r.FS(), []Rendering{f}, strict(o), index)
		}
		if f.Err == nil {
			p = append(p, Rewrites(r, []Rendering{f})...)
			continue
		}
		log.Warn([]error{fmt.Errorf("not rendered in the work tree: %w", f.Err)})
	}
	return p, nil
}

// strict returns o with text that no manifest has as an error.
func strict(o SyncOptions) SyncOptions {
	if o.Check {
		return SyncOptions{DryRun: true}
	}
	return o
}

// SyncHidden is [SyncStaged] for pre-commit (https://pre-commit.com), which hides
// unstaged edits while its hooks run: the plan writes the Containerfiles rendered from
// the index into the work tree. If the hidden edits then conflict with those files,
// pre-commit restores the files from the index. If the hook had changed the index as
// well, the user's edits would be lost. So the index stays unchanged, and the commit
// fails.
func SyncHidden(ctx context.Context, log Log, r repo.Repo, files []string, o SyncOptions) (plan.Plan, error) {
	_, _, staged, err := renderStaged(ctx, log, r, files, o)
	if err != nil {
		return nil, err
	}
	var p plan.Plan
	var errs []error
	for _, f := range staged {
		if bytes.Equal(f.Old, f.Text) {
			continue
		}
		// Without a commit (pre-commit run --all-files), pre-commit hides nothing.
		if now, err := fs.ReadFile(r.FS(), f.Name); err != nil || !bytes.Equal(now, f.Old) {
			err := fmt.Errorf("%s (staged): the sections are not up to date with the manifests", f.Name)
			errs = append(errs, hint.Add(err, "run \"bkt containerfile sync --staged\""))
			continue
		}
		p = append(p, Rewrites(r, []Rendering{f})...)
	}
	return p, errors.Join(errs...)
}

// renderStaged renders the Containerfiles in git's index from the manifests there.
func renderStaged(ctx context.Context, log Log, r repo.Repo, files []string, o SyncOptions) (index fs.FS, names []string, staged []Rendering, err error) {
	if index, err = r.Staged(ctx, host.Query{}); err != nil {
		return nil, nil, nil, err
	}
	if names, err = stagedNames(r, index, files); err != nil {
		return nil, nil, nil, err
	}
	if staged, err = RenderAll(ctx, log, index, names, Unchanged); err != nil {
		return nil, nil, nil, err
	}
	// Text that only the manifests of the work tree have would be lost in the commit.
	return index, names, staged, keep(ctx, log, r, index, staged, o)
}

// stagedNames returns the staged ones of the files that the user has named, or of
// the Containerfiles of all images.
func stagedNames(r repo.Repo, index fs.FS, files []string) ([]string, error) {
	var names []string
	for _, f := range files {
		name, err := r.Name(f)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(files) == 0 {
		for _, k := range gen.Images() {
			names = append(names, gen.Containerfile(k))
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		_, err := fs.Stat(index, name)
		return errors.Is(err, fs.ErrNotExist)
	}), nil
}
