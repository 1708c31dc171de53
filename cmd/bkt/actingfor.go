package main

import (
	"cmp"
	"fmt"
	"os"

	"bkt/internal/hint"
)

// actingFor returns an error if bkt runs as root on behalf of another user, by
// what sudo, doas and pkexec leave in the environment. What it would then take
// for the user's desktop is that of root.
func actingFor() error {
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

// thisDesktop is [thisSystem] for commands that are about what the user has on it.
func thisDesktop() (system, error) {
	if err := actingFor(); err != nil {
		return system{}, err
	}
	return thisSystem()
}
