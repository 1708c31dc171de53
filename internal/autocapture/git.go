package autocapture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// gitRepo is the git repository in a folder. Its commands ask nobody anything.
type gitRepo struct{ root string }

// unattended keeps git, and the programs that it runs, from asking.
var unattended = []string{"GIT_TERMINAL_PROMPT=0", "GIT_EDITOR=true", "GIT_ASKPASS=true", "SSH_ASKPASS_REQUIRE=never"}

// command returns the command that runs git with args.
func (g gitRepo) command(args ...string) plan.Run {
	return plan.Run{Argv: append([]string{"git", "-C", g.root}, args...), Env: unattended}
}

// output runs a git command that changes nothing, and returns its output.
func (g gitRepo) output(ctx context.Context, args ...string) ([]byte, error) {
	return host.Query{}.Output(ctx, g.command(args...))
}

// checkConfig returns an error if the repository's own configuration of git could run a
// program, or redirect a push, when git commits and pushes: nobody is there to see it.
func (g gitRepo) checkConfig(ctx context.Context) error {
	return host.Query{}.CheckGitConfig(ctx, g.root, isHarmless)
}

// execute executes a step, and returns its own error: the callers say what failed.
func execute(ctx context.Context, step plan.Step) error {
	var failed error
	err := host.Executor{}.Execute(ctx, plan.Plan{{Op: plan.Modify, Steps: []plan.Step{step}}}, func(_ plan.Change, err error) { failed = err })
	if failed != nil {
		return failed
	}
	return err
}

// pushKey is the setting of git that has auto-capture push.
const pushKey = "bkt.autoCapturePush"

// pushes reports whether git's configuration has auto-capture push. An error means
// that it is unknown.
func (g gitRepo) pushes(ctx context.Context) (bool, error) {
	value, err := g.output(ctx, "config", "--type=bool", "--get", pushKey)
	if exitStatus(err) == 1 { // it is not set
		return false, nil
	}
	if err != nil {
		err = fmt.Errorf("whether to push is unknown: %w", err)
	}
	return strings.TrimSpace(string(value)) == "true", err
}

// setPushes is the change that sets or unsets pushKey.
func (g gitRepo) setPushes(op plan.Op, args ...string) plan.Change {
	step := plan.Run{Argv: append([]string{"git", "-C", g.root, "config", "--local"}, args...)}
	return plan.Change{Op: op, Targets: []string{pushKey}, Steps: []plan.Step{step}}
}

// exitStatus returns the exit status of the command that err comes from, or -1.
func exitStatus(err error) int {
	if ended, ok := errors.AsType[*host.ExitError](err); ok {
		return ended.Status
	}
	return -1
}

// currentBranch returns the branch that is checked out, "" if none is.
func (g gitRepo) currentBranch(ctx context.Context) (string, error) {
	ref, err := g.output(ctx, "symbolic-ref", "--quiet", "HEAD")
	if exitStatus(err) == 1 {
		return "", nil
	}
	branch, ok := strings.CutPrefix(strings.TrimSpace(string(ref)), "refs/heads/")
	if !ok {
		branch = ""
	}
	return branch, err
}

// checkIdentity returns an error if git has no author for a commit.
func (g gitRepo) checkIdentity(ctx context.Context) error {
	if _, err := g.output(ctx, "var", "GIT_AUTHOR_IDENT"); err != nil {
		return hint.Add(errors.New("git has no author for a commit"),
			"set one with \"git config --global user.name NAME\" and \"git config --global user.email ADDRESS\"")
	}
	return nil
}

// ignored returns the first of some files that git ignores, "" for none.
func (g gitRepo) ignored(ctx context.Context, names []string) (string, error) {
	command := g.command("check-ignore", "-z", "--stdin")
	command.Stdin = []byte(strings.Join(names, "\x00"))
	out, err := host.Query{}.Output(ctx, command)
	if exitStatus(err) == 1 {
		return "", nil
	}
	name, _, _ := strings.Cut(string(out), "\x00")
	return name, err
}

// commit commits only these files: the user's staged changes stay staged.
func (g gitRepo) commit(ctx context.Context, names []string, message string) error {
	undo, err := g.intentToAdd(ctx, names)
	if err != nil {
		return err
	}
	command := g.command(append([]string{"commit", "--quiet", "--only", "--file=-", "--"}, names...)...)
	command.Stdin = []byte(message)
	if err = execute(ctx, command); err != nil {
		undo()
	}
	return err
}

// indexResetTimeout limits how long git may take to reset its index.
const indexResetTimeout = 5 * time.Second

// intentToAdd adds new files to git's index without their content, because git commits
// by name only files in its index. undo removes them, because git does not stash with
// such files.
func (g gitRepo) intentToAdd(ctx context.Context, names []string) (undo func(), err error) {
	tracked, err := g.output(ctx, append([]string{"ls-files", "-z", "--"}, names...)...)
	if err != nil {
		return nil, err
	}
	isTracked := func(name string) bool { return slices.Contains(strings.Split(string(tracked), "\x00"), name) }
	added := slices.DeleteFunc(slices.Clone(names), isTracked)
	if len(added) == 0 {
		return func() {}, nil
	}
	err = execute(ctx, g.command(append([]string{"add", "--intent-to-add", "--"}, added...)...))
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), indexResetTimeout)
		defer cancel()
		_ = execute(ctx, g.command(append([]string{"reset", "--quiet", "--"}, added...)...))
	}, err
}
