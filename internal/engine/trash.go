package engine

import (
	"context"
	"os"
	"path/filepath"

	"bkt/internal/engine/contract"

	"github.com/sirupsen/logrus"
)

// trashDir returns the folder for files to delete. A move takes no time; deleting may
// take long, and happens while the engine runs.
func trashDir(root string) string { return filepath.Join(root, "trash") }

// discard moves unneeded files to the trash: the layers of the other snapshotter, and
// folders that an engine was creating or removing when it was killed. The snapshotter
// uses the number of such a folder again, and the build that gets it would fail.
func (s stores) discard() {
	for _, name := range []string{contract.Overlay, contract.Native} {
		if name != s.name {
			s.moveToTrash(contract.WorkerDir(s.root, name))
		}
	}
	if _, err := os.Stat(s.folders()); err != nil {
		return // there are no layers yet
	}
	ids, err := s.openIDs()
	if err != nil {
		logrus.Errorf("looking for folders without a snapshot: %v", err)
		return
	}
	defer ids.Close()
	unknown, err := unknownFolders(context.Background(), ids, s.folders())
	if err != nil {
		logrus.Errorf("looking for folders without a snapshot: %v", err)
	}
	for _, dir := range unknown {
		s.moveToTrash(dir)
	}
}

// moveToTrash moves path to the trash if it exists. An error is only logged, so
// that the engine starts.
func (s stores) moveToTrash(path string) {
	if _, err := os.Lstat(path); err != nil {
		return
	}
	err := os.MkdirAll(trashDir(s.root), 0o700)
	var into string
	if err == nil {
		into, err = os.MkdirTemp(trashDir(s.root), "")
	}
	if err == nil {
		err = os.Rename(path, filepath.Join(into, filepath.Base(path)))
	}
	if err != nil {
		logrus.Errorf("moving %s to the trash: %v", path, err)
	}
}
