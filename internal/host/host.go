// Package host is the edge to the machine: it executes plans and runs commands. No other
// package of bkt does, except buildkit, engine and registry for images. It makes no
// decisions.
package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/confine"
	"bkt/internal/hint"
	"bkt/internal/interrupt"
	"bkt/internal/owner"
	"bkt/internal/patherr"
	"bkt/internal/paths"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
)

// An Executor executes plans. Commands that change nothing have a [Query] and no Executor.
type Executor struct{}

// Execute executes p. Before it changes anything, it checks every file that p writes
// and prepares the new text of each: if a file was edited in the meantime, or its
// folder is not writable, nothing changes. When it returns without an error, all files that
// p has written, except caches, survive a power failure.
//
// A change that fails later does not stop the others; the errors are joined. If a change
// with a Fallback fails, the Fallback is executed instead. Unless done is nil, Execute
// calls it with each executed or failed change.
func (Executor) Execute(ctx context.Context, p plan.Plan, done func(plan.Change, error)) error {
	pending := pending{}
	defer pending.cleanup()
	files := touchedBy(p)
	removeStaleTemps(files)
	changed := changedFolders(files)
	if err := pending.prepare(p); err != nil {
		return err
	}
	err := pending.all(ctx, p, done)
	return errors.Join(err, syncFolders(changed))
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

// pending are the written files that are not in their place yet, by path.
type pending map[string]*draft

// cleanup removes the pending files.
func (p pending) cleanup() {
	for _, f := range p {
		f.cleanup()
	}
}

// prepare writes the files of changes, but does not move them to their place.
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
// them. It reports an error of these only if the step verifies its result: there may be
// nothing to undo.
func change(ctx context.Context, c plan.Change, files pending) error {
	for _, s := range c.Steps {
		if err := step(ctx, s, files); err != nil {
			ctx, done := interrupt.Undoing(ctx)
			defer done()
			for _, u := range c.Undo {
				failed := step(ctx, u, files)
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
		_, err := git(ctx, offline(plan.Run{Argv: []string{"git", "apply", "--cached", "--whitespace=nowarn", "-"}, Dir: s.Root, Stdin: s.Diff()}))
		return err
	case plan.Run:
		return runStep(ctx, s)
	case plan.Overwrite:
		return patherr.TrimOp(put(s))
	case plan.Delete:
		return patherr.TrimOp(os.RemoveAll(s.Path))
	case plan.Move:
		return patherr.TrimOp(move(s))
	case plan.Fetch:
		return patherr.TrimOp(fetch(ctx, s))
	case plan.Install:
		return patherr.TrimOp(install(ctx, s))
	case plan.EditKeyFile:
		return editKeyFile(s)
	case plan.Unzip:
		return patherr.TrimOp(unzip(ctx, s))
	case plan.EditLists:
		return editLists(ctx, s)
	case plan.Fail:
		return s.Reason
	default:
		return fmt.Errorf("a step of type %T cannot be executed", s)
	}
}

// runStep runs a command between its Require and its Verify. In a folder, git runs as the
// owner of the folder.
func runStep(ctx context.Context, r plan.Run) error {
	if isGit(r) && r.Dir != "" {
		_, err := git(ctx, r)
		return err
	}
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

// reason returns the output of a failed check as the error, without the name and the status
// of the check.
func reason(err error) error {
	if e, ok := errors.AsType[*ExitError](err); ok && e.Stderr != "" {
		return errors.New(e.Stderr)
	}
	return err
}

// checkUnchanged returns an error if the file of a write has changed since the plan was
// made.
func checkUnchanged(w plan.Write) error {
	now, err := present(w)
	absent := errors.Is(err, fs.ErrNotExist)
	if err != nil && !absent {
		return fmt.Errorf("%s: %w", w.Name, patherr.Reason(err))
	}
	if absent != (w.Old == nil) || !bytes.Equal(now, w.Old) {
		return hint.Add(fmt.Errorf("%s: the file has changed since bkt read it", w.Name), "run the command again")
	}
	return nil
}

// present returns the present text of the file of a write, or the beginning of one that is
// longer than the text that is expected.
func present(w plan.Write) ([]byte, error) {
	f, err := openPresent(w)
	if _, broken := errors.AsType[*confine.BrokenError](err); broken { // what it leads to is created
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(len(w.Old))+1))
}

func openPresent(w plan.Write) (*os.File, error) {
	if w.Within == nil {
		return plainfile.Open(w.Path)
	}
	folder, name, err := confine.Within(w.Within, w.Path)
	if err != nil {
		return nil, err
	}
	return folder.Open(name)
}

// write writes the new text of a file into a draft, which then replaces the old text in one
// step: the file always has one of them. A symbolic link stays a link; mode and owner do
// not change.
func write(w plan.Write) (*draft, error) {
	if w.Old == nil || w.Private != "" {
		if err := folderOf(w.Path, w.Private, w.Within); err != nil {
			return nil, patherr.Reason(err)
		}
	}
	at, err := locate(w.Path, w.Within)
	if err != nil {
		return nil, patherr.Reason(err)
	}
	d, err := at.drafted(w.New, cmp.Or(w.Mode, 0o644), w.Private)
	return d, patherr.Reason(err)
}

// drafted returns a draft with text. Below private, only the user may read it.
func (s spot) drafted(text []byte, mode fs.FileMode, private string) (*draft, error) {
	d, err := s.draft(mode)
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

// The modes of files and folders that only the user may read.
const (
	ownFile   = 0o600
	ownFolder = 0o700
)

// folderOf creates the folder of a file, in one of the folders within, unless that is nil.
// That folder and its parents up to private become readable only for the user, even if they
// exist.
func folderOf(path, private string, within []string) error {
	dir := filepath.Dir(path)
	if within != nil {
		return makeFolderWithin(path, within, 0o755)
	}
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
	if err := folderOf(p.Path, p.Private, p.Within); err != nil {
		return err
	}
	if err := writeFile(p, 0o644); err != nil || p.Also == nil {
		return err
	}
	return putAliases(p)
}

// putAliases writes the file under its further names that do not exist yet.
func putAliases(p plan.Overwrite) error {
	for _, name := range p.Also.Names() {
		alias := p
		alias.Path, alias.Also = filepath.Join(filepath.Dir(p.Path), name), nil
		if _, err := os.Lstat(alias.Path); err == nil {
			continue
		}
		if err := put(alias); err != nil {
			return err
		}
	}
	return nil
}

// move renames a file, unless there is one of the new name.
func move(m plan.Move) error {
	if _, err := os.Lstat(m.To); err == nil {
		return &fs.PathError{Op: "rename", Path: m.To, Err: fs.ErrExist}
	}
	return os.Rename(m.From, m.To)
}

// writeFile sets the text of the file that p.Path leads to in one step.
func writeFile(p plan.Overwrite, mode fs.FileMode) error {
	at, err := locate(p.Path, p.Within)
	if err != nil {
		return err
	}
	d, err := at.drafted(p.Text, mode, p.Private)
	if err != nil {
		return err
	}
	return d.put()
}

// MkdirAll creates a folder for bkt's own state, and its missing parents. Only the user may
// read them.
func MkdirAll(dir string) error { return owner.MkdirAll(dir, ownFolder) }

// followed returns the path of the file to write instead of path. It is an error if
// root would follow a link of a user to a file of another user.
func followed(path string) (string, error) {
	real, err := target(path)
	if err != nil {
		return "", err
	}
	return real, mayFollow(path, real)
}

// target returns the path of the file after following symbolic links at path. The file need
// not exist.
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
