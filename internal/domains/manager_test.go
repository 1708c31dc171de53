package domains

import (
	"os"
	"path/filepath"
	"testing"

	"bkt/internal/workspace"
)

// TestManagerOfAnUnreadableConfiguration checks that an unreadable configuration of
// distrobox does not count as one that chooses podman.
func TestManagerOfAnUnreadableConfiguration(t *testing.T) {
	f := workspace.Folders{Config: t.TempDir(), Home: t.TempDir()}
	t.Setenv("DBX_CONTAINER_MANAGER", "")
	if err := os.Mkdir(filepath.Join(f.Config, "distrobox"), 0o755); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(f.Config, "distrobox", "distrobox.conf")
	if err := os.WriteFile(conf, []byte("container_manager=\"docker\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ContainerManager(f); got != "docker" {
		t.Errorf("manager %q", got)
	}
	if err := os.Symlink("distrobox.conf", conf+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(conf+".new", conf); err != nil { // a link to itself
		t.Fatal(err)
	}
	if got := ContainerManager(f); got == "podman" || got == "docker" || got == "" {
		t.Errorf("manager %q", got)
	}
}
