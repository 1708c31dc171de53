package reconcile

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FolderIdentity returns a text that a folder and a later one in its place do not
// share, for [Snapshot.Identity]: its inode and the time of its creation. The device
// is not part of it, as btrfs may change it at every start. A folder that does not
// exist has the identity "none".
func FolderIdentity(dir string) string {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "none"
	}
	return fmt.Sprintf("%d:%d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}
