package owner

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckLinks returns an error if root would follow, in path, a symbolic link of another
// user to a file that this user does not own: by such a link a user could make root write
// any file. real is the path of the file that the links lead to, whether or not it
// exists. For other users, CheckLinks does nothing.
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

// Of returns the owner of a file. If it does not exist, that is the owner of the nearest
// parent folder that exists.
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
