// Package host is the edge to the machine: it executes plans and runs commands. No
// other package of bkt does, except that buildkit, engine and registry do it for
// images. Host decides nothing.
package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/owner"
	"bkt/internal/patherr"
	"bkt/internal/paths"
	"bkt/internal/plan"
)

// An Executor executes plans. A command that only looks has a [Query] and no Executor.
type Executor struct{}

// Execute executes p. Before it changes anything, it checks every file that p writes
// and prepares the new text of each: if a file was edited in the meantime, or its
// folder is not writable, nothing changes.
//
// A change that fails later does not stop the others; the errors are joined. A failed
// change with a Fallback is replaced by it. done, unless it is nil, is called with
// each change that was executed or has failed.
func (Executor) Execute(ctx context.Context, p plan.Plan, done func(plan.Change, error)) error {
	pending := pending{}
	defer pending.cleanup()
	removeStaleTemps(p)
	if err := pending.prepare(p); err != nil {
		return err
	}
	return pending.all(ctx, p, done)
}

func (p pending) all(ctx context.Context, changes plan.Plan, done func(plan.Change, error)) error {
	var errs []error
	for _, c := range changes {
		if ctx.Err() != nil {
			return errors.Join(append(errs, context.Cause(ctx))...)
		}
		err := change(ctx, c, p)
		if err != nil && len(c.Fallback) > 0 {
			errs = append(errs, p.all(ctx, c.Fallback, done))
			continue
		}
		if done != nil {
			done(c, err)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", strings.Join(c.Targets, " "), err))
		}
	}
	return errors.Join(errs...)
}

// pending are the files that are written but not yet in their place, by path.
type pending map[string]*draft

// cleanup removes the files that are not in their place.
func (p pending) cleanup() {
	for _, f := range p {
		f.cleanup()
	}
}

// prepare writes the files of changes, but does not put them in their place.
func (p pending) prepare(changes plan.Plan) error {
	for _, c := range changes {
		for _, s := range c.Steps {
			w, ok := s.(plan.Write)
			if !ok {
				continue
			}
			if err := checkUnchanged(w); err != nil {
				return err
			}
			f, err := write(w)
			if err != nil {
				return fmt.Errorf("%s: %w", w.Name, err)
			}
			p[w.Path] = f
		}
	}
	return nil
}

// change executes the steps of a change. If one fails, it executes the steps that undo
// them. An error of these is not reported, as there may be nothing to undo, unless the
// step verifies what it has done.
func change(ctx context.Context, c plan.Change, files pending) error {
	for _, s := range c.Steps {
		if err := step(ctx, s, files); err != nil {
			for _, u := range c.Undo {
				failed := step(context.WithoutCancel(ctx), u, files)
				if r, ok := u.(plan.Run); ok && r.Verify != nil && failed != nil {
					err = fmt.Errorf("%w; and this could not be undone: %w", err, failed)
				}
			}
			if c.Hint != "" {
				err = hint.Add(err, "%s", c.Hint)
			}
			return err
		}
	}
	return nil
}

func step(ctx context.Context, s plan.Step, files pending) error {
	switch s := s.(type) {
	case plan.Write:
		return patherr.Reason(files[s.Path].put())
	case plan.Stage:
		_, err := git(ctx, s.Root, s.Diff(), nil, "apply", "--cached", "--whitespace=nowarn", "-")
		return err
	case plan.Run:
		return runStep(ctx, s)
	case plan.Overwrite:
		return patherr.TrimOp(put(s))
	case plan.Delete:
		return patherr.TrimOp(os.RemoveAll(s.Path))
	case plan.Fetch:
		return fetch(ctx, s)
	case plan.Install:
		return install(ctx, s)
	case plan.EditKeyFile:
		return editKeyFile(s)
	case plan.Unzip:
		return unzip(ctx, s)
	case plan.EditLists:
		return editLists(ctx, s)
	case plan.Fail:
		return s.Reason
	default:
		return fmt.Errorf("a step of type %T cannot be carried out", s)
	}
}

// runStep runs a command that changes something, after the command that checks whether
// it can, and before the command that checks whether it has.
func runStep(ctx context.Context, r plan.Run) error {
	if r.Require != nil {
		if _, _, err := outputs(ctx, plan.Run{Argv: r.Require, Env: r.Env}); err != nil {
			return reason(err)
		}
	}
	_, said, err := outputs(ctx, r)
	if err != nil || r.Verify == nil {
		return err
	}
	_, _, err = outputs(ctx, plan.Run{Argv: r.Verify, Env: r.Env})
	if err != nil && said != "" {
		return fmt.Errorf("%s: %w: %s", filepath.Base(r.Argv[0]), reason(err), said)
	}
	return reason(err)
}

// reason returns what a check has printed: it is about the object of the check, not
// about the check.
func reason(err error) error {
	if e, ok := errors.AsType[*ExitError](err); ok && e.Stderr != "" {
		return errors.New(e.Stderr)
	}
	return err
}

// checkUnchanged returns an error if the file of a write is not as the plan found it.
func checkUnchanged(w plan.Write) error {
	now, err := os.ReadFile(w.Path)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return fmt.Errorf("%s: %w", w.Name, patherr.Reason(err))
	}
	if absent != (w.Old == nil) || !bytes.Equal(now, w.Old) {
		return hint.Add(fmt.Errorf("%s: the file has changed meanwhile", w.Name), "run the command again")
	}
	return nil
}

// write writes the new text of a file, which replaces the old one in a single step: at
// any moment the file has either of them. A symbolic link stays a link; mode and owner
// stay as they are.
func write(w plan.Write) (*draft, error) {
	if w.Old == nil || w.Private != "" {
		if err := folderOf(w.Path, w.Private); err != nil {
			return nil, patherr.Reason(err)
		}
	}
	d, err := drafted(w.Path, w.New, cmp.Or(w.Mode, 0o644), w.Private)
	return d, patherr.Reason(err)
}

// drafted returns a draft with text for the file that path leads to. Below private,
// only the user may read it.
func drafted(path string, text []byte, mode fs.FileMode, private string) (*draft, error) {
	path, err := followed(path)
	if err != nil {
		return nil, err
	}
	d, err := newDraft(path, mode)
	if err != nil {
		return nil, err
	}
	if private != "" {
		err = d.Chmod(ownFile)
	}
	if err == nil {
		_, err = d.Write(text)
	}
	if err != nil {
		d.cleanup()
		return nil, err
	}
	return d, nil
}

// The modes of what only the user may read.
const (
	ownFile   = 0o600
	ownFolder = 0o700
)

// folderOf makes the folder of a file. It and the folders from private on become
// readable for the user only, also those that exist.
func folderOf(path, private string) error {
	dir := filepath.Dir(path)
	if private == "" {
		return owner.MkdirAll(dir, 0o755)
	}
	if err := owner.MkdirAll(dir, ownFolder); err != nil {
		return err
	}
	for ; paths.Within(dir, private); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&^ownFolder == 0 {
			continue
		}
		if err := os.Chmod(dir, ownFolder); err != nil {
			return err
		}
	}
	return nil
}

func put(p plan.Overwrite) error {
	if err := folderOf(p.Path, p.Private); err != nil {
		return err
	}
	return writeFile(p.Path, p.Text, 0o644, p.Private)
}

// writeFile gives the file that path leads to a text in one step. Below private, only
// the user may read it.
func writeFile(path string, text []byte, mode fs.FileMode, private string) error {
	d, err := drafted(path, text, mode, private)
	if err != nil {
		return err
	}
	return d.put()
}

// MkdirAll makes a folder for bkt's own state, and the folders around it that do not
// exist. Only the user may read them.
func MkdirAll(dir string) error { return owner.MkdirAll(dir, ownFolder) }

// followed returns the path of the file to write instead of path. It is an error if
// root would follow a link of a user to a file of another user.
func followed(path string) (string, error) {
	real, err := target(path)
	if err != nil {
		return "", err
	}
	return real, hint.Add(owner.CheckLinks(path, real), "run it as that user, without sudo")
}

// target returns the path of the file that symbolic links at path lead to. The file
// need not exist.
func target(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	dir, base := filepath.Split(path)
	link, err := os.Readlink(path)
	if err != nil {
		dir, err = filepath.EvalSymlinks(dir)
		return filepath.Join(dir, base), err
	}
	if !filepath.IsAbs(link) {
		link = dir + link // not cleaned: .. leads up from where dir leads
	}
	return target(link)
}
