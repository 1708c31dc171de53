package rehearse

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/paths"
)

// inOldHome runs the hooks in the old home. What they do there must have the result of
// fresh, their runs in a new home, which have changed written.
func (r *runner) inOldHome(ctx context.Context, fresh runsOf, written []buildkit.Change) error {
	if err := r.unseen(ctx, fresh, written); err != nil {
		return err
	}
	start, ok, err := r.withOldHome(ctx)
	if err != nil || !ok {
		return err
	}
	old, err := r.run(ctx, start, stage{name: "run in the old home", rule: runs, copy: r.Old.From == Home})
	if err != nil || len(old) == 0 {
		return err
	}
	before := len(r.found)
	if err := r.compareOld(ctx, fresh, old, written); err != nil {
		return err
	}
	ran := map[*hook.Declared]bool{nil: true}
	for _, run := range old {
		ran[run.hook] = true
	}
	// Of a hook that has not succeeded there, that is the finding.
	added := slices.DeleteFunc(r.found[before:], func(f hook.Finding) bool { return !ran[f.Hook] })
	r.found = r.found[:before+len(added)]
	for i, f := range added {
		if mayNeedNetwork.MatchString(f.Source) {
			added[i] = r.advise(f)
		}
	}
	return nil
}

// withOldHome returns a new container with an old home. It is not ok if the hooks of an
// earlier image do not succeed there.
func (r *runner) withOldHome(ctx context.Context) (container, bool, error) {
	if r.Old.From == Home {
		return r.start(r.in.Root, r.in.Extra), true, nil
	}
	earlier, err := r.run(ctx, r.start(r.in.Extra, nil), stage{name: "run in the earlier image", rule: runs})
	if err != nil || len(earlier) < len(r.hooks) {
		return container{}, false, err
	}
	c := r.start(r.in.Root, nil)
	c.home = earlier.after().home
	return c, true, nil
}

// unseen reports each file that hooks write in a new home, and that the copy of the old
// home lacks: nobody knows what they would do with it.
func (r *runner) unseen(ctx context.Context, fresh runsOf, written []buildkit.Change) error {
	for _, name := range r.private(written) {
		c := buildkit.Change{Path: path.Join(home, name), After: fs.ModeDir}
		files, err := fresh.after().files(ctx, c)
		if err != nil {
			return err
		}
		for _, f := range files {
			below, _ := strings.CutPrefix(f.Path, home+"/")
			if !r.Old.Copy.Lacks(below) {
				continue
			}
			broken := leftOut
			broken.Use = fmt.Sprintf("run it again with --old-home-with=%s, or declare the path as volatile", below)
			if err := r.report(ctx, []difference{{Change: buildkit.Change{Path: f.Path}}}, broken, fresh); err != nil {
				return err
			}
		}
	}
	return nil
}

// private returns the paths that the copy of a home lacks, and at, above or below which
// something has been written.
func (r *runner) private(written []buildkit.Change) []string {
	found := map[string]bool{}
	for _, w := range written {
		name, ok := strings.CutPrefix(w.Path, home+"/")
		for _, out := range r.Old.Copy.LeftOut {
			switch {
			case !ok:
			case paths.Within(name, out):
				found[name] = true
			case paths.Within(out, name) && w.Kind == buildkit.Added:
				found[out] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// compareOld reports what hooks have left otherwise in an old home than in a new one. What
// only the old home has, and no hook has touched, is its user's.
func (r *runner) compareOld(ctx context.Context, fresh, old runsOf, written []buildkit.Change) error {
	rewritten, err := changes(ctx, old.before(), old.after())
	if err != nil {
		return err
	}
	differ, err := changes(ctx, fresh.after(), old.after())
	if err != nil {
		return err
	}
	o := comparison{fresh, old, newWrites(written), newWrites(rewritten), r.Old.Copy.Places, map[string]string{}}
	if err := o.findLinks(ctx, differ); err != nil {
		return err
	}
	var found []difference
	for _, d := range differ {
		more, err := o.of(ctx, d)
		if err != nil {
			return err
		}
		found = append(found, more...)
	}
	blameOld, blameFresh := o.split(found)
	if err := r.report(ctx, blameFresh, oldHome, fresh); err != nil {
		return err
	}
	return r.report(ctx, blameOld, oldHome, old)
}

// writes are the changes of hooks, by path.
type writes map[string][]buildkit.Change

func newWrites(all []buildkit.Change) writes {
	w := writes{}
	for _, c := range all {
		w[c.Path] = append(w[c.Path], c)
	}
	return w
}

// has reports whether hooks have changed a path in one of the ways, or have added or
// removed a folder around it.
func (w writes) has(name string, kinds ...buildkit.Kind) bool {
	for _, c := range w[name] {
		if slices.Contains(kinds, c.Kind) {
			return true
		}
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		for _, c := range w[dir] {
			if c.IsFolder() && (c.Kind == buildkit.Added || c.Kind == buildkit.Removed) && slices.Contains(kinds, c.Kind) {
				return true
			}
		}
	}
	return false
}

// below returns the changes of one kind at a path or below it.
func (w writes) below(name string, kind buildkit.Kind) []buildkit.Change {
	var all []buildkit.Change
	for _, p := range slices.Sorted(maps.Keys(w)) {
		if !paths.Within(p, name) {
			continue
		}
		for _, c := range w[p] {
			if c.Kind == kind {
				all = append(all, c)
			}
		}
	}
	return all
}

// A comparison compares the results of hooks in a new home and in an old one.
type comparison struct {
	fresh, old         runsOf
	written, rewritten writes            // what the hooks changed in the new home, and in the old one
	places             []string          // paths that mean the old home
	links              map[string]string // of the user, by where they lead
}

var anyKind = []buildkit.Kind{buildkit.Added, buildkit.Removed, buildkit.Mode, buildkit.Owner, buildkit.Link, buildkit.Content}

// of returns what of a difference between the new home and the old one, after the hooks
// have run, is due to hooks.
func (o comparison) of(ctx context.Context, d buildkit.Change) ([]difference, error) {
	isNew := o.rewritten.has(d.Path, buildkit.Added) // the old home lacked it
	switch d.Kind {
	case buildkit.Removed:
		return o.lacking(d), nil
	case buildkit.Added:
		return o.surplus(d), nil
	case buildkit.Mode:
		if o.isLinkOfUser(d) {
			return o.elsewhere(ctx, d)
		}
		if !isNew && !o.isModeOfHooks(d) {
			return nil, nil
		}
	case buildkit.Owner:
		if !isNew && !o.written.has(d.Path, buildkit.Owner) && !o.rewritten.has(d.Path, buildkit.Owner) {
			return nil, nil
		}
	case buildkit.Link:
		if !o.written.has(d.Path, anyKind...) && !o.rewritten.has(d.Path, anyKind...) {
			return nil, nil
		}
	case buildkit.Content:
		return o.content(ctx, d, isNew)
	}
	return []difference{{Change: d}}, nil
}

// lacking returns what hooks have left in the new home, or have removed in the old one, of
// a path that only the new home has.
func (o comparison) lacking(d buildkit.Change) []difference {
	if o.written.has(d.Path, buildkit.Added) || o.rewritten.has(d.Path, buildkit.Removed) {
		return []difference{{Change: missing(d)}}
	}
	var all []difference
	for _, kind := range anyKind {
		if kind != buildkit.Removed {
			all = append(all, missingAll(o.written.below(d.Path, kind))...)
		}
	}
	return all
}

func missing(c buildkit.Change) buildkit.Change {
	c.Kind, c.What = buildkit.Removed, "missing"
	return c
}

func missingAll(changes []buildkit.Change) []difference {
	var all []difference
	for _, c := range changes {
		all = append(all, difference{Change: missing(c)})
	}
	return all
}

// surplus returns what hooks have left in the old home, or have removed in the new one, of
// a path that only the old home has.
func (o comparison) surplus(d buildkit.Change) []difference {
	if o.rewritten.has(d.Path, buildkit.Added) {
		if o.isBehindLink(d.Path) {
			return nil
		}
		return []difference{{Change: d}}
	}
	if o.written.has(d.Path, buildkit.Removed) {
		d.What = "still there"
		return []difference{{Change: d}}
	}
	var all []difference
	for _, c := range o.rewritten.below(d.Path, buildkit.Added) {
		if !o.isBehindLink(c.Path) {
			all = append(all, difference{Change: c})
		}
	}
	return all
}

// isModeOfHooks reports whether a path that the old home had before has another type or
// mode because of hooks: a program that can be run only in one of them, or a mode that
// hooks have set.
func (o comparison) isModeOfHooks(d buildkit.Change) bool {
	if !o.written.has(d.Path, anyKind...) && !o.rewritten.has(d.Path, anyKind...) {
		return false
	}
	const execute = 0o111
	switch {
	case d.Before.Type() != d.After.Type(), o.written.has(d.Path, buildkit.Mode), o.rewritten.has(d.Path, buildkit.Mode):
		return true
	}
	return d.After.IsRegular() && (d.Before&execute == 0) != (d.After&execute == 0)
}

// content returns the difference in a file that both homes have, if it is due to hooks: by
// what they have put there or removed, and not by the lines of the user. isNew is set if
// the old home lacked the file.
func (o comparison) content(ctx context.Context, d buildkit.Change, isNew bool) ([]difference, error) {
	if !o.written.has(d.Path, buildkit.Added, buildkit.Content) && !o.rewritten.has(d.Path, buildkit.Added, buildkit.Content) {
		return nil, nil
	}
	var texts [4][]string
	for i, c := range []container{o.fresh.before(), o.fresh.after(), o.old.before(), o.old.after()} {
		if i == 0 && o.written.has(d.Path, buildkit.Added) || i == 2 && isNew {
			continue
		}
		lines, ok, err := readText(ctx, c, d.Path, o.places...)
		if err != nil {
			return nil, err
		}
		if !ok {
			return []difference{{Change: d}}, nil
		}
		texts[i] = lines
	}
	if isNew { // all of it is of the hooks
		return []difference{{d, diffLines(texts[1], texts[3])}}, nil
	}
	if lines := linesOfHooks(texts); len(lines) > 0 {
		return []difference{{d, lines}}, nil
	}
	return nil, nil
}

// linesOfHooks returns the lines that differ because of hooks, after "-" if only the new
// home has them, and "+" if only the old one does. The texts are those of the new home
// before and after the hooks, and of the old one before and after.
func linesOfHooks(texts [4][]string) []string {
	fresh0, fresh1, old0, old1 := bagOf(texts[0]), bagOf(texts[1]), bagOf(texts[2]), bagOf(texts[3])
	var lines []string
	for _, line := range slices.Sorted(maps.Keys(fresh1.minus(fresh0))) {
		if old1[line] == 0 {
			lines = append(lines, "-"+line)
		}
	}
	for _, line := range slices.Sorted(maps.Keys(fresh0.minus(fresh1))) {
		if fresh1[line] == 0 && old1[line] > 0 {
			lines = append(lines, "+"+line)
		}
	}
	// Where a line of the user becomes another one, its result is the user's, too.
	added := old1.minus(old0).minus(fresh1)
	if added.count() > old0.minus(old1).count() {
		for _, line := range slices.Sorted(maps.Keys(added)) {
			lines = append(lines, "+"+line)
		}
	}
	return lines
}

// split tells what the runs in the old home are to blame for from the rest.
func (o comparison) split(all []difference) (old, fresh []difference) {
	for _, d := range all {
		if d.Kind == buildkit.Added && o.rewritten.has(d.Path, buildkit.Added) || !o.written.has(d.Path, anyKind...) {
			old = append(old, d)
			continue
		}
		fresh = append(fresh, d)
	}
	return old, fresh
}
