package owner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckLinks returns an error if root, on the way along path, would follow a
// symbolic link of another user to a file that this user does not own: whoever
// made the link could have root write any file. real is the path of the file that
// the links lead to, whether or not it exists. For other users there is nothing
// to check.
func CheckLinks(path, real string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	owned, err := Of(real)
	if err != nil {
		return err
	}
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		var st unix.Stat_t
		err := unix.Lstat(at, &st)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK && st.Uid != 0 && st.Uid != owned {
			return fmt.Errorf("root does not follow the link %s of the user %d to a file of the user %d", at, st.Uid, owned)
		}
		if at == filepath.Dir(at) || !strings.Contains(at, "/") {
			return nil
		}
	}
}

// Of returns the user who owns a file or, if it does not exist, the nearest folder
// around it that does.
func Of(path string) (uid uint32, err error) {
	for {
		var st unix.Stat_t
		err := unix.Stat(path, &st)
		if err == nil {
			return st.Uid, nil
		}
		if err != unix.ENOENT && err != unix.ENOTDIR || path == filepath.Dir(path) {
			return 0, &fs.PathError{Op: "stat", Path: path, Err: err}
		}
		path = filepath.Dir(path)
	}
}
