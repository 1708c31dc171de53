package extension

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// identity returns what an extension is part of: of the user's, the folder that
// it is in and the database that says whether it is enabled, of the system's
// only the latter.
func (d *Domain) identity() func(extension) string {
	settings := birth(filepath.Join(d.Config, "dconf"))
	users := birth(filepath.Join(d.Data, belowData)) + " " + settings
	system := d.seen.system
	user := d.seen.user
	return func(e extension) string {
		_, systems := system[e.ID]
		if _, there := user[e.ID]; systems && !there {
			return settings
		}
		return users
	}
}

// birth tells a folder from a later one in its place.
func birth(dir string) string {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, 0, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "none"
	}
	return fmt.Sprintf("%d:%d.%09d", st.Ino, st.Btime.Sec, st.Btime.Nsec)
}
