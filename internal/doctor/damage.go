package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/domains"
	"bkt/internal/finding"
	"bkt/internal/live"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/statefile"
)

// A StateCheck returns the error of a file with bkt's state, nil if bkt can use it.
type StateCheck func(path string, text []byte) error

// damagedStates reports files with bkt's own state that bkt cannot use: those that are
// not what bkt wrote, and those of a newer bkt. Caches do not count: bkt reads again what is
// in them.
func damagedStates(_ context.Context, t *Target) ([]Problem, error) {
	checks, err := t.stateChecks()
	if err != nil {
		return nil, err
	}
	var all []Problem
	var errs []error
	root := filepath.Join(t.Folders.State, "bkt")
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, patherr.TrimOp(patherr.UnlessMissing(err)))
			return nil
		}
		name, err := filepath.Rel(root, file)
		check := checkFor(checks, filepath.ToSlash(name))
		if err != nil || d.IsDir() || check == nil {
			return err
		}
		text, err := plainfile.Read(file, plainfile.MaxText)
		if err != nil {
			errs = append(errs, patherr.TrimOp(patherr.UnlessMissing(err)))
		} else if err := check(file, text); err != nil {
			all = append(all, t.damaged(file, err))
		}
		return nil
	})
	return all, errors.Join(append(errs, err)...)
}

// stateChecks returns the checks by the patterns of the files in bkt's folder.
func (t *Target) stateChecks() (map[string]StateCheck, error) {
	computer, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	checks := map[string]StateCheck{
		path.Join("base", "*", live.RepositoryFile): checkRepositoryFile,
		path.Join("base", "*", computer, "*.json"): func(file string, text []byte) error {
			return t.CheckBase(strings.TrimSuffix(filepath.Base(file), ".json"), file, text)
		},
	}
	for pattern, check := range domains.States() {
		checks[pattern] = check
	}
	maps.Copy(checks, t.States)
	return checks, nil
}

func checkFor(checks map[string]StateCheck, name string) StateCheck {
	for pattern, check := range checks {
		if ok, err := path.Match(pattern, name); ok && err == nil && !strings.HasPrefix(path.Base(name), ".") {
			return check
		}
	}
	return nil
}

// checkRepositoryFile checks the file that names the repository of last known states.
func checkRepositoryFile(file string, text []byte) error {
	root, whole := strings.CutSuffix(string(text), "\n")
	if whole && filepath.IsAbs(root) && !strings.ContainsAny(root, "\x00\n") {
		return nil
	}
	err := fmt.Errorf("%s: is not the path of a repository", file)
	return &statefile.Problem{Path: file, Err: err, Hint: `run "bkt doctor --fix" in the repository that it belongs to`}
}

// damaged returns the problem of a file. Its fix moves the file away, where that is safe.
func (t *Target) damaged(file string, err error) Problem {
	p := Problem{Finding: finding.From(finding.Error, err)[0]}
	states := filepath.Dir(t.BasePath("")) // of this computer
	switch what := statefile.Of(err); {
	case what == nil:
	case what.CanMove():
		to := what.Away(time.Now())
		p.Plan = plan.Plan{{Op: plan.Remove, Targets: []string{file + " (now " + filepath.Base(to) + ")"}, Steps: []plan.Step{plan.Move{From: file, To: to}}}}
	case t.Repo.Root != "" && file == filepath.Join(filepath.Dir(states), live.RepositoryFile):
		step := plan.Overwrite{Path: file, Text: []byte(t.Repo.Root + "\n"), Private: t.Private()}
		p.Plan = plan.Plan{{Op: plan.Modify, Targets: []string{file}, Steps: []plan.Step{step}}}
	}
	return p
}
