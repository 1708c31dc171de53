// Package contract defines the protocol of bkt and bkt-engine: the files in the
// engine's root, the report of an engine that starts, and the output of its other
// commands.
//
// Both programs link it, so it imports nothing of BuildKit.
package contract

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/plainfile"
)

// StatusHeld is the exit status of an engine whose root another engine uses.
const StatusHeld = 75

// StatusUnfit is the exit status of an engine that cannot run on this machine.
const StatusUnfit = 69

// maxSocket is the length of the longest path of a unix socket.
const maxSocket = 107

// CheckSocket returns an error if path is too long for a socket.
func CheckSocket(path string) error {
	if len(path) <= maxSocket {
		return nil
	}
	return hint.Add(fmt.Errorf("%s: too long for a socket: %d bytes, but the maximum is %d", path, len(path), maxSocket),
		"set XDG_RUNTIME_DIR to a folder with a shorter name")
}

// LockFile returns the file that an engine locks with flock(2) while it runs.
func LockFile(root string) string { return filepath.Join(root, "engine.lock") }

// LogFile returns the log of the engine.
func LogFile(root string) string { return filepath.Join(root, "engine.log") }

// StateFile returns the file with the [State] of the engine.
func StateFile(root string) string { return filepath.Join(root, "engine.json") }

// The names of snapshotters, which create the file systems of layers.
const (
	Overlay         = "overlayfs"
	Native          = "native" // copies, if overlays are not supported
	AutoSnapshotter = "auto"   // the first of these that works
)

// DiskFilter is the filter for the disk usage of an engine that returns its
// measurements of the disk, as records with the ids below, instead of the records of
// its cache. Another BuildKit has no such records.
const (
	DiskFilter      = "type==bkt.disk"
	DiskSize        = "size"        // of the root
	DiskUnreadable  = "unreadable"  // the number of folders that could not be read
	DiskInUse       = "in use"      // by builds
	DiskReclaimable = "reclaimable" // by a prune
)

// WorkerDir returns the folder with the layers of a snapshotter.
func WorkerDir(root, snapshotter string) string { return filepath.Join(root, "runc-"+snapshotter) }

// ContentDir returns the folder with these layers as blobs.
func ContentDir(root, snapshotter string) string {
	return filepath.Join(WorkerDir(root, snapshotter), "content")
}

// A State says which engine serves a root. It is valid only while the lock is
// held: a killed engine leaves its state behind.
type State struct {
	PID     int       `json:"pid"`   // the outer process, which takes signals
	Inner   int       `json:"inner"` // pid 1 of the engine's namespaces, as seen from outside
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Socket  string    `json:"socket"`
}

// ReadState reads the state file of root.
func ReadState(root string) (State, error) {
	var s State
	data, err := plainfile.Read(StateFile(root), plainfile.MaxText)
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", StateFile(root), err)
	}
	return s, nil
}

// Held reports whether an engine holds the lock of root.
func Held(root string) (bool, error) {
	f, err := flock.TryLock(LockFile(root), os.O_RDONLY, flock.Shared)
	switch {
	case errors.Is(err, flock.ErrLocked):
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return false, f.Close()
}

// readyLine is the report of an engine that is ready; any other report is JSON.
const readyLine = "ready"

// A failure is the report of an engine that cannot start.
type failure struct {
	Reasons []reason `json:"reasons"`
	Status  int      `json:"status"`
}

type reason struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

// reasons returns the errors that are joined in err.
func reasons(err error) []reason {
	var all []reason
	for _, e := range hint.Split(err) {
		all = append(all, reason{e.Error(), hint.Of(e)})
	}
	return all
}

// A StartError is a reason why an engine did not start, as the engine reported it.
type StartError struct {
	Message string
	Status  int // the engine's exit status
}

func (e *StartError) Error() string { return e.Message }

// Report writes one line to w: that the engine is ready or, with an error, why
// it ends with status.
func Report(w io.Writer, err error, status int) error {
	if err == nil {
		_, err := fmt.Fprintln(w, readyLine)
		return err
	}
	return json.NewEncoder(w).Encode(failure{reasons(err), status})
}

// AwaitReport reads what [Report] writes. It returns nil if the engine is
// ready, one or several joined errors of the type [StartError] if it cannot
// start, and [io.ErrUnexpectedEOF] if it ended without a report.
func AwaitReport(r io.Reader) error {
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if string(line) == readyLine+"\n" {
		return nil
	}
	var f failure
	if err := json.Unmarshal(line, &f); err != nil {
		return fmt.Errorf("report of the engine: %w", err)
	}
	return f.err()
}

// err returns the errors of f.
func (f failure) err() error {
	var errs []error
	for _, r := range f.Reasons {
		errs = append(errs, r.hinted(&StartError{r.Message, f.Status}))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// Credentials are the user and the password for a registry; empty for none.
type Credentials struct {
	User   string `json:"user"`
	Secret string `json:"secret"`
}
