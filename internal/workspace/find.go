package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/shell"
)

// Variable names the repository of commands that run outside of one. The command line sets it
// for -C, whose folder is then the only place.
const Variable = "BKT_REPO"

// OnlyHere makes the current folder, which -C has named, the only place for a repository. So
// do the programs that bkt starts.
func OnlyHere() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	return os.Setenv(Variable, dir)
}

// maxDefault is the size of the largest file with the default repository, in bytes.
const maxDefault = 1 << 16

// defaultPath returns the file that has the path of the default repository in its only line.
func (f Folders) defaultPath() string { return filepath.Join(f.Config, "bkt", "repository") }

// FindRepo returns the repository of a command: the one that has the current folder, or else
// the one that $BKT_REPO names, or else the default of the user. In a hook of git there is
// only the current folder: the hook is about the repository of the commit.
func FindRepo() (repo.Repo, error) {
	r, err := repo.Find(".")
	if err == nil || !errors.Is(err, repo.ErrNone) || os.Getenv("GIT_DIR") != "" || os.Getenv("GIT_INDEX_FILE") != "" {
		return r, err
	}
	dir := os.Getenv(Variable)
	if here, errHere := os.Getwd(); errHere == nil && dir == here {
		return r, err
	}
	if dir != "" {
		return named(dir, "$"+Variable, "unset it, or name a folder that has a repository")
	}
	f, errHome := FindFolders()
	if errHome != nil { // commands that need a home say so
		return repo.Repo{}, err
	}
	text, errRead := plainfile.Read(f.defaultPath(), maxDefault)
	if errors.Is(errRead, fs.ErrNotExist) {
		return repo.Repo{}, err
	}
	if errRead != nil {
		return repo.Repo{}, patherr.TrimOp(errRead)
	}
	return named(strings.TrimSuffix(string(text), "\n"), f.defaultPath(), "run \"bkt init --default DIR\" to name another one, or remove the file")
}

// named returns the repository in a folder that a variable or file names.
func named(dir, by, advice string) (repo.Repo, error) {
	if !filepath.IsAbs(dir) {
		return repo.Repo{}, hint.Add(fmt.Errorf("%s names the repository %q, which is not an absolute path", by, dir), "%s", advice)
	}
	r, err := repo.Find(dir)
	if errors.Is(err, repo.ErrNone) {
		return repo.Repo{}, hint.Add(fmt.Errorf("%s names %s, which %w", by, dir, repo.ErrNone), "%s", advice)
	}
	if err != nil {
		return repo.Repo{}, hint.Add(fmt.Errorf("%s names a repository: %w", by, patherr.TrimOp(err)), "%s", advice)
	}
	r.By = by
	return r, nil
}

// PlanDefault plans to make the repository at root the default of the user, which commands
// use that run outside of a repository.
func PlanDefault(root string) (plan.Plan, error) {
	f, err := FindFolders()
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(root, "\n") {
		return nil, fmt.Errorf("%s: the path of a default repository has no line break", shell.Show(root))
	}
	old, err := plainfile.Read(f.defaultPath(), maxDefault)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, patherr.TrimOp(err)
	}
	return plan.Rewrite(f.defaultPath(), f.defaultPath(), old, []byte(root+"\n")), nil
}
