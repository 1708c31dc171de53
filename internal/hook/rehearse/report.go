package rehearse

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/paths"
)

// A difference is a change, with the lines of a text that differ.
type difference struct {
	buildkit.Change
	lines []string
}

// report adds a finding of the rule for each hook that is to blame for differences: the
// one that changed the path last in runs. What is nobody's result, and what a hook
// declares as volatile, is no finding.
func (r *runner) report(ctx context.Context, differ []difference, broken rule, runs runsOf) error {
	if len(differ) == 0 {
		return nil
	}
	by, err := r.blame(ctx, runs)
	if err != nil {
		return err
	}
	var kept []blamed
	for _, d := range differ {
		h := changedBy(by, d.Path)
		free, err := r.isFree(ctx, d, h, runs)
		if err != nil {
			return err
		}
		if !free && (h == nil || !slices.Contains(h.Allow, broken.Name)) {
			kept = append(kept, blamed{h, d})
		}
	}
	r.found = append(r.found, broken.findings(r.container, kept)...)
	return nil
}

// blamed is a difference with the hook that is to blame for it; nil: it is unknown.
type blamed struct {
	hook *hook.Declared
	difference
}

// findings returns one finding for each hook, in the order of its first difference.
func (r rule) findings(container string, all []blamed) []hook.Finding {
	var order []*hook.Declared
	files := map[*hook.Declared][]hook.File{}
	for _, b := range all {
		if _, ok := files[b.hook]; !ok {
			order = append(order, b.hook)
		}
		files[b.hook] = addFile(files[b.hook], b.difference)
	}
	var found []hook.Finding
	for _, h := range order {
		f := r.about(container, h, files[h])
		f.Files = files[h]
		found = append(found, f)
	}
	return found
}

// addFile adds a difference to those of other paths, or of the same one.
func addFile(files []hook.File, d difference) []hook.File {
	name := tilde(d.Path)
	if n := len(files); n > 0 && files[n-1].Path == name {
		files[n-1].Change += ", " + d.What
		files[n-1].Lines = append(files[n-1].Lines, d.lines...)
		return files
	}
	return append(files, hook.File{Path: name, Change: d.What, Lines: d.lines})
}

// about returns the finding about files in a hook, or in an unknown one if it is nil.
func (r rule) about(container string, h *hook.Declared, files []hook.File) hook.Finding {
	reason := fmt.Sprintf(r.many, len(files)) + ": " + someNames(files)
	if len(files) == 1 {
		reason = strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", files[0].Shown(), r.Reason, files[0].Change), ": ")
	}
	if h == nil {
		return r.Somewhere(container, reason)
	}
	return r.At(h, 0, h.Run, reason)
}

// someNames returns the first paths, and how many others there are.
func someNames(files []hook.File) string {
	const most = 3
	var names []string
	for _, f := range files[:min(most, len(files))] {
		names = append(names, f.Shown())
	}
	text := strings.Join(names, ", ")
	if rest := len(files) - most; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

// isFree reports whether a difference is no finding in a hook, which may be nil, because the
// path is nobody's result or volatile. A folder that one of two containers lacks is if all
// files in it are, after the runs or, if they have removed it, before.
func (r *runner) isFree(ctx context.Context, d difference, h *hook.Declared, runs runsOf) (bool, error) {
	if r.isFreePath(d.Path, h) {
		return true, nil
	}
	if d.Kind != buildkit.Added && d.Kind != buildkit.Removed || !d.IsFolder() {
		return false, nil
	}
	folder := buildkit.Change{Path: d.Path, After: fs.ModeDir}
	files, err := runs.after().files(ctx, folder)
	if err == nil && len(files) == 1 && files[0].Path == d.Path {
		files, err = runs.before().files(ctx, folder)
	}
	if err != nil {
		return false, err
	}
	for _, f := range files {
		if !r.isFreePath(f.Path, h) {
			return false, nil
		}
	}
	return true, nil
}

func (r *runner) isFreePath(name string, h *hook.Declared) bool {
	if h != nil && isVolatile(h, name) {
		return true
	}
	reason, ok := nobodys(tilde(name))
	if ok {
		r.ignored[name] = Ignored{r.container, tilde(name), reason}
	}
	return ok
}

// blame returns the hook that has changed each path last. It asks the engine once for the
// same runs.
func (r *runner) blame(ctx context.Context, runs runsOf) (map[string]*hook.Declared, error) {
	if by, ok := r.blames[&runs[0]]; ok {
		return by, nil
	}
	by := map[string]*hook.Declared{}
	for _, run := range runs {
		touched, err := changes(ctx, run.before, run.after)
		if err != nil {
			return nil, err
		}
		for _, t := range touched {
			by[t.Path] = run.hook
		}
	}
	r.blames[&runs[0]] = by
	return by, nil
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

// isVolatile reports whether a hook declares that it changes a path at each run.
func isVolatile(h *hook.Declared, name string) bool {
	for _, v := range h.Volatile {
		if paths.Within(name, paths.Expand(v, home)) {
			return true
		}
	}
	return false
}
