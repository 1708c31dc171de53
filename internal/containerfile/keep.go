package containerfile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"bkt/gen/undeclared"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
)

const losesText = "loses text that comes from no manifest"

// keep returns an error for text of the Containerfiles that rendering them from files
// would lose and that no manifest has: neither those in before nor those in git. With
// --check it is a warning. So are edits of sections that bkt has rendered before:
// these are lost, except for a base image, if git has earlier manifests that could
// explain it.
func keep(ctx context.Context, log Log, r repo.Repo, files fs.FS, rendered []Rendering, o SyncOptions, before ...fs.FS) error {
	var lost []undeclared.Losses
	for _, f := range rendered {
		if bytes.Equal(f.Source, f.Text) {
			continue
		}
		l := undeclared.Find(f.Name, f.Source, files)
		if o.Check || o.DryRun {
			l = l.Doubtful() // the diff has the rest
		}
		if o.NewDigests {
			l = l.WithoutDigests()
		}
		lost = append(lost, l)
	}
	tracked, unknown := explain(ctx, log, r, lost, before...)
	var stops, edits []error
	for _, l := range lost {
		stops = append(stops, unexplained(l.Foreign().Stops(), unknown)...)
		if tracked || o.Check { // a check overwrites nothing, and names both versions
			stops = append(stops, l.VersionStops()...)
		}
		if !o.Check && !o.DryRun {
			edits = append(edits, l.Edits().Findings(losesText)...)
		}
	}
	if o.Check {
		log.Warn(stops)
		return nil
	}
	if len(stops) == 0 {
		log.Warn(edits)
	}
	return errors.Join(stops...)
}

// Unsaved returns the text at which [Sync] would stop, as errors.
func Unsaved(ctx context.Context, r repo.Repo, rendered []Rendering) []error {
	return hint.Split(keep(ctx, silent{}, r, r.FS(), rendered, SyncOptions{DryRun: true}))
}

// silent is a [Log] that drops everything.
type silent struct{}

func (silent) Warn([]error)        {}
func (silent) Note(string, ...any) {}

// unexplained adds to errors about lost text, if git failed, that earlier manifests
// may have had it.
func unexplained(errs []error, unknown error) []error {
	if unknown == nil {
		return errs
	}
	for i := range errs {
		errs[i] = hint.Add(errs[i], "earlier manifests may have it, but git fails: %s", hint.Split(patherr.TrimOp(unknown))[0])
	}
	return errs
}

// explain removes from losses the text that the manifests in before render, or those
// at HEAD, in the index, and before the last change of base images. It asks git only if
// something is left. tracked reports whether HEAD has a manifest of base images. If git
// fails, it logs a warning and returns git's error.
func explain(ctx context.Context, log Log, r repo.Repo, lost []undeclared.Losses, before ...fs.FS) (tracked bool, unknown error) {
	for _, files := range before {
		explainBy(lost, files)
	}
	for i, state := range []func(context.Context, repo.Git) (fs.FS, error){r.Committed, r.Staged} {
		if !anyLost(lost) {
			break
		}
		files, err := state(ctx, englishGit{})
		if err == nil {
			tracked = tracked || i == 0 && hasBases(files)
			explainBy(lost, files)
		} else if !hasNoHistory(err) {
			if unknown == nil || unknown.Error() != err.Error() {
				log.Warn([]error{fmt.Errorf("cannot read earlier versions of the manifests: %w", err)})
			}
			unknown = cmp.Or(unknown, err)
		}
	}
	if tracked && anyVersion(lost) {
		files, err := r.CommittedBefore(ctx, englishGit{}, manifest.ImagePath)
		if err != nil {
			return tracked, cmp.Or(unknown, err)
		}
		explainBy(lost, files)
	}
	return tracked, unknown
}

func hasBases(files fs.FS) bool {
	_, err := fs.Stat(files, manifest.ImagePath)
	return err == nil
}

// hasNoHistory reports whether git failed because it is not installed, because the
// folder is no git repository, or because it has no commit.
func hasNoHistory(err error) bool {
	text := err.Error()
	return !host.Installed("git") || strings.Contains(text, "not a git repository") || strings.Contains(text, "Not a valid object name HEAD")
}

// englishGit runs git with messages in English, because they are parsed.
type englishGit struct{}

// Git implements [repo.Git].
func (englishGit) Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	return host.Query{}.Output(ctx, plan.Run{Argv: append([]string{"git", "-C", dir}, args...), Stdin: stdin})
}

func explainBy(lost []undeclared.Losses, files fs.FS) {
	for i, l := range lost {
		lost[i] = l.Explain(files)
	}
}

func anyVersion(lost []undeclared.Losses) bool {
	return slices.ContainsFunc(lost, func(l undeclared.Losses) bool { return !l.Versions().Empty() })
}

func anyLost(lost []undeclared.Losses) bool {
	for _, l := range lost {
		if !l.Empty() {
			return true
		}
	}
	return false
}

// drop logs the text that sections lose.
func drop(ctx context.Context, log Log, r repo.Repo, rendered []Rendering) {
	var lost []undeclared.Losses
	for _, f := range rendered {
		lost = append(lost, undeclared.Find(f.Name, f.Source, r.FS()))
	}
	_, _ = explain(ctx, log, r, lost) // it has warned
	for _, l := range lost {
		log.Warn(l.Findings("drops text that comes from no manifest"))
	}
}

// take returns the plan that moves text of sections that no manifest has into the
// manifests, and renders the Containerfiles from them. It fails if some of the text
// would be lost.
func take(ctx context.Context, log Log, r repo.Repo, names []string, src Source) (plan.Plan, error) {
	after := edited{r.FS(), map[string][]byte{}}
	lost := make([]undeclared.Losses, len(names))
	for i, name := range names {
		old, err := fs.ReadFile(r.FS(), name)
		if err != nil {
			return nil, patherr.TrimOp(err)
		}
		lost[i] = undeclared.Find(name, old, after)
	}
	_, _ = explain(ctx, log, r, lost) // it has warned
	takings := make([]undeclared.Taking, len(names))
	for i, l := range lost {
		takings[i] = l.Take(after)
		maps.Copy(after.texts, takings[i].Manifests)
	}
	rendered, err := RenderAll(ctx, log, after, names, src)
	if err != nil {
		return nil, err
	}
	if err := logTaken(log, lost, takings, rendered); err != nil {
		return nil, err
	}
	logInsertions(log, rendered)
	p, err := manifestRewrites(r, after.texts)
	return append(p, Rewrites(r, rendered)...), err
}

// logTaken logs the text that the manifests take and the comments that are lost. Any
// other lost text is an error.
func logTaken(log Log, lost []undeclared.Losses, takings []undeclared.Taking, rendered []Rendering) error {
	var errs []error
	for i, l := range lost {
		errs = append(errs, l.Without(rendered[i].Text).Untaken(takings[i])...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, l := range lost {
		for _, f := range l.Taken() {
			log.Note("%v", f)
		}
		log.Warn(l.Without(rendered[i].Text).Findings(losesText))
	}
	return nil
}
