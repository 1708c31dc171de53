// Package contract is what bkt and its engine have to agree on: the names of
// the files in the engine's root, what they hold, and how an engine that has
// just been started says that it is up, or why it is not, and what its other
// commands print.
//
// Both link it, so it depends on nothing of BuildKit's. It neither starts nor
// stops anything.
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
)

// StatusHeld is the exit status of an engine that finds its root in use by
// another one.
const StatusHeld = 75

// StatusUnfit is the exit status of an engine that this machine, as it is, does
// not let run.
const StatusUnfit = 69

// maxSocket is how long the path of a unix socket may be.
const maxSocket = 107

// CheckSocket returns an error if path cannot be that of a socket.
func CheckSocket(path string) error {
	if len(path) <= maxSocket {
		return nil
	}
	return hint.Add(fmt.Errorf("%s: too long for a socket: %d bytes, and %d are the most", path, len(path), maxSocket),
		"set XDG_RUNTIME_DIR to a folder with a shorter name")
}

// LockFile is the file that an engine holds a flock on for as long as it lives.
func LockFile(root string) string { return filepath.Join(root, "engine.lock") }

// LogFile is where the engine's diagnostics go.
func LogFile(root string) string { return filepath.Join(root, "engine.log") }

// StateFile is where the engine says who it is.
func StateFile(root string) string { return filepath.Join(root, "engine.json") }

// What an engine puts the layers of images together with.
const (
	Overlay         = "overlayfs"
	Native          = "native" // copies, where the other cannot be had
	AutoSnapshotter = "auto"   // the first of them that works
)

// DiskFilter makes an engine that is asked for its disk usage return what it has
// measured on disk, as records with the ids below, instead of the records of its
// cache. Another BuildKit has no such records.
const (
	DiskFilter      = "type==bkt.disk"
	DiskSize        = "size"        // what the root takes
	DiskUnreadable  = "unreadable"  // how many folders could not be read for that
	DiskInUse       = "in use"      // what of that builds use
	DiskReclaimable = "reclaimable" // what a prune frees
)

// WorkerDir is where the engine keeps the layers of images that it puts together
// in this way.
func WorkerDir(root, snapshotter string) string { return filepath.Join(root, "runc-"+snapshotter) }

// ContentDir is where it keeps them as blobs.
func ContentDir(root, snapshotter string) string {
	return filepath.Join(WorkerDir(root, snapshotter), "content")
}

// State says who serves a root. It is valid only while the lock is held: an
// engine that was killed leaves its state behind.
type State struct {
	PID     int       `json:"pid"`   // the process that takes signals
	Inner   int       `json:"inner"` // pid 1 of the engine's namespaces, as seen from outside
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Socket  string    `json:"socket"`
}

// ReadState returns the state in root's state file.
func ReadState(root string) (State, error) {
	var s State
	data, err := os.ReadFile(StateFile(root))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("%s: %w", StateFile(root), err)
	}
	return s, nil
}

// Held says whether an engine holds root.
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

// readyLine is what an engine that is up reports; any other line is JSON.
const readyLine = "ready"

// failure is the report of an engine that could not start.
type failure struct {
	Reasons []reason `json:"reasons"`
	Status  int      `json:"status"`
}

type reason struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

// reasons returns the errors that were joined into err, each by itself.
func reasons(err error) []reason {
	var all []reason
	for _, e := range hint.Split(err) {
		all = append(all, reason{e.Error(), hint.Of(e)})
	}
	return all
}

// A StartError is the reason for which an engine did not start, as it reported it.
type StartError struct {
	Message string
	Status  int // the engine's exit status
}

func (e *StartError) Error() string { return e.Message }

// Report writes one line to w: that the engine is up, or err, because of which
// it ends with status.
func Report(w io.Writer, err error, status int) error {
	if err == nil {
		_, err := fmt.Fprintln(w, readyLine)
		return err
	}
	return json.NewEncoder(w).Encode(failure{reasons(err), status})
}

// AwaitReport reads what [Report] wrote. It returns nil if the engine is up, a
// [StartError] if it could not start, or several of them joined, and
// [io.ErrUnexpectedEOF] if it ended without a word.
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

// err returns the errors that f was made of.
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

// Credentials are what to log in to a registry with; empty for nothing.
type Credentials struct {
	User   string `json:"user"`
	Secret string `json:"secret"`
}
