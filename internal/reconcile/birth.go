package reconcile

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Birth tells a folder from one that is in its place later, by inode and time of
// birth: for [Observation.Identity]. The device is left out, as btrfs may change
// that at each start. Where there is no folder, it is "none".
func Birth(dir string) string {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "none"
	}
	return fmt.Sprintf("%d:%d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}
