package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

// The sides that sync can take, if a section has text that comes from no manifest.
const (
	takeManifest = "manifest"
	takeText     = "text"
)

const losesText = "loses text that comes from no manifest"

// keep returns an error for text of the Containerfiles that rendering them from
// files would lose, and that comes from no manifest: not from those in before,
// and not from those that git has. For --check it is a warning, as are edits of
// sections that bkt has rendered before: these are lost.
func (a *app) keep(ctx context.Context, r repo.Repo, files fs.FS, rendered []rendering, m ui.Mode, before ...fs.FS) error {
	var lost []gen.Losses
	for _, f := range rendered {
		if bytes.Equal(f.src, f.text) {
			continue
		}
		l := gen.Lose(f.name, f.src, files)
		if m.Check || m.DryRun {
			l = l.Foreign() // the diff has the rest
		}
		lost = append(lost, l)
	}
	unknown := a.explain(ctx, r, lost, before...)
	var stops, edits []error
	for _, l := range lost {
		stops = append(stops, unexplained(l.Foreign().Stops(), unknown)...)
		edits = append(edits, l.Edits().Findings(losesText)...)
	}
	if m.Check {
		a.Warn(stops)
		return nil
	}
	if len(stops) == 0 {
		a.Warn(edits)
	}
	return errors.Join(stops...)
}

// unsaved returns what sync would stop at.
func unsaved(ctx context.Context, r repo.Repo, rendered []rendering) []error {
	return hint.Split((&app{Printer: ui.Printer{Quiet: true}}).keep(ctx, r, r.FS(), rendered, ui.Mode{DryRun: true}))
}

// unexplained returns errors for text that comes from no manifest with the reason why
// it is not known that it has come from none before, if there is one.
func unexplained(errs []error, unknown error) []error {
	if unknown == nil {
		return errs
	}
	for i := range errs {
		errs[i] = hint.Add(errs[i], "earlier manifests may have had it, which git does not tell: %s", firstOf(unknown))
	}
	return errs
}

// explain removes from losses the text that the manifests in before render, or
// those at HEAD and in the index. It asks git only if something is left. If git
// fails, it warns, and returns what git says.
func (a *app) explain(ctx context.Context, r repo.Repo, lost []gen.Losses, before ...fs.FS) (unknown error) {
	for _, files := range before {
		explainBy(lost, files)
	}
	for _, state := range []func(context.Context, repo.Git) (fs.FS, error){r.Committed, r.Staged} {
		if !anyLost(lost) {
			break
		}
		files, err := state(ctx, englishGit{})
		if err == nil {
			explainBy(lost, files)
		} else if !hasNoHistory(err) {
			if unknown == nil || unknown.Error() != err.Error() {
				a.Warn([]error{fmt.Errorf("not known what the manifests were before: %w", err)})
			}
			unknown = cmp.Or(unknown, err)
		}
	}
	return unknown
}

// hasNoHistory reports whether an error of git's is that there is no git, no
// repository of git, or that nothing was ever committed.
func hasNoHistory(err error) bool {
	text := err.Error()
	return !host.Installed("git") || strings.Contains(text, "not a git repository") || strings.Contains(text, "Not a valid object name HEAD")
}

// englishGit is git whose messages are parsed.
type englishGit struct{}

// Git implements [repo.Git].
func (englishGit) Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error) {
	return host.Query{}.Output(ctx, plan.Run{Argv: append([]string{"git", "-C", dir}, args...), Stdin: stdin})
}

func explainBy(lost []gen.Losses, files fs.FS) {
	for i, l := range lost {
		lost[i] = l.Explain(files)
	}
}

func anyLost(lost []gen.Losses) bool {
	for _, l := range lost {
		if !l.Empty() {
			return true
		}
	}
	return false
}

// drop names the text that sections lose.
func (a *app) drop(ctx context.Context, r repo.Repo, rendered []rendering) {
	var lost []gen.Losses
	for _, f := range rendered {
		lost = append(lost, gen.Lose(f.name, f.src, r.FS()))
	}
	_ = a.explain(ctx, r, lost) // it has warned
	for _, l := range lost {
		a.Warn(l.Findings("drops text that comes from no manifest"))
	}
}

// take is the plan that moves text of sections that comes from no manifest into
// the manifests, and renders the Containerfiles from them. It is an error if some
// of the text would be lost.
func (a *app) take(ctx context.Context, r repo.Repo, names []string, src source) (plan.Plan, error) {
	after := edited{r.FS(), map[string][]byte{}}
	lost := make([]gen.Losses, len(names))
	for i, name := range names {
		old, err := fs.ReadFile(r.FS(), name)
		if err != nil {
			return nil, patherr.Trim(err)
		}
		lost[i] = gen.Lose(name, old, after)
	}
	_ = a.explain(ctx, r, lost) // it has warned
	takings := make([]gen.Taking, len(names))
	for i, l := range lost {
		takings[i] = l.Take(after)
		maps.Copy(after.texts, takings[i].Manifests)
	}
	rendered, err := a.renderAll(ctx, after, names, src)
	if err != nil {
		return nil, err
	}
	if err := a.tellTaken(lost, takings, rendered); err != nil {
		return nil, err
	}
	p, err := manifestRewrites(r, after.texts)
	return append(p, rewrites(r, rendered)...), err
}

// tellTaken names the text that manifests take, and the comments that are lost.
// Other text that is lost is an error.
func (a *app) tellTaken(lost []gen.Losses, takings []gen.Taking, rendered []rendering) error {
	var errs []error
	for i, l := range lost {
		errs = append(errs, l.Without(rendered[i].text).Untaken(takings[i])...)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, l := range lost {
		for _, f := range l.Taken() {
			a.Note("%v", f)
		}
		a.Warn(l.Without(rendered[i].text).Findings(losesText))
	}
	return nil
}
