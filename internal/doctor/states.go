package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/workspace"
)

// statesOfMissingRepositories reports last known states of repositories that do not
// exist. A repository on a disk that may be unmounted is not missing.
func statesOfMissingRepositories(_ context.Context, t *Target) ([]Problem, error) {
	base := filepath.Join(t.Folders.State, "bkt", "base")
	entries, err := os.ReadDir(base)
	var all []Problem
	errs := []error{patherr.TrimOp(patherr.UnlessMissing(err))}
	for _, e := range entries {
		dir := filepath.Join(base, e.Name())
		text, err := plainfile.Read(filepath.Join(dir, live.RepositoryFile), plainfile.MaxText)
		root := strings.TrimSpace(string(text))
		if err != nil || root == "" || mayExist(root) || mayBeUnmounted(filepath.Dir(root)) {
			errs = append(errs, patherr.TrimOp(patherr.UnlessMissing(err)))
			continue
		}
		gone := fmt.Errorf("%s holds state of the repository %s, which does not exist", dir, root)
		if other, err := otherFile(dir); err == nil && other == "" && e.Name() == workspace.ID(root) {
			all = append(all, fixable(gone, removal(dir)))
		} else {
			gone = hint.Add(gone, "check its content, and remove it if nothing needs it: bkt on this computer did not write all of it")
			all, errs = append(all, unfixable(gone)...), append(errs, patherr.TrimOp(err))
		}
	}
	return all, errors.Join(errs...)
}

// otherFile returns a file among the last known states of a repository that bkt did not
// write on this computer, or "" if bkt wrote all. Computers that share a home have a
// folder each there, and the repository may be missing only on this one.
func otherFile(dir string) (string, error) {
	computer, err := os.Hostname()
	if err != nil {
		return "", err
	}
	other := ""
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case path == dir, d.IsDir() && name == computer, name == live.RepositoryFile, host.Abandoned(path):
		case filepath.Dir(name) == computer && d.Type().IsRegular() && isState(path):
		default:
			other = name
		}
		return err
	})
	return other, err
}

// isState reports whether a file is the last known state of a domain.
func isState(path string) bool {
	var state struct {
		Version *int             `json:"version"`
		Items   *json.RawMessage `json:"items"`
	}
	text, err := plainfile.Read(path, plainfile.MaxText)
	return err == nil && filepath.Ext(path) == ".json" && json.Unmarshal(text, &state) == nil && state.Version != nil && state.Items != nil
}

// mayBeUnmounted reports whether a folder may be the mount point of a disk that is
// not mounted now.
func mayBeUnmounted(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || len(entries) == 0
}

// mayExist reports whether a file exists, or cannot be checked.
func mayExist(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
