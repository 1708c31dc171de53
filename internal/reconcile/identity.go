package reconcile

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// FolderIdentity identifies a folder for [Snapshot.Identity], by its inode and creation
// time. A later folder in the same place has another identity. The device number is not
// part of it, because btrfs may change it at each start. A folder that does not exist has
// the identity "none".
func FolderIdentity(dir string) string {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "none"
	}
	return fmt.Sprintf("%d:%d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}
