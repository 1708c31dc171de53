package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/ownpath"
	"bkt/internal/patherr"
	"bkt/internal/paths"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
)

// brokenUnits reports units of auto-capture that run no bkt, or that will run none after
// an upgrade.
func brokenUnits(_ context.Context, t *Target) ([]Problem, error) {
	if t.Elsewhere != nil || t.Units == nil {
		return nil, t.Elsewhere
	}
	found, err := t.Units()
	var all []Problem
	for _, p := range found {
		if p.Fix == nil {
			all = append(all, unfixable(p.Err)...)
			continue
		}
		all = append(all, fixable(p.Err, p.Fix))
	}
	return all, err
}

// missingPrograms reports hooks of git that run a bkt by a path that does not exist.
func missingPrograms(ctx context.Context, t *Target) ([]Problem, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	if !host.Installed("git") {
		return nil, nil
	}
	out, err := (host.Query{}).Git(ctx, t.Repo.Root, nil, "rev-parse", "--path-format=absolute", "--git-path", "hooks", "--git-common-dir")
	lines := strings.Split(string(out), "\n")
	if err != nil || len(lines) < 2 {
		return nil, nil // the check of the hook says why
	}
	all, errOwn := hooksIn(lines[0], paths.Within(lines[0], lines[1]))
	of, errManagers := t.hooksOfManagers()
	return append(all, of...), errors.Join(errOwn, errManagers)
}

// hooksIn reports the hooks in a folder. Those that no one else uses can be fixed.
func hooksIn(dir string, isOwn bool) ([]Problem, error) {
	entries, err := os.ReadDir(dir)
	errs := []error{patherr.TrimOp(patherr.UnlessMissing(err))}
	var all []Problem
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), ".sample") {
			continue
		}
		file := filepath.Join(dir, e.Name())
		text, err := plainfile.Read(file, plainfile.MaxText)
		errs = append(errs, patherr.TrimOp(patherr.UnlessMissing(err)))
		switch err := namesMissing(file, string(text)); {
		case err == nil:
		case isOwn && e.Type().IsRegular() && host.Installed("bkt"):
			all = append(all, fixable(err, plan.Rewrite(file, file, text, []byte(ownpath.ReplaceMissing(string(text))))))
		default:
			all = append(all, elsewhere(err)...)
		}
	}
	return all, errors.Join(errs...)
}

// hooksOfManagers reports files of the repository that tell managers of hooks what to run.
func (t *Target) hooksOfManagers() ([]Problem, error) {
	var all []Problem
	var errs []error
	for _, name := range []string{".pre-commit-config.yaml", "lefthook.yml", ".husky/pre-commit"} {
		text, err := fs.ReadFile(t.Repo.FS(), name)
		errs = append(errs, patherr.TrimOp(patherr.UnlessMissing(err)))
		if err := namesMissing(name, string(text)); err != nil {
			all = append(all, elsewhere(err)...)
		}
	}
	return all, errors.Join(errs...)
}

// namesMissing returns the error of a file that runs a bkt that does not exist, nil if it
// runs none such.
func namesMissing(file, text string) error {
	missing := ownpath.Missing(text)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s cannot run bkt: %w", file, ownpath.Check(missing[0]))
}

// elsewhere returns the problem of a file that bkt does not change.
func elsewhere(err error) []Problem {
	return unfixable(hint.Add(err, "write only \"bkt\" there, and install it in a folder of PATH"))
}
