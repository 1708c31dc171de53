package workspace

import (
	"cmp"
	"fmt"
	"os"

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
