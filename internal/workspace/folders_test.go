package workspace_test

import (
	"testing"

	"bkt/internal/workspace"
)

// TestHomeIsAbsolute checks that a relative $HOME is an error: state with captured
// values would end up in the current folder, such as the repository.
func TestHomeIsAbsolute(t *testing.T) {
	t.Setenv("HOME", "/home/user")
	if f, err := workspace.FindFolders(); err != nil || f.Home != "/home/user" {
		t.Errorf("home %q, error %v", f.Home, err)
	}
	t.Setenv("HOME", "home/user")
	if f, err := workspace.FindFolders(); err == nil {
		t.Errorf("no error, and home %q", f.Home)
	}
}
