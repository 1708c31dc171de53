package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
)

// A socket is a listening unix socket and its file.
type socket struct {
	path string
	file *os.File    // that the inner process inherits
	info os.FileInfo // of path, to distinguish it from a later socket
}

// listen creates the socket at path, and replaces one that does not answer.
func listen(path string) (*socket, error) {
	if err := contract.CheckSocket(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	if err := vacate(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// Only the copy for the inner process stays open. With two, clients could
	// still connect after the inner process has stopped listening.
	defer l.Close()
	l.SetUnlinkOnClose(false)
	s := &socket{path: path}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	if s.info, err = os.Stat(path); err != nil {
		return nil, err
	}
	s.file, err = l.File()
	return s, err
}

// vacate removes a socket that does not answer, and nothing else.
func vacate(path string) error {
	c, err := net.Dial("unix", path)
	switch {
	case err == nil:
		c.Close()
		return hint.Add(fmt.Errorf("%s: in use by another program", path), "choose another socket")
	case !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist): // a busy program may listen
		return hint.Add(err, "choose another socket")
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != os.ModeSocket {
		return hint.Add(fmt.Errorf("%s: exists and is not a socket", path), "choose another socket")
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// remove removes the socket, unless another one has replaced it.
func (s *socket) remove() {
	if info, err := os.Stat(s.path); err == nil && os.SameFile(info, s.info) {
		_ = os.Remove(s.path)
	}
}
