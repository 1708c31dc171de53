// Package mergedriver is git's merge driver for manifests (gitattributes(5)): what it does,
// and how git is told to use it.
//
// A driver gets three versions of a file, leaves the merge in the place of ours, and says by
// its exit status whether there are conflicts. If the manifest cannot be merged by its
// items, the result is what git makes of it without a driver.
package mergedriver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"bkt/internal/confine"
	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/merge"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/shell"
)

// Files are the files that git gives to a merge driver.
type Files struct {
	Folder             string // in which git runs it, and which has the temporary files
	Base, Ours, Theirs string // temporary files
	Path               string // of the merged file in the repository
}

// maxFile is the size of the largest manifest that is merged by its items, in bytes.
const maxFile = 16 << 20

// errTooLarge is the error of a file that only git merges.
var errTooLarge = fmt.Errorf("larger than %d MB, the limit", maxFile>>20)

// Merge returns the plan that replaces our version by the merge, and an error if git must
// not commit it: it has conflicts, or one side cannot be read. If a file cannot be read at
// all, is outside of the folder, or is too large and git cannot merge it either, there is no
// plan.
func Merge(ctx context.Context, f Files) (plan.Plan, error) {
	texts, err := f.read()
	if err != nil && !errors.Is(err, errTooLarge) {
		return nil, f.again(err)
	}
	known, isManifest := manifestAt(f.Path)
	if err == nil && isManifest {
		var res merge.Result
		if res, err = items(known, texts); err == nil {
			return f.replace(texts.ours, res.Text), f.unfinished(res)
		}
	}
	merged, conflicts, failed := f.lines(ctx)
	switch {
	case failed != nil && errors.Is(err, errTooLarge):
		err = errors.Join(fmt.Errorf("%s: not merged: %w", f.Path, err), failed)
		return nil, hint.Add(err, "our version is still in the file; for theirs, run \"git checkout --theirs -- %s\"", shell.Show(f.Path))
	case failed != nil:
		merged, conflicts = texts.whole(), true
	}
	switch {
	case err != nil:
		err = fmt.Errorf("%s: merged line by line: %w", f.Path, err)
		err = hint.Add(err, "compare it with both sides before you commit it")
	case conflicts:
		err = fmt.Errorf("%s: merged line by line, with conflicts: it is not a manifest of bkt", f.Path)
	}
	return f.replace(texts.ours, merged), errors.Join(err, failed)
}

// texts are the texts of the files.
type texts struct{ base, ours, theirs []byte }

func (f Files) read() (t texts, err error) {
	for _, file := range []struct {
		path string
		text *[]byte
	}{{f.Base, &t.base}, {f.Theirs, &t.theirs}, {f.Ours, &t.ours}} {
		var errRead error
		*file.text, errRead = f.text(file.path)
		err = errors.Join(err, errRead)
	}
	return t, err
}

// text returns the text of a file.
func (f Files) text(path string) ([]byte, error) {
	folder, name, err := confine.Within([]string{f.Folder}, f.absolute(path))
	if err != nil {
		return nil, err
	}
	file, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %w", path, errTooLarge)
	}
	return plainfile.ReadAll(file, path, maxFile)
}

// absolute returns the absolute path of a file.
func (f Files) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.Folder, path)
}

// manifestAt returns the manifest that a file of a git repository is, which may have the
// image repository in a folder.
func manifestAt(name string) (manifest.File, bool) {
	for _, f := range manifest.All() {
		if f.Path == path.Join(path.Base(path.Dir(name)), path.Base(name)) {
			f.Path = name
			return f, true
		}
	}
	return manifest.File{}, false
}

// items merges a manifest by its items. A bug in that is an error, too: git's own merge takes its place.
func items(f manifest.File, t texts) (res merge.Result, err error) {
	defer crash.Recover(&err)
	return merge.Texts(f, rules(), t.base, t.ours, t.theirs)
}

// unfinished returns the error of a merge that the user has to finish.
func (f Files) unfinished(res merge.Result) error {
	if res.Invalid != nil {
		err := fmt.Errorf("%s: what both sides have added cannot be together", f.Path)
		return errors.Join(hint.Add(err, "edit the file, and run \"git add %s\"", shell.Show(f.Path)), res.Invalid)
	}
	if len(res.Conflicts) == 0 {
		return nil
	}
	var names []string
	for _, c := range res.Conflicts {
		names = append(names, c.Name)
	}
	err := fmt.Errorf("%s: both sides changed %s", f.Path, strings.Join(names, ", "))
	return hint.Add(err, "run \"bkt drift resolve\" and \"git add %s\"", shell.Show(f.Path))
}

// replace plans to replace our version, whose text is old. git reads it at once: that it
// survives a power failure does not matter.
func (f Files) replace(old, text []byte) plan.Plan {
	if old != nil && bytes.Equal(old, text) {
		return nil
	}
	write := plan.Overwrite{Path: f.absolute(f.Ours), Text: text, Within: []string{f.Folder}, Cache: true}
	return plan.Plan{{Op: plan.Modify, Targets: []string{f.Path}, Steps: []plan.Step{write}}}
}

// again adds to an error how to merge again.
func (f Files) again(err error) error {
	return hint.Add(err, "our version is still in the file: run \"git checkout --merge -- %s\" to merge it again", shell.Show(f.Path))
}

// Execute executes the plan of [Merge]. If that fails, our version is still in the file.
func (f Files) Execute(ctx context.Context, p plan.Plan) error {
	return f.again(host.Executor{}.Execute(ctx, p, nil))
}

// lines merges the files as git does without a driver, and reports whether there are
// conflicts. It is an error if git cannot merge them: they are not text.
func (f Files) lines(ctx context.Context) (merged []byte, conflicts bool, err error) {
	argv := []string{"git", "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", f.Ours, f.Base, f.Theirs}
	merged, err = host.Query{}.Output(ctx, plan.Run{Argv: argv, Dir: f.Folder})
	// Its exit status is the number of conflicts, at most 127, or more for an error.
	if exit, ok := errors.AsType[*host.ExitError](err); ok && exit.Status <= maxConflicts {
		return merged, true, nil
	}
	return merged, false, err
}

// whole returns both versions, which are in conflict as a whole.
func (t texts) whole() []byte {
	return fmt.Appendf(nil, "<<<<<<< ours\n%s=======\n%s>>>>>>> theirs\n", line(t.ours), line(t.theirs))
}

// maxConflicts is the largest exit status of "git merge-file" that counts conflicts.
const maxConflicts = 127

// line returns text with a line break at its end.
func line(text []byte) string { return strings.TrimSuffix(string(text), "\n") + "\n" }
