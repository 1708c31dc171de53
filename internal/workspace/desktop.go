package workspace

import (
	"cmp"
	"fmt"
	"os"
	"syscall"

	"bkt/internal/hint"
)

// CheckDesktop returns an error if bkt runs as root for another user, according to
// the environment that sudo, doas and pkexec set. Such a bkt would see root's
// desktop instead of the user's.
func CheckDesktop() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, by := range []struct{ program, user, root string }{
		{"sudo", os.Getenv("SUDO_UID"), "0"},
		{"sudo", os.Getenv("SUDO_USER"), "root"},
		{"doas", os.Getenv("DOAS_USER"), "root"},
		{"pkexec", os.Getenv("PKEXEC_UID"), "0"},
	} {
		if by.user == "" || by.user == by.root {
			continue
		}
		name := by.user
		if by.program == "sudo" {
			name = cmp.Or(os.Getenv("SUDO_USER"), name)
		}
		err := fmt.Errorf("bkt runs as root for the user %s: the desktop that it sees is that of root, not theirs", name)
		return hint.Add(err, "run it without %s", by.program)
	}
	return nil
}

// WarnRoot returns a warning if bkt runs as root, for itself, in the folder of another user:
// the items of a user, such as settings, are then those of root.
func WarnRoot(dir string) []error {
	info, err := os.Stat(dir)
	if err != nil || os.Geteuid() != 0 {
		return nil // dir will be opened, and then there is an error
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid == 0 {
		return nil
	}
	err = fmt.Errorf("bkt runs as root, and %s belongs to another user: the settings, apps and units of the user are those of root", dir)
	return []error{hint.Add(err, "to work on the desktop of that user, run it as that user")}
}
