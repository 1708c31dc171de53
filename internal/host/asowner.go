package host

import (
	"cmp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// asOwner makes root run a command as the owner of its working directory. If the owner
// cannot reach that directory, root runs it.
func asOwner(cmd *exec.Cmd) {
	var st unix.Stat_t
	if os.Geteuid() != 0 || unix.Stat(cmp.Or(cmd.Dir, "."), &st) != nil || st.Uid == 0 || st.Uid == unmapped || !reaches(cmd.Dir, st) {
		return
	}
	home := "/"
	if u, err := user.LookupId(strconv.Itoa(int(st.Uid))); err == nil {
		home = u.HomeDir
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: st.Uid, Gid: st.Gid}}
	// The owner cannot read root's configuration.
	cmd.Env = append(cmd.Environ(), "HOME="+home, "XDG_CONFIG_HOME=")
}

// unmapped is the owner of files without a user in a user namespace. No process can become
// that user.
const unmapped = 65534

// reaches reports whether the owner of a folder may pass through all its parents.
func reaches(dir string, owner unix.Stat_t) bool {
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	for ; err == nil; dir = filepath.Dir(dir) {
		var st unix.Stat_t
		err = unix.Stat(dir, &st)
		if !searchable(st, owner) {
			return false
		}
		if dir == "/" {
			break
		}
	}
	return err == nil
}

func searchable(st, owner unix.Stat_t) bool {
	switch {
	case st.Uid == owner.Uid:
		return st.Mode&unix.S_IXUSR != 0
	case st.Gid == owner.Gid:
		return st.Mode&unix.S_IXGRP != 0
	}
	return st.Mode&unix.S_IXOTH != 0
}
