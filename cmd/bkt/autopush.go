package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// pushPatience is how long git may take for a push. There is no one to answer what
// it may ask.
const pushPatience = 2 * time.Minute

// pushKey is what has a repository pushed. Without it, and without --push, it is
// not.
const pushKey = "bkt.autoCapturePush"

// remoteName is the remote that commits are pushed to.
const remoteName = "origin"

// pushed is what this checkout pushed last.
type pushed struct {
	Branch string `json:"branch"`
	Commit string `json:"commit"`
}

// push pushes the commits to a branch of this computer, and opens a pull request
// if gh is there and none is open.
func (r *autoRound) push(ctx context.Context) error {
	pushes, err := r.pushes(ctx)
	switch {
	case r.Push:
	case err != nil:
		return err
	case !pushes:
		r.state.Unpushed = false
		return nil
	}
	late := fmt.Errorf("git push: there was no end to it within %s", pushPatience)
	ctx, cancel := context.WithTimeoutCause(ctx, pushPatience, late)
	defer cancel()
	from, err := r.currentBranch(ctx)
	if err != nil || from == "" {
		return err // where git is in the middle of something, the next run pushes
	}
	branch, places, err := r.target(ctx, from)
	if err != nil {
		return err
	}
	if err := r.pushTo(ctx, branch, places); err != nil {
		return err
	}
	r.a.Note("pushed to %s", branch)
	err = r.pullRequest(ctx, branch, from)
	r.state.Unpushed = err != nil
	return err
}

// currentBranch returns the branch that is checked out, "" if none is.
func (r *autoRound) currentBranch(ctx context.Context) (string, error) {
	ref, err := r.git(ctx, nil, "symbolic-ref", "--quiet", "HEAD")
	if ended, ok := errors.AsType[*host.ExitError](err); ok && ended.Status == 1 {
		return "", nil
	}
	branch, ok := strings.CutPrefix(strings.TrimSpace(string(ref)), "refs/heads/")
	if !ok {
		branch = ""
	}
	return branch, err
}

// A pushPlace is where a remote is pushed to, of which it may have several, and the commit
// that a branch has there, "" for none.
type pushPlace struct{ url, there string }

// pushTo makes HEAD the commit of a branch of the remote, in place of the commit
// that was seen there. What was rebased replaces it; git refuses if someone has pushed
// since.
func (r *autoRound) pushTo(ctx context.Context, branch string, places []pushPlace) error {
	head, err := r.git(ctx, nil, "rev-parse", "--verify", "HEAD")
	if err != nil {
		return err
	}
	commit, ref := strings.TrimSpace(string(head)), "refs/heads/"+branch
	var errs []error
	for _, p := range places {
		to := p.url
		if len(places) == 1 {
			to = remoteName // with all that git's configuration has for it
		}
		if _, err := r.git(ctx, nil, "push", "--quiet", "--force-with-lease="+ref+":"+p.there, to, commit+":"+ref); err != nil {
			errs = append(errs, r.unpushed(err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	r.state.Pushed = &pushed{branch, commit}
	return nil
}

func (r *autoRound) unpushed(err error) error {
	return hint.Add(err, "see that \"git push origin\" works in %s: the commit is there, and the next run pushes it again", r.system.Repo.Root)
}

// target returns the branch of the remote to push the branch from to, and the commits
// that it has there. It is the branch that was pushed last, or else one
// named after the host, unless another computer of that name has it: then one
// with the identity of this computer in its name. What this checkout has neither
// pushed nor taken in is never replaced.
func (r *autoRound) target(ctx context.Context, from string) (branch string, places []pushPlace, err error) {
	byHost := "bkt/" + regexp.MustCompile(`[^A-Za-z0-9_-]+`).ReplaceAllString(r.system.Host, "-")
	candidates := []string{byHost, byHost + "-" + r.identity("/etc/machine-id")}
	if last := r.state.Pushed; last != nil {
		candidates = []string{last.Branch}
	}
	for i, branch := range candidates {
		places, err := r.places(ctx, branch)
		if err != nil {
			return "", nil, r.unpushed(err)
		}
		taken := slices.IndexFunc(places, func(p pushPlace) bool { return p.there != "" && !r.mayReplace(ctx, p.there, from) })
		if taken < 0 {
			return branch, places, nil
		}
		if i < len(candidates)-1 {
			r.a.Note("the branch %s of %s is of another computer, or another checkout: this one pushes to %s", branch, remoteName, candidates[i+1])
			continue
		}
		return "", nil, r.foreign(branch, places[taken].there)
	}
	return "", nil, errors.New("no branch to push to")
}

// foreign is the error for a branch that has commits of someone else's.
func (r *autoRound) foreign(branch, there string) error {
	err := fmt.Errorf("not pushed: the branch %s of %s has commits that this computer has neither pushed nor pulled (%.12s)", branch, remoteName, there)
	err = hint.Add(err, "if another computer pushes there, give this one a name of its own: \"hostnamectl set-hostname NAME\"")
	return hint.Add(err, "to keep them, run \"git pull --rebase %s %s\" in %s: the next run pushes again", remoteName, branch, r.system.Repo.Root)
}

// places returns where the remote is pushed to.
func (r *autoRound) places(ctx context.Context, branch string) ([]pushPlace, error) {
	urls, err := r.git(ctx, nil, "remote", "get-url", "--push", "--all", remoteName)
	if err != nil {
		return nil, err
	}
	var all []pushPlace
	for url := range strings.Lines(string(urls)) {
		p := pushPlace{url: strings.TrimSuffix(url, "\n")}
		if p.there, err = r.remoteCommit(ctx, p.url, branch); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// remoteCommit returns the commit of a branch at a URL, "" if there is no such branch.
func (r *autoRound) remoteCommit(ctx context.Context, url, branch string) (string, error) {
	ref := "refs/heads/" + branch
	out, err := r.git(ctx, nil, "ls-remote", "--", url, ref)
	for line := range strings.Lines(string(out)) {
		// A pattern matches the end of names, too.
		if commit, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); name == ref {
			return commit, err
		}
	}
	return "", err
}

// mayReplace reports whether nothing of anyone else's is lost when HEAD takes the
// place of a commit of the branch. What cannot be told is a no.
func (r *autoRound) mayReplace(ctx context.Context, there, from string) bool {
	if last := r.state.Pushed; last != nil {
		if there == last.Commit {
			return true
		}
		// Someone has pushed to the pull request, and it was pulled.
		if _, err := r.git(ctx, nil, "merge-base", "--is-ancestor", there, "HEAD"); err == nil {
			return true
		}
	}
	return r.committedHere(ctx, there, from)
}

// committedHere reports whether a commit was made on a branch in this checkout. It
// tells what an earlier version of bkt has pushed, or a run that was killed, from
// what was pulled of another computer of the same name.
func (r *autoRound) committedHere(ctx context.Context, commit, branch string) bool {
	log, err := r.git(ctx, nil, "log", "--walk-reflogs", "--format=%H %gs", "refs/heads/"+branch)
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

// identity returns what tells this computer, and this checkout on it, from
// others of the same name. Where the system has no identity, one is made up and
// kept in the state.
func (r *autoRound) identity(file string) string {
	id := machineID(file)
	if id == "" && r.state.Computer == "" {
		r.state.Computer = rand.Text()
	}
	return identityOf(cmp.Or(r.state.Computer, id), r.system.Repo.Root)
}

// machineID returns the identity in a file as machine-id(5) describes it, "" if
// there is none: no such file, none that can be read, or one that waits for the
// first start of the system.
func machineID(file string) string {
	text, err := os.ReadFile(file)
	id := strings.TrimSpace(string(text))
	if raw, errHex := hex.DecodeString(id); err != nil || errHex != nil || len(raw) != 16 || bytes.Count(raw, []byte{0}) == 16 {
		return ""
	}
	return id
}

// identityOf derives an identity from that of the machine, which machine-id(5)
// asks not to be shown: what is derived does not lead back to it.
func identityOf(machine, checkout string) string {
	key, err := hex.DecodeString(machine)
	if err != nil {
		key = []byte(machine)
	}
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte("bkt auto-capture\x00" + checkout))
	return hex.EncodeToString(sum.Sum(nil)[:4])
}

// pullRequest opens a pull request of a branch of the remote into base, unless
// one is open.
func (r *autoRound) pullRequest(ctx context.Context, branch, base string) error {
	if !host.Installed("gh") {
		return nil
	}
	open, err := host.Query{}.Output(ctx, plan.Run{Dir: r.system.Repo.Root, Argv: []string{"gh", "pr", "list", "--head", branch, "--state", "open", "--json", "number", "--jq", ".[].number"}})
	if err != nil || strings.TrimSpace(string(open)) != "" {
		return err
	}
	_, err = host.Executor{}.Output(ctx, plan.Run{Dir: r.system.Repo.Root, Argv: []string{"gh", "pr", "create", "--head", branch, "--base", base,
		"--title", "Capture changes on " + r.system.Host, "--body", "What was changed on " + r.system.Host + ", as bkt has captured it."}})
	return err
}
