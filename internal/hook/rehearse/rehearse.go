// Package rehearse proves that init hooks are idempotent and leave a box as a
// fresh bootstrap would, by running them in the image of the box: once and
// again, and in an old home as well as in a fresh one.
//
// What the text of a hook shows without running it, package lint reports.
package rehearse

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/manifest"
)

// A Finding is something that hooks have done and must not do.
type Finding struct {
	Hook    int // the number of the hook; -1 where it cannot be told
	Rule    Rule
	Verdict hook.Verdict
	Path    string // empty: the hook has failed
	What    string // in a few words
}

// A Rule is what a finding breaks.
type Rule string

// The rules.
const (
	Runs     Rule = "runs"      // a hook ends well
	RunTwice Rule = "run-twice" // a second run changes nothing
	Leftover Rule = "leftover"  // nothing stays in a temporary place
	OldHome  Rule = "old-home"  // an old home ends up as a fresh one does
)

// Fails is the verdict on a hook that does not even run once.
const Fails hook.Verdict = "fails"

// Where the box and its user live in a rehearsal.
const (
	homes = "/home"
	user  = "user"
	home  = homes + "/" + user
	uid   = "1000"
)

// setUp makes the user of the box, as distrobox does, with what new users get.
const setUp = `set -eu
umask 022
if ! grep -q '^[^:]*:[^:]*:` + uid + `:' /etc/passwd; then
	echo '` + user + `:x:` + uid + `:` + uid + `::` + home + `:/bin/sh' >>/etc/passwd
	echo '` + user + `:x:` + uid + `:' >>/etc/group
fi
mkdir -p ` + home + `
if test -d /bkt-old; then cp -a /bkt-old/. ` + home + `; elif test -d /etc/skel; then cp -a /etc/skel/. ` + home + `; fi
chown -R ` + uid + `:` + uid + ` ` + home + `
chmod 0700 ` + home

// A box is the state of a box in a rehearsal.
type box struct {
	root, home *buildkit.Tree
}

// A stage has what all runs of a rehearsal share.
type stage struct {
	env   map[string]string
	hooks []manifest.Hook
}

// Old says what an old home is that hooks are rehearsed in, beside a fresh one.
type Old string

// What l.Extra can be.
const (
	None  Old = ""
	Home  Old = "home"  // an old home itself
	Image Old = "image" // an earlier image, whose hooks' home it is
)

// Run rehearses hooks in the image of l, and in the old home that l.Extra
// stands for. It returns what breaks the rule.
func Run(ctx context.Context, l buildkit.Inspection, old Old, hooks []manifest.Hook) ([]Finding, error) {
	s := stage{hooks: hooks, env: maps.Clone(l.Env)}
	// What hooks fetch may be new each time, and has to be fetched.
	s.env["BKT_REHEARSAL"] = strconv.FormatInt(time.Now().UnixNano(), 10)
	s.env["HOME"] = home
	before := s.bootstrap(l.Root, nil)
	first, failed, err := s.run(ctx, before, "first run")
	if err != nil || failed != nil {
		return failed, err
	}
	written, err := changes(ctx, before, first[len(first)-1])
	if err != nil {
		return nil, err
	}
	found, err := s.leftovers(ctx, before, first)
	if err != nil {
		return nil, err
	}
	again, err := s.again(ctx, first[len(first)-1])
	if err != nil {
		return nil, err
	}
	found = append(found, again...)
	if old == None {
		return found, nil
	}
	start, failed, err := s.aged(ctx, l, old)
	if err != nil || failed != nil {
		return append(found, failed...), err
	}
	differ, err := s.old(ctx, l, start, first, written)
	return append(found, differ...), err
}

// aged returns a new box with an old home.
func (s stage) aged(ctx context.Context, l buildkit.Inspection, old Old) (box, []Finding, error) {
	if old == Home {
		return s.bootstrap(l.Root, l.Extra), nil, nil
	}
	after, failed, err := s.run(ctx, s.bootstrap(l.Extra, nil), "run in the earlier image")
	if err != nil || failed != nil {
		return box{}, failed, err
	}
	return box{s.bootstrap(l.Root, nil).root, after[len(after)-1].home}, nil, nil
}

// bootstrap returns a box as it is before hooks run for the first time.
func (s stage) bootstrap(image, old *buildkit.Tree) box {
	mounts := map[string]*buildkit.Tree{homes: image.Empty()}
	if old != nil {
		mounts["/bkt-old"] = old
	}
	root, after := image.Run(buildkit.Command{Name: "[hooks] set the box up", Args: []string{"/bin/sh", "-c", setUp}, Env: s.env, Mounts: mounts})
	return box{root, after[homes]}
}

// run runs all hooks, one after the other, as distrobox does: as root, with the
// user's home, in a shell that ends at the first error and at a variable that is
// not set. It returns the box after each of them.
func (s stage) run(ctx context.Context, b box, which string) (after []box, failed []Finding, err error) {
	after = []box{}
	for i, h := range s.hooks {
		root, mounts := b.root.Run(buildkit.Command{
			Name:   fmt.Sprintf("[hooks] %s of %s", which, short(h.Run)),
			Args:   []string{"/bin/sh", "-c", "umask 022; set -o errexit; set -o nounset; hook=$BKT_HOOK; unset BKT_HOOK; eval $hook"},
			Env:    s.with("BKT_HOOK", hook.Wrap(h)),
			Dir:    "/",
			Mounts: map[string]*buildkit.Tree{homes: b.home},
		})
		b = box{root, mounts[homes]}
		if err := root.Make(ctx); err != nil {
			code, ok := buildkit.ExitCode(err)
			if !ok {
				return nil, nil, err
			}
			return nil, []Finding{{Hook: i, Rule: Runs, Verdict: Fails, What: fmt.Sprintf("its %s ends with exit code %d", which, code)}}, nil
		}
		after = append(after, b)
	}
	return after, nil, nil
}

func (s stage) with(name, value string) map[string]string {
	env := maps.Clone(s.env)
	env[name] = value
	return env
}

// again runs the hooks a second time, which must change nothing.
func (s stage) again(ctx context.Context, b box) ([]Finding, error) {
	second, failed, err := s.run(ctx, b, "second run")
	if err != nil || failed != nil {
		for i := range failed {
			failed[i].Rule, failed[i].Verdict = RunTwice, hook.NotIdempotent
		}
		return failed, err
	}
	differ, err := changes(ctx, b, second[len(second)-1])
	if err != nil {
		return nil, err
	}
	return s.attribute(ctx, differ, b, second, Finding{Rule: RunTwice, Verdict: hook.NotIdempotent, What: "the second run changes it: "})
}

// attribute returns a finding such as like for each of the paths that differ,
// under the last hook that has changed it.
func (s stage) attribute(ctx context.Context, differ []buildkit.Change, before box, after []box, like Finding) ([]Finding, error) {
	if len(differ) == 0 {
		return nil, nil
	}
	by := map[string]int{}
	for i, now := range after {
		touched, err := changes(ctx, before, now)
		if err != nil {
			return nil, err
		}
		for _, t := range touched {
			by[t.Path] = i
		}
		before = now
	}
	var found []Finding
	for _, d := range differ {
		f := like
		f.Hook, f.Path, f.What = culprit(by, d.Path), homely(d.Path), like.What+d.What
		if f.Hook < 0 || !s.volatile(f.Hook, d.Path) {
			found = append(found, f)
		}
	}
	return found, nil
}

// homely returns a path as its user writes it.
func homely(name string) string {
	if below, ok := strings.CutPrefix(name, home+"/"); ok {
		return "~/" + below
	}
	return name
}

// culprit returns the hook that has changed a path, or made the folder that it
// is in.
func culprit(by map[string]int, name string) int {
	for ; name != "/"; name = path.Dir(name) {
		if i, ok := by[name]; ok {
			return i
		}
	}
	return -1
}

// volatile says whether hook i may change a path as it likes.
func (s stage) volatile(i int, name string) bool {
	for _, v := range s.hooks[i].Volatile {
		v = path.Clean(strings.Replace(v, "~", home, 1))
		if name == v || strings.HasPrefix(name, v+"/") {
			return true
		}
	}
	return false
}

// leftovers are what the first run leaves in temporary places.
func (s stage) leftovers(ctx context.Context, before box, after []box) ([]Finding, error) {
	added, err := after[len(after)-1].root.Changes(ctx, before.root)
	if err != nil {
		return nil, err
	}
	added = slices.DeleteFunc(added, func(c buildkit.Change) bool { return c.What != "added" || !isTemporary(c.Path) })
	return s.attribute(ctx, added, before, after, Finding{Rule: Leftover, Verdict: hook.NotEquivalent, What: "stays in a temporary place: "})
}

// isTemporary says whether a path lies where nothing should stay. What is not
// a hook's doing, but that of the tools that run it, does not count.
func isTemporary(name string) bool {
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/run/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// old runs the hooks in an old home. What they have written in a fresh one must
// come out the same.
func (s stage) old(ctx context.Context, l buildkit.Inspection, start box, fresh []box, written []buildkit.Change) ([]Finding, error) {
	after, failed, err := s.run(ctx, start, "run in the old home")
	if err != nil || failed != nil {
		return failed, err
	}
	last := len(after) - 1
	differ, err := changes(ctx, fresh[last], after[last])
	if err != nil {
		return nil, err
	}
	differ = slices.DeleteFunc(differ, func(c buildkit.Change) bool { return !isWritten(written, c.Path) })
	return s.attribute(ctx, differ, s.bootstrap(l.Root, nil), fresh, Finding{Rule: OldHome, Verdict: hook.NotEquivalent, What: "an old home ends up with another: "})
}

// isWritten says whether a path is among those written, or below a new folder
// that is.
func isWritten(written []buildkit.Change, name string) bool {
	return slices.ContainsFunc(written, func(w buildkit.Change) bool {
		return w.Path == name || w.What == "added" && strings.HasPrefix(name, w.Path+"/")
	})
}

// changes returns in what a box differs from before. Paths in the home are as
// the box has them.
func changes(ctx context.Context, before, after box) ([]buildkit.Change, error) {
	root, err := after.root.Changes(ctx, before.root)
	if err != nil {
		return nil, err
	}
	inHome, err := after.home.Changes(ctx, before.home)
	if err != nil {
		return nil, err
	}
	for _, c := range inHome {
		root = append(root, buildkit.Change{Path: homes + c.Path, What: c.What})
	}
	return root, nil
}

// short is the beginning of a hook.
func short(run string) string {
	const longest = 50
	if r := []rune(run); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return run
}
