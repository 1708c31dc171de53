// Package rehearse runs init hooks in the image of their container, to prove that
// they are idempotent and leave a container as a new one: once and a second time,
// and in an old home as well as in a new one.
//
// Package lint reports problems that the text of a hook shows without running it.
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
	"bkt/internal/hook/homecopy"
	"bkt/internal/paths"
)

// The rules.
var (
	runs     = hook.Rule{Name: "runs", Verdict: hook.Fails, Use: "make it succeed in a new container"}
	runTwice = hook.Rule{Name: "run-twice", Verdict: hook.NotIdempotent, Reason: "the second run changes it", Use: "write only what is missing, or declare the path as volatile"}
	leftover = hook.Rule{Name: "leftover", Verdict: hook.NotEquivalent, Reason: "stays in a temporary place", Use: "download to its final place, or put it into the image"}
	oldHome  = hook.Rule{Name: "old-home", Verdict: hook.NotEquivalent, Reason: "differs in an old home", Use: "update what exists, too, or declare the path as volatile"}
	leftOut  = hook.Rule{Name: "left-out", Verdict: hook.NotCompared, Reason: "the old home has it, but the copy that hooks see lacks it"}
)

// Old says what Inspection.Extra contains: an old home in which hooks run, too.
type Old string

// The old homes.
const (
	None  Old = ""
	Home  Old = "home"  // the copy of a home
	Image Old = "image" // an earlier image, in which the hooks make the home
)

// An OldHome is an old home in which hooks run, too; the zero value is none.
type OldHome struct {
	From   Old
	Copy   homecopy.Copy // what a copy of a home has
	Online bool          // hooks have the network of steps although they can read the copy of a home
}

// isOffline reports whether hooks have no network in the old home.
func (o OldHome) isOffline() bool { return o.From == Home && !o.Online }

// Options say how hooks are run.
type Options struct {
	Old   OldHome
	Limit time.Duration // for each run of a hook; 0: none
}

// A Result is what running the hooks of a container has shown.
type Result struct {
	Found   []hook.Finding // the rules that they break; a hook that fails breaks one of them
	Ignored []Ignored
}

// An Ignored path differs after a run, and is no result of hooks.
type Ignored struct {
	Container string `json:"container"`
	Path      string `json:"path"`
	Reason    string `json:"reason"` // such as "log of dnf"
}

// Run runs hooks, all of one container, in the inspected image, and in the old home
// that o and in.Extra describe. An error says that hooks could not be run.
func Run(ctx context.Context, in buildkit.Inspection, o Options, hooks []*hook.Declared) (Result, error) {
	found, err := run(ctx, in, o.Old, hooks)
	return Result{Found: found}, err
}

func run(ctx context.Context, in buildkit.Inspection, old OldHome, hooks []*hook.Declared) ([]hook.Finding, error) {
	if len(hooks) == 0 {
		return nil, nil
	}
	r := newRunner(in, old, hooks)
	before := r.bootstrap(in.Root, nil)
	first, failed, err := r.run(ctx, before, stage{name: "first run", rule: runs})
	if err != nil || failed != nil {
		return failed, err
	}
	after := first[len(first)-1]
	written, err := changes(ctx, before, after)
	if err != nil {
		return nil, err
	}
	found, err := r.leftovers(ctx, before, first)
	if err != nil {
		return nil, err
	}
	again, err := r.again(ctx, after)
	if err != nil {
		return nil, err
	}
	found = append(found, again...)
	if old.From == None {
		return found, nil
	}
	unseen, err := r.unseen(ctx, before, first, written)
	if err != nil {
		return nil, err
	}
	found = append(found, unseen...)
	start, failed, err := r.withOldHome(ctx, in)
	if err != nil || failed != nil {
		return append(found, failed...), err
	}
	differ, err := r.compareOld(ctx, in, start, first, written)
	return append(found, differ...), err
}

// compareOld runs the hooks in a container with an old home. All files that they wrote
// in a new home must have the same result there.
func (r runner) compareOld(ctx context.Context, in buildkit.Inspection, start container, fresh []container, written []buildkit.Change) ([]hook.Finding, error) {
	after, failed, err := r.run(ctx, start, stage{name: "run in the old home", rule: runs, copy: r.old.From == Home})
	if err != nil || failed != nil {
		return failed, err
	}
	last := len(after) - 1
	differ, err := changes(ctx, fresh[last], after[last])
	if err != nil {
		return nil, err
	}
	differ = slices.DeleteFunc(differ, func(c buildkit.Change) bool { return !isWritten(written, c.Path) })
	found, err := r.attribute(ctx, differ, r.bootstrap(in.Root, nil), fresh, oldHome)
	for i := range found {
		found[i] = r.advise(found[i])
	}
	return found, err
}

// unseen returns a finding for each file that hooks write in a new home, and that the
// copy of the old home lacks: nobody knows what they would do with it.
func (r runner) unseen(ctx context.Context, before container, fresh []container, written []buildkit.Change) ([]hook.Finding, error) {
	var all []hook.Finding
	for _, name := range r.private(written) {
		files, err := fresh[len(fresh)-1].home.Files(ctx, path.Join("/"+user, name))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			below := strings.TrimPrefix(file, "/"+user+"/")
			if !r.old.Copy.Lacks(below) {
				continue
			}
			rule := leftOut
			rule.Use = fmt.Sprintf("run it again with --old-home-with=%s, or declare the path as volatile", below)
			found, err := r.attribute(ctx, []buildkit.Change{{Path: homes + file}}, before, fresh, rule)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

// private returns the paths that the copy of a home lacks, and at, above or below which
// something has been written.
func (r runner) private(written []buildkit.Change) []string {
	found := map[string]bool{}
	for _, w := range written {
		name, ok := strings.CutPrefix(w.Path, home+"/")
		for _, out := range r.old.Copy.LeftOut {
			switch {
			case !ok:
			case paths.Within(name, out):
				found[name] = true
			case paths.Within(out, name) && w.What == "added":
				found[out] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// isWritten reports whether a path is among those written, or below a new folder
// that is.
func isWritten(written []buildkit.Change, name string) bool {
	return slices.ContainsFunc(written, func(w buildkit.Change) bool {
		return w.Path == name || w.What == "added" && strings.HasPrefix(name, w.Path+"/")
	})
}

// again runs the hooks a second time, which must change nothing.
func (r runner) again(ctx context.Context, c container) ([]hook.Finding, error) {
	second, failed, err := r.run(ctx, c, stage{name: "second run", rule: runTwice})
	if err != nil || failed != nil {
		return failed, err
	}
	differ, err := changes(ctx, c, second[len(second)-1])
	if err != nil {
		return nil, err
	}
	return r.attribute(ctx, differ, c, second, runTwice)
}

// leftovers are files that the first run leaves in temporary places.
func (r runner) leftovers(ctx context.Context, before container, after []container) ([]hook.Finding, error) {
	added, err := after[len(after)-1].root.Changes(ctx, before.root)
	if err != nil {
		return nil, err
	}
	added = slices.DeleteFunc(added, func(c buildkit.Change) bool { return c.What != "added" || !isTemporary(c.Path) })
	return r.attribute(ctx, added, before, after, leftover)
}

// isTemporary reports whether a path is in a place where nothing should stay.
func isTemporary(name string) bool {
	for _, dir := range []string{"/tmp/", "/var/tmp/", "/run/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

// attribute returns a finding of the rule for each path that differs, in the hook
// that has changed it last. after has the container after each hook.
func (r runner) attribute(ctx context.Context, differ []buildkit.Change, before container, after []container, rule hook.Rule) ([]hook.Finding, error) {
	if len(differ) == 0 {
		return nil, nil
	}
	by := map[string]*hook.Declared{}
	for i, now := range after {
		touched, err := changes(ctx, before, now)
		if err != nil {
			return nil, err
		}
		for _, t := range touched {
			by[t.Path] = r.hooks[i]
		}
		before = now
	}
	return findings(differ, by, r.hooks[0].Container, rule), nil
}

// findings returns a finding for each path that differs, except for volatile ones. by
// has the hook that changed each path.
func findings(differ []buildkit.Change, by map[string]*hook.Declared, container string, rule hook.Rule) []hook.Finding {
	var found []hook.Finding
	for _, d := range differ {
		reason := strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", tilde(d.Path), rule.Reason, d.What), ": ")
		switch h := changedBy(by, d.Path); {
		case h == nil:
			found = append(found, rule.Somewhere(container, reason))
		case !isVolatile(h, d.Path):
			found = append(found, rule.At(h, 0, h.Run, reason))
		}
	}
	return found
}

// changedBy returns the hook that has changed a path, or has created the folder
// around it; nil if none has.
func changedBy(by map[string]*hook.Declared, name string) *hook.Declared {
	for ; name != "/"; name = path.Dir(name) {
		if h, ok := by[name]; ok {
			return h
		}
	}
	return nil
}

// tilde returns a path as its user writes it.
func tilde(name string) string {
	if below, ok := strings.CutPrefix(name, home+"/"); ok {
		return "~/" + below
	}
	return name
}

// isVolatile reports whether a hook declares that it changes a path at each run.
func isVolatile(h *hook.Declared, name string) bool {
	for _, v := range h.Volatile {
		v = path.Clean(strings.Replace(v, "~", home, 1))
		if name == v || strings.HasPrefix(name, v+"/") {
			return true
		}
	}
	return false
}

// newRunner returns a runner for hooks in the inspected image.
func newRunner(in buildkit.Inspection, old OldHome, hooks []*hook.Declared) runner {
	env := maps.Clone(in.Env)
	env["HOME"] = home
	// Without this, BuildKit takes the result of an earlier run from its cache,
	// although hooks download new files each time.
	env["BKT_REHEARSAL"] = strconv.FormatInt(time.Now().UnixNano(), 10)
	return runner{env, hooks, old, in.CopyID}
}
