package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"bkt/internal/gvariant"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// unattended has git and those that it runs ask nothing.
var unattended = []string{"GIT_TERMINAL_PROMPT=0", "GIT_EDITOR=true", "GIT_ASKPASS=true", "SSH_ASKPASS_REQUIRE=never"}

func (r *autoRound) git(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return host.Executor{}.Output(ctx, plan.Run{Argv: append([]string{"git", "-C", r.system.Repo.Root}, args...), Env: unattended, Stdin: stdin})
}

// commit commits what the journal says, and nothing else: what the user has
// staged stays staged.
func (r *autoRound) commit(ctx context.Context) error {
	j := r.state.Journal
	if j != nil && r.tree.Busy == "" {
		on, err := r.onBranch(ctx)
		if err != nil {
			return err
		}
		if !on {
			r.tree.Busy = "a change of branches"
		}
	}
	if j != nil && r.tree.Busy == "" {
		if err := r.commitJournal(ctx, *j); err != nil {
			return err
		}
	}
	if !r.state.Unpushed {
		return nil
	}
	return r.push(ctx)
}

// onBranch reports whether the branch is still checked out that was when nothing
// was written yet: bkt's lock does not keep git from working.
func (r *autoRound) onBranch(ctx context.Context) (bool, error) {
	branch, err := r.currentBranch(ctx)
	return branch != "" && branch == r.tree.Branch, err
}

// commitJournal commits the files that hold what was noted. Those that someone has
// edited meanwhile are theirs.
func (r *autoRound) commitJournal(ctx context.Context, j journal) error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(j.Files)), func(name string) bool { return !r.holds(name, j.Files[name]) })
	if len(names) > 0 {
		if err := r.commitFiles(ctx, names, j.message(r.system.Host)); err != nil {
			return err
		}
		r.state.Committed, r.state.Unpushed, r.state.Captured = &r.now, true, 0
		for _, n := range j.Items {
			r.state.Captured += n
		}
	}
	r.state.Journal = nil
	return nil
}

func (r *autoRound) commitFiles(ctx context.Context, names []string, message string) error {
	late := hint.Add(fmt.Errorf("git commit: there was no end to it within %s", r.Limit),
		"see what it waits for with \"git commit\" in %s: a hook, or the passphrase of a key to sign with", r.system.Repo.Root)
	ctx, cancel := context.WithTimeoutCause(ctx, r.Limit, late)
	defer cancel()
	forget, err := r.introduce(ctx, names)
	if err != nil {
		return err
	}
	if _, err := r.git(ctx, []byte(message), append([]string{"commit", "--quiet", "--only", "--file=-", "--"}, names...)...); err != nil {
		forget()
		return hint.Add(err, "what was captured is written, and not lost: see to it, and commit %s, or let the next run do it", strings.Join(names, ", "))
	}
	commit, err := r.git(ctx, nil, "rev-parse", "--short", "HEAD")
	r.state.Commit = strings.TrimSpace(string(commit))
	r.a.Note("committed %s", r.state.Commit)
	return err
}

// introduce makes the index of git know of files: it commits by name only those.
// forget takes that back, since git does not stash with such files about.
func (r *autoRound) introduce(ctx context.Context, names []string) (forget func(), err error) {
	known, err := r.git(ctx, nil, append([]string{"ls-files", "-z", "--"}, names...)...)
	added := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(strings.Split(string(known), "\x00"), name) })
	if err != nil || len(added) == 0 {
		return func() {}, err
	}
	_, err = r.git(ctx, nil, append([]string{"add", "--intent-to-add", "--"}, added...)...)
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetPatience)
		defer cancel()
		_, _ = r.git(ctx, nil, append([]string{"reset", "--quiet", "--"}, added...)...)
	}, err
}

// forgetPatience is how long git may take to change its index.
const forgetPatience = 5 * time.Second

// identified returns an error if git does not know whose a commit would be.
func (r *autoRound) identified(ctx context.Context) error {
	if _, err := r.git(ctx, nil, "var", "GIT_AUTHOR_IDENT"); err != nil {
		return hint.Add(errors.New("git does not know whose the commit would be"),
			"tell it with \"git config --global user.name NAME\" and \"git config --global user.email ADDRESS\"")
	}
	return nil
}

// notifyPatience is how long the desktop may take to show something.
const notifyPatience = 5 * time.Second

// notify shows the user on the desktop what someone has to see to, unless it was
// shown before. Where there is no desktop, bkt status tells it.
func (r *autoRound) notify(ctx context.Context, err error) {
	told := gist(err)
	if told == r.state.Told {
		return
	}
	if err == nil {
		r.state.Told = told
		return
	}
	ctx, cancel := context.WithTimeout(ctx, notifyPatience)
	defer cancel()
	body := html.EscapeString(hint.Split(err)[0].Error()) + "\n" + "“bkt auto-capture status” tells more."
	_, failed := host.Executor{}.Output(ctx, plan.Run{Argv: []string{
		"gdbus", "call", "--session", "--timeout", "4", "--dest", "org.freedesktop.Notifications",
		"--object-path", "/org/freedesktop/Notifications", "--method", "org.freedesktop.Notifications.Notify",
		gvariant.NewString("bkt").String(), "uint32 0", gvariant.NewString("dialog-warning").String(),
		gvariant.NewString("Changes were not captured").String(), gvariant.NewString(body).String(),
		"@as []", "@a{sv} {}", "int32 -1",
	}})
	if failed == nil {
		r.state.Told = told // else a next run tells it: the desktop may be there by then
	}
}

// gist is what tells one trouble from another, whatever numbers are in it, such
// as how long a hook took.
func gist(err error) string {
	var lines []string
	for _, e := range hint.Split(err) {
		line, _, _ := strings.Cut(e.Error(), "\n")
		lines = append(lines, regexp.MustCompile(`[0-9]+`).ReplaceAllString(line, ""))
	}
	if len(lines) == 0 {
		return ""
	}
	return sum([]byte(strings.Join(lines, "\n")))
}
