package scaffold

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"bkt/internal/githook"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/shell"
	"bkt/internal/ui"
	"bkt/internal/version"
	"bkt/internal/workspace"
)

// PlanAll asks what f leaves open, and plans the files of r and what git needs to keep them.
// It prints what stays as it is, and what is left out. parent is a folder that exists:
// r.Root, or one above it.
func (g Git) PlanAll(ctx context.Context, r repo.Repo, parent string, f Flags, p *ui.Printer) (plan.Plan, error) {
	answers, err := Ask(ctx, r, f, p)
	if err != nil {
		return nil, err
	}
	answers.Branches, answers.Release = strings.Join(g.Branches, ", "), releaseOf(version.Of("bkt"))
	res, err := Plan(r, answers)
	if err != nil {
		return nil, err
	}
	for _, name := range res.Existing {
		p.Note("%s exists, and stays as it is", name)
	}
	p.Warn(res.Omitted)
	if r.Has(manifest.Folder) {
		unread, err := manifest.FindUnread(r.FS())
		if err != nil {
			return nil, err
		}
		for _, f := range unread {
			p.Warn([]error{f})
		}
	}
	if !g.IsOwn(r) {
		p.Note("%s is in the git repository %s, and becomes a part of it", r.Root, g.Top)
	}
	forGit, err := g.Plan(ctx, r, parent)
	return append(res.Plan, forGit...), err
}

// PlanHook plans the hook of a new repository. Unless the user has asked for it, it changes
// no file that exists and nothing of a repository around this one, and prints why there is
// no hook.
func (g Git) PlanHook(ctx context.Context, r repo.Repo, parent string, asked bool, p *ui.Printer) (plan.Plan, error) {
	if !asked && !g.IsOwn(r) {
		return nil, nil
	}
	hook, err := g.planHook(ctx, r, parent)
	switch {
	case asked:
		return hook, err
	case err != nil:
		p.Warn([]error{err})
		return nil, nil
	case len(hook) > 0 && hook[0].Op != plan.Add:
		err := fmt.Errorf("%s does not run bkt: a commit does not update managed sections", hook[0].Targets[0])
		p.Warn([]error{hint.Add(err, "run \"bkt -C %s init --hook\" to add bkt to it", shell.Show(r.Root))})
		return nil, nil
	}
	return hook, nil
}

func (g Git) planHook(ctx context.Context, r repo.Repo, parent string) (plan.Plan, error) {
	switch {
	case g.Err != nil:
		return nil, g.Err
	case g.Top == "":
		return githook.PlanNew(ctx, r, parent)
	case parent != r.Root:
		err := fmt.Errorf("%s does not exist yet: the hook of the git repository %s cannot name it", r.Root, g.Top)
		return nil, hint.Add(err, "run \"bkt init\" without --hook first")
	}
	return githook.Plan(ctx, r)
}

// Name adds the folder of a new repository to each error that names only a file in it.
func Name(err error, dir string) error {
	var all []error
	for _, e := range hint.Split(err) {
		if !strings.Contains(e.Error(), dir) {
			e = hint.Prefix(dir, e)
		}
		all = append(all, e)
	}
	return errors.Join(all...)
}

// NextCommands returns what to run in a new repository, one command a line.
func NextCommands(dir string) string {
	in := ""
	if now, err := os.Getwd(); err != nil || now != dir {
		in = "cd " + shell.Show(dir) + " && "
	}
	return "\n  " + in + "git add . && git commit -m \"Begin\"\n  bkt toolbox add PACKAGE\n  bkt build toolbox"
}

// PlanClone plans to clone the repository at url into a folder, by default one with its
// name, and returns the path of that folder.
func PlanClone(ctx context.Context, url, into string) (dir string, p plan.Plan, err error) {
	if !host.Installed("git") {
		return "", nil, hint.Add(errors.New("git is not installed"), "install git")
	}
	name := regexp.MustCompile(`[^/:]*$`).FindString(strings.TrimSuffix(strings.TrimRight(url, "/"), ".git"))
	if into == "" && strings.Trim(name, ".") == "" {
		return "", nil, hint.Add(fmt.Errorf("%q does not tell the name of a folder", url), "name one: bkt init --from URL DIR")
	}
	if dir, err = filepath.Abs(cmp.Or(into, name)); err != nil {
		return "", nil, err
	}
	if found, err := os.ReadDir(dir); err == nil && len(found) > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
		err := fmt.Errorf("%s exists, and is not an empty folder", dir)
		return "", nil, hint.Add(err, "name another folder; or, if it is the repository, run \"bkt -C %s apply\"", shell.Show(dir))
	}
	// Submodules stay away: nothing that bkt reads is in one.
	clone := plan.Run{Argv: []string{"git", "clone", "--quiet", "--no-recurse-submodules", "--", url, dir}}
	return dir, plan.Plan{{Op: plan.Add, Targets: []string{dir}, Steps: []plan.Step{clone}}}, nil
}

// Enter makes the folder of a clone the current folder, and the only place for a repository:
// one that does not have images or manifests must not stand for another repository.
func Enter(dir string) error {
	if err := os.Chdir(dir); err != nil {
		return patherr.TrimOp(err)
	}
	if err := workspace.OnlyHere(); err != nil {
		return err
	}
	found, err := repo.Find(dir)
	if err == nil && found.Root != dir {
		err = fmt.Errorf("%s %w", dir, repo.ErrNone)
	}
	if errors.Is(err, repo.ErrNone) {
		return hint.Add(fmt.Errorf("%s %w: nothing is applied", dir, repo.ErrNone), "run \"bkt init %s\" to make it one, or remove it", shell.Show(dir))
	}
	return err
}
