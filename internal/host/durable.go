package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/patherr"
	"bkt/internal/plan"

	"golang.org/x/sys/unix"
)

// A touched file is one that a step writes, moves or removes.
type touched struct {
	paths   []string // its path, and last the path that links lead to; none: a step will fail
	isDraft bool     // the file gets its name by a draft
	isCache bool     // a power failure may take it away
}

// touchedBy returns the files that changes touch, also if they fail.
func touchedBy(changes plan.Plan) (all []touched) {
	for _, c := range changes {
		for _, s := range append(c.Steps[:len(c.Steps):len(c.Steps)], c.Undo...) {
			all = append(all, touchedByStep(s)...)
		}
		all = append(all, touchedBy(c.Fallback)...)
	}
	return all
}

func touchedByStep(s plan.Step) []touched {
	draft := func(path string, within []string, isCache bool) touched {
		return touched{followedBy(path, within), true, isCache}
	}
	switch s := s.(type) {
	case plan.Write:
		return []touched{draft(s.Path, s.Within, false)}
	case plan.Overwrite:
		return []touched{draft(s.Path, s.Within, s.Cache)}
	case plan.Fetch:
		return []touched{draft(s.Path, nil, false)}
	case plan.Install:
		return []touched{draft(s.Path, nil, false), draft(s.Cache, nil, true)}
	case plan.EditKeyFile:
		return []touched{draft(s.Path, nil, false)}
	case plan.Unzip:
		return []touched{{paths: []string{s.Dir}, isDraft: true}}
	case plan.Delete:
		return []touched{{paths: []string{s.Path}}}
	case plan.Move:
		return []touched{{paths: []string{s.From}}, {paths: []string{s.To}}}
	}
	return nil
}

// changedFolders returns the folders that get or lose entries with files, each once: those
// of the files, and the parents of folders that do not exist yet. Caches do not count.
func changedFolders(files []touched) (dirs []string) {
	for _, t := range files {
		if t.isCache || len(t.paths) == 0 {
			continue
		}
		dir := filepath.Dir(t.paths[len(t.paths)-1])
		for ; !slices.Contains(dirs, dir); dir = filepath.Dir(dir) {
			dirs = append(dirs, dir)
			if _, err := os.Stat(dir); err == nil {
				break
			}
		}
	}
	return dirs
}

// A SyncError is the error of a plan that was executed and may not survive a power failure.
type SyncError struct{ err error }

func (e *SyncError) Error() string {
	return e.err.Error() + ": what was written there may be lost in a power failure"
}

func (e *SyncError) Unwrap() error { return e.err }

// syncFolders waits until the entries of folders are on disk. Callers rely on an order: what
// a later plan writes, such as the last known state, must not survive a power failure
// that takes away what this one has written.
func syncFolders(dirs []string) error {
	var errs []error
	for _, dir := range dirs {
		if err := syncFolder(dir); err != nil {
			errs = append(errs, &SyncError{patherr.TrimOp(err)})
		}
	}
	return errors.Join(errs...)
}

func syncFolder(dir string) error {
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return patherr.UnlessMissing(err) // nothing was written there
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil // a file system that cannot do that for folders
	}
	return err
}

// syncTree waits until all files in a folder are on disk. It is one system call for the
// whole file system, because an archive may have thousands of files.
func syncTree(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	err = uninterrupted(func() error { return unix.Syncfs(int(f.Fd())) })
	return os.NewSyscallError("syncfs", err)
}

// uninterrupted repeats a system call until no signal interrupts it, as package os does.
func uninterrupted(call func() error) error {
	err := call()
	for errors.Is(err, unix.EINTR) {
		err = call()
	}
	return err
}
