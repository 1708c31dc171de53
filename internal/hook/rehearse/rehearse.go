// Package rehearse runs init hooks in the image of their container, to prove that
// they are idempotent and leave a container as a new one: once and a second time,
// and in an old home as well as in a new one.
//
// Package lint reports problems that the text of a hook shows without running it.
package rehearse

import (
	"context"
	"maps"
	"strconv"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/hook/homecopy"
)

// A rule is a rule that hooks must follow. Its reason is about one path; many is about
// several.
type rule struct {
	hook.Rule
	many string
}

// The rules.
var (
	runs     = rule{hook.Rule{Name: "runs", Verdict: hook.Fails, Use: "make it succeed in a new container"}, ""}
	runTwice = rule{hook.Rule{Name: "run-twice", Verdict: hook.NotIdempotent, Reason: "the second run changes it", Use: "write only what is missing, or declare the path as volatile"},
		"the second run changes %d paths"}
	leftover = rule{hook.Rule{Name: "leftover", Verdict: hook.NotEquivalent, Reason: "stays in a temporary place", Use: "remove it, write it to its final place, or put it into the image"},
		"%d files stay in temporary places"}
	oldHome = rule{hook.Rule{Name: "old-home", Verdict: hook.NotEquivalent, Reason: "differs in an old home", Use: "update what exists, too, or declare the path as volatile"},
		"%d paths differ in an old home"}
	leftOut = rule{hook.Rule{Name: "left-out", Verdict: hook.NotCompared, Reason: "the old home has it, but the copy that hooks see lacks it"}, ""}
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

	// Commands are the texts of distrobox's commands for containers, such as
	// distrobox-export, by their names. A hook that needs one that is missing is not run.
	Commands map[string]string
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
	Reason    string `json:"reason"` // such as "log"
}

// Run runs hooks, all of one container, in the inspected image, and in the old home
// that o and in.Extra describe. With an error, hooks could not be run; the
// result has what was found before.
func Run(ctx context.Context, in buildkit.Inspection, o Options, hooks []*hook.Declared) (Result, error) {
	if len(hooks) == 0 {
		return Result{}, nil
	}
	r := newRunner(in, o, hooks)
	err := r.rehearse(ctx)
	return r.result(), err
}

// rehearse runs the hooks in all ways.
func (r *runner) rehearse(ctx context.Context) error {
	fresh, err := r.first(ctx)
	if err != nil || len(fresh) == 0 {
		return err
	}
	written, err := changes(ctx, fresh.before(), fresh.after())
	if err != nil {
		return err
	}
	if err := r.leftovers(ctx, fresh, written); err != nil {
		return err
	}
	if err := r.again(ctx, fresh); err != nil || r.Old.From == None {
		return err
	}
	return r.inOldHome(ctx, fresh, written)
}

// first runs the hooks in a new container. Those that fail there do not run again. If a run
// of a hook shows nothing, the others run once more without it, as they will from then on.
func (r *runner) first(ctx context.Context) (runsOf, error) {
	s := stage{name: "first run", rule: runs}
	for {
		fresh, err := r.run(ctx, r.start(r.in.Root, nil), s)
		if err != nil {
			return nil, err
		}
		proven := r.dropUnproven(fresh)
		r.hooks = nil
		for _, run := range proven {
			r.hooks = append(r.hooks, run.hook)
		}
		if len(proven) == len(fresh) {
			return fresh, nil
		}
		s.skipped = r.found[len(r.found)-1].Hook
	}
}

// leftovers reports files that the first run has written to temporary places. Links,
// sockets and folders are no downloads.
func (r *runner) leftovers(ctx context.Context, fresh runsOf, written []buildkit.Change) error {
	var left []difference
	for _, c := range written {
		if c.Kind != buildkit.Added || !isTemporary(c.Path) && !isTemporary(c.Path+"/") {
			continue
		}
		files, err := fresh.after().files(ctx, c)
		if err != nil {
			return err
		}
		for _, f := range files {
			if f.Mode.IsRegular() && isTemporary(f.Path) {
				left = append(left, difference{Change: buildkit.Change{Path: f.Path, Kind: buildkit.Added, What: "added", After: f.Mode}})
			}
		}
	}
	return r.report(ctx, left, leftover, fresh)
}

// again runs the hooks a second time, which must change nothing.
func (r *runner) again(ctx context.Context, fresh runsOf) error {
	second, err := r.run(ctx, fresh.after(), stage{name: "second run", rule: runTwice})
	if err != nil || len(second) == 0 {
		return err
	}
	before, after := fresh.after(), second.after()
	changed, err := changes(ctx, before, after)
	if err != nil {
		return err
	}
	var differ []difference
	for _, c := range changed {
		d := difference{Change: c}
		if c.Kind == buildkit.Content {
			if d.lines, err = differingLines(ctx, before, after, c.Path); err != nil {
				return err
			}
		}
		differ = append(differ, d)
	}
	return r.report(ctx, differ, runTwice, second)
}

// newRunner returns a runner for hooks in the inspected image.
func newRunner(in buildkit.Inspection, o Options, hooks []*hook.Declared) *runner {
	env := maps.Clone(in.Env)
	maps.Copy(env, map[string]string{ // as distrobox-create
		"HOME": home, "SHELL": "bash", "TERMINFO_DIRS": "/usr/share/terminfo:/run/host/usr/share/terminfo",
		"CONTAINER_ID": hooks[0].Container, "container": "podman",
	})
	// Without this, BuildKit takes the result of an earlier run from its cache,
	// although hooks download new files each time.
	env["BKT_REHEARSAL"] = strconv.FormatInt(time.Now().UnixNano(), 10)
	return &runner{Options: o, in: in, env: env, hooks: hooks, container: hooks[0].Container, ignored: map[string]Ignored{}, blames: map[*run]map[string]*hook.Declared{}}
}
