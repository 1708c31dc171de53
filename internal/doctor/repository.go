package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/editor"
	"bkt/internal/githook"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/manifest"
	"bkt/internal/mergedriver"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/printable"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/workspace"
	"bkt/schemas"
)

// unreadableRepository reports a repository that may exist here and cannot be read.
func unreadableRepository(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root != "" || errors.Is(t.RepositoryErr, repo.ErrNone) {
		return nil, nil
	}
	return nil, t.RepositoryErr
}

// brokenManifests reports manifests that cannot be read, and files that may be meant as
// manifests. If another program may read such a file, it is only a note.
func brokenManifests(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	var all []Problem
	for _, f := range manifest.All() {
		text, err := fs.ReadFile(t.Repo.FS(), f.Path)
		if err == nil {
			_, err = f.Format(f.Path, text)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = append(all, unfixable(patherr.TrimOp(err))...)
		}
	}
	files, err := manifest.FindUnread(t.Repo.FS())
	for _, f := range files {
		if f.Misspelled {
			all = append(all, unfixable(f)...)
		} else {
			all = append(all, note(f))
		}
	}
	return all, err
}

// outdatedSchemas reports manifests whose schema file is missing, so that editors check
// nothing, or of another bkt.
func outdatedSchemas(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	var all []Problem
	written := map[string]bool{}
	for _, f := range manifest.All() {
		schema, ok := schemaOf(t.Repo.FS(), f.Path)
		if !ok || written[schema] {
			continue
		}
		if t.Repo.Has(schema) {
			written[schema] = true
			outdated, err := outdatedSchema(t, f.Path, schema)
			if err != nil {
				return nil, err
			}
			all = append(all, outdated...)
			continue
		}
		missing := fmt.Errorf("%s: its $schema %s does not exist", f.Path, schema)
		text, err := schemas.FS.ReadFile(path.Base(schema))
		if err != nil {
			missing = hint.Add(missing, `remove "$schema", or write the file with "bkt schema %s >%s"`, strings.TrimSuffix(f.Name, ".json"), schema)
			all = append(all, unfixable(missing)...)
			continue
		}
		written[schema] = true
		all = append(all, fixable(missing, t.Repo.Rewrite(schema, nil, text)))
	}
	return all, nil
}

// outdatedSchema notes that a manifest names a copy of the schema of another bkt. An editor
// may then mark what this bkt reads.
func outdatedSchema(t *Target, manifest, schema string) ([]Problem, error) {
	old, text, err := editor.Outdated(t.Repo.FS(), schema)
	if err != nil || old == nil {
		return nil, patherr.TrimOp(err)
	}
	one := note(hint.Add(fmt.Errorf("%s: its $schema %s is not that of this bkt", manifest, schema), `run "bkt doctor --fix"`))
	one.Plan = t.Repo.Rewrite(schema, old, text)
	return []Problem{one}, nil
}

// schemaOf returns the file of the repository that a manifest names as its schema.
// Another check reports errors in the manifest.
func schemaOf(repo fs.FS, manifestPath string) (string, bool) {
	var content struct {
		Schema string `json:"$schema"`
	}
	text, err := fs.ReadFile(repo, manifestPath)
	if err != nil || json.Unmarshal(text, &content) != nil || content.Schema == "" || strings.Contains(content.Schema, ":") {
		return "", false
	}
	file := path.Join(manifest.Folder, content.Schema)
	return file, filepath.IsLocal(file)
}

// uselessPatterns reports an ignore file that is not valid, and its lines that
// match nothing.
func uselessPatterns(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	if t.RepositoryErr != nil {
		return unfixable(t.RepositoryErr), nil
	}
	text, err := fs.ReadFile(t.Repo.FS(), workspace.IgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, patherr.TrimOp(err)
	}
	n := 0
	var all []Problem
	for line := range strings.Lines(string(text)) {
		n++
		if ignored, err := reconcile.ParseIgnore(workspace.IgnoreFile, []byte(line), t.DomainNames()); err == nil && t.matchesNothing(ignored) {
			err := fmt.Errorf("%s:%d:1: %s matches nothing", workspace.IgnoreFile, n, printable.Quote(strings.TrimSpace(line)))
			all = append(all, unfixable(hint.Add(err, "check how the item is spelled, or remove the line"))...)
		}
	}
	return all, nil
}

// matchesNothing reports whether the patterns are known to ignore no item. For a domain
// that could not be read, in full, that is unknown.
func (t *Target) matchesNothing(ignored map[string]reconcile.Ignore) bool {
	for _, d := range t.Domains {
		patterns, ok := ignored[d.Name()]
		if ok && (!d.IsRead() || d.IsAbsent() || slices.ContainsFunc(d.Comparison.Ignored(), patterns.Has)) {
			return false
		}
	}
	return len(t.Domains) > 0 && len(ignored) > 0
}

// unreadIgnore reports a .dockerignore that a .containerignore takes the place of.
func unreadIgnore(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	err := pipeline.UnreadIgnore(t.Repo, pipeline.Images(t.Repo, nil))
	if err == nil {
		return nil, nil
	}
	return unfixable(err), nil
}

// missingPreCommit reports that git does not update managed sections at a commit.
func missingPreCommit(ctx context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	if !host.Installed("git") || !t.Repo.HasImages() {
		return nil, nil
	}
	if _, err := (host.Query{}).Git(ctx, t.Repo.Root, nil, "rev-parse", "--git-dir"); err != nil {
		return nil, t.Repo.NoGit(err)
	}
	fix, err := githook.Plan(ctx, t.Repo)
	switch {
	case err != nil:
		return unfixable(err), nil
	case len(fix) == 0:
		return nil, nil
	}
	return []Problem{fixable(errors.New("no pre-commit hook is installed: a commit does not update managed sections"), fix)}, nil
}

// missingMergeDriver reports that git merges manifests line by line, or cannot merge them.
func missingMergeDriver(ctx context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	if !host.Installed("git") {
		return nil, nil
	}
	if _, err := (host.Query{}).Git(ctx, t.Repo.Root, nil, "rev-parse", "--git-dir"); err != nil {
		return nil, nil // the check of the hook says why
	}
	lacks, err := mergedriver.Lacks(ctx, t.Repo)
	var all []Problem
	for _, lack := range lacks {
		all = append(all, fixable(lack, lack.Fix))
	}
	if !host.Installed("bkt") {
		err := errors.New("bkt is not in PATH: git cannot merge manifests, and leaves our version in the file")
		all = append(all, unfixable(hint.Add(err, "install bkt in a folder of PATH"))...)
	}
	return all, err
}

// unavailableDomains reports domains, and parts of them, that cannot be read. It is only a
// note if the manifests declare nothing in them.
func unavailableDomains(_ context.Context, t *Target) ([]Problem, error) {
	if t.Elsewhere != nil {
		return nil, t.Elsewhere
	}
	var all []Problem
	for _, d := range t.Domains {
		if d.IsUnavailable() || d.Err == nil {
			all = append(all, unfixable(live.Problems([]*live.Domain{d}))...)
		}
	}
	for _, line := range live.UnreadNotes(t.Domains, false) {
		all = append(all, note(errors.New(line)))
	}
	return all, nil
}

// undeclaredRemotes reports apps that a new machine could not install.
func undeclaredRemotes(_ context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	apps, err := manifest.Read[manifest.FlatpakApps](t.Repo.FS(), manifest.FlatpakAppsPath)
	remotes, errRemotes := manifest.Read[manifest.FlatpakRemotes](t.Repo.FS(), manifest.FlatpakRemotesPath)
	if err := errors.Join(firstOnly(err), firstOnly(errRemotes)); err != nil {
		return nil, err
	}
	declared := map[string]bool{}
	for _, r := range remotes.Content.Remotes {
		declared[r.Key()] = true
	}
	var all []Problem
	for _, app := range apps.Content.Apps {
		remote := manifest.FlatpakRemote{Name: app.Remote, Scope: app.Scope}.Key()
		if declared[remote] || app.Bundle != "" { // every command says so
			continue
		}
		declared[remote] = true // report it once
		err := fmt.Errorf("no manifest declares the remote %s of some apps: a new machine cannot install them", remote)
		all = append(all, unfixable(hint.Add(err, `run "bkt capture flatpak-remotes" on a machine that has the remote`))...)
	}
	return all, nil
}

// firstOnly returns the first of the joined errors of a manifest: the check of
// manifests reports them all.
func firstOnly(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(hint.Split(patherr.TrimOp(err))[0].Error())
}
