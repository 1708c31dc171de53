package autocapture

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// pushTimeout limits how long a push may take, with its questions to the remote.
const pushTimeout = 2 * time.Minute

// remoteName is the remote that commits are pushed to.
const remoteName = "origin"

// pushed is what this checkout pushed last.
type pushed struct {
	Branch string `json:"branch"`
	Commit string `json:"commit"`
}

// push pushes the commits to a branch of this computer, and opens a pull request if gh
// is installed and none is open.
func (r *captureRun) push(ctx context.Context) error {
	pushes, err := r.git.pushes(ctx)
	switch {
	case r.Push:
	case err != nil:
		return err
	case !pushes:
		r.state.Unpushed = false
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pushTimeout, fmt.Errorf("git push timed out after %s", pushTimeout))
	defer cancel()
	from, err := r.git.currentBranch(ctx)
	if err != nil || from == "" {
		return err // git is busy: the next run pushes
	}
	branch, remotes, err := r.chooseBranch(ctx, from)
	if err != nil {
		return err
	}
	if err := r.pushTo(ctx, branch, remotes); err != nil {
		return err
	}
	r.reporter.Note("pushed to %s", branch)
	err = r.openPullRequest(ctx, branch, from)
	r.state.Unpushed = err != nil
	return err
}

// A pushURL is one of the URLs that the remote is pushed to.
type pushURL struct {
	url    string
	commit string // of the branch there; "": it has no such branch
}

// pushTo makes HEAD the commit of a branch of the remote. It replaces only the commit
// that was seen there: git refuses if someone has pushed since.
func (r *captureRun) pushTo(ctx context.Context, branch string, remotes []pushURL) error {
	head, err := r.git.output(ctx, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return err
	}
	commit, ref := strings.TrimSpace(string(head)), "refs/heads/"+branch
	var errs []error
	for _, remote := range remotes {
		to := remote.url
		if len(remotes) == 1 {
			to = remoteName // git's configuration for the remote applies
		}
		push := r.git.command("push", "--quiet", "--force-with-lease="+ref+":"+remote.commit, to, commit+":"+ref)
		if err := execute(ctx, push); err != nil {
			errs = append(errs, r.hintPush(err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	r.state.Pushed = &pushed{branch, commit}
	return nil
}

func (r *captureRun) hintPush(err error) error {
	return hint.Add(err, "the commit is safe, and the next run pushes it again; make \"git push origin\" work in %s", r.system.Repo.Root)
}

// chooseBranch returns the branch of the remote that the branch from is pushed to, and
// its commits there. It is the branch of the last push, or else one named after this
// computer; if another computer of that name has it, the id of this computer is added.
// A commit that this checkout neither pushed nor pulled is never replaced.
func (r *captureRun) chooseBranch(ctx context.Context, from string) (branch string, remotes []pushURL, err error) {
	byHost := "bkt/" + regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(r.system.Host, "-")
	candidates := []string{byHost, byHost + "-" + r.computerID("/etc/machine-id")}
	if last := r.state.Pushed; last != nil {
		candidates = []string{last.Branch}
	}
	for i, branch := range candidates {
		remotes, err := r.git.pushURLs(ctx, branch)
		if err != nil {
			return "", nil, r.hintPush(err)
		}
		taken := slices.IndexFunc(remotes, func(u pushURL) bool { return u.commit != "" && !r.mayReplace(ctx, u.commit, from) })
		if taken < 0 {
			return branch, remotes, nil
		}
		if i < len(candidates)-1 {
			r.reporter.Note("another computer or checkout pushes to the branch %s of %s: this one pushes to %s", branch, remoteName, candidates[i+1])
			continue
		}
		return "", nil, r.foreignCommits(branch, remotes[taken].commit)
	}
	return "", nil, errors.New("no branch to push to")
}

// foreignCommits is the error for a branch that has someone else's commits.
func (r *captureRun) foreignCommits(branch, commit string) error {
	err := fmt.Errorf("not pushed: the branch %s of %s has commits that this computer neither pushed nor pulled (%.12s)", branch, remoteName, commit)
	err = hint.Add(err, "if another computer pushes there, rename this one: \"hostnamectl set-hostname NAME\"")
	return hint.Add(err, "to keep them, run \"git pull --rebase %s %s\" in %s: the next run pushes again", remoteName, branch, r.system.Repo.Root)
}

// pushURLs returns the URLs that the remote is pushed to, with their commits of a branch.
func (g gitRepo) pushURLs(ctx context.Context, branch string) ([]pushURL, error) {
	urls, err := g.output(ctx, "remote", "get-url", "--push", "--all", remoteName)
	if err != nil {
		return nil, err
	}
	var all []pushURL
	for url := range strings.Lines(string(urls)) {
		u := pushURL{url: strings.TrimSuffix(url, "\n")}
		if u.commit, err = g.remoteCommit(ctx, u.url, branch); err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, nil
}

// remoteCommit returns the commit of a branch at a URL, "" if it has no such branch.
func (g gitRepo) remoteCommit(ctx context.Context, url, branch string) (string, error) {
	ref := "refs/heads/" + branch
	out, err := g.output(ctx, "ls-remote", "--", url, ref)
	for line := range strings.Lines(string(out)) {
		// A pattern also matches the end of longer names.
		if commit, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); name == ref {
			return commit, err
		}
	}
	return "", err
}

// mayReplace reports whether nobody else's work is lost when HEAD replaces a commit of
// the branch. If that is unknown, the answer is no.
func (r *captureRun) mayReplace(ctx context.Context, commit, from string) bool {
	if last := r.state.Pushed; last != nil {
		if commit == last.Commit {
			return true
		}
		// Someone pushed to the pull request, and it was pulled.
		if _, err := r.git.output(ctx, "merge-base", "--is-ancestor", commit, "HEAD"); err == nil {
			return true
		}
	}
	return r.git.committedHere(ctx, commit, from)
}

// committedHere reports whether a commit was made on a branch in this checkout. An
// earlier version of bkt, or a killed run, may have pushed it; commits pulled from
// another computer with the same name were not.
func (g gitRepo) committedHere(ctx context.Context, commit, branch string) bool {
	log, err := g.output(ctx, "log", "--walk-reflogs", "--format=%H %gs", "refs/heads/"+branch)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(log)) {
		if how, ok := strings.CutPrefix(line, commit+" "); ok && strings.HasPrefix(how, "commit") {
			return true
		}
	}
	return false
}

// openPullRequest opens a pull request of a branch of the remote into base, unless one
// is open.
func (r *captureRun) openPullRequest(ctx context.Context, branch, base string) error {
	if !host.Installed("gh") {
		return nil
	}
	open, err := host.Query{}.Output(ctx, r.gh("pr", "list", "--head", branch, "--state", "open", "--json", "number", "--jq", ".[].number"))
	if err != nil || strings.TrimSpace(string(open)) != "" {
		return err
	}
	return execute(ctx, r.gh("pr", "create", "--head", branch, "--base", base,
		"--title", "Capture changes on "+r.system.Host, "--body", "What was changed on "+r.system.Host+", as bkt has captured it."))
}

// gh returns the command that runs gh in the repository.
func (r *captureRun) gh(args ...string) plan.Run {
	return plan.Run{Dir: r.system.Repo.Root, Argv: append([]string{"gh"}, args...)}
}
