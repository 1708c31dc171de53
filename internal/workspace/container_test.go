package workspace

import (
	"slices"
	"testing"
)

// TestContainerTool checks that only containers of distrobox and toolbox are not the host.
func TestContainerTool(t *testing.T) {
	tests := []struct {
		name      string
		vars      map[string]string
		files     []string
		tool, run string
	}{
		{"a host", nil, nil, "", ""},
		{"podman", map[string]string{"container": "podman"}, []string{"/run/.containerenv"}, "", ""},
		{"docker", nil, []string{"/.dockerenv"}, "", ""},
		{"distrobox", map[string]string{"CONTAINER_ID": "dev"}, []string{"/run/.containerenv"}, "distrobox", "distrobox-host-exec"},
		{"distrobox, without its variable", nil, []string{"/run/.toolboxenv", "/usr/bin/distrobox-host-exec"}, "distrobox", "distrobox-host-exec"},
		{"toolbox", map[string]string{"TOOLBOX_PATH": "/usr/bin/toolbox"}, []string{"/run/.toolboxenv"}, "toolbox", "flatpak-spawn --host"},
		{"toolbox, without its variable", nil, []string{"/run/.toolboxenv"}, "toolbox", "flatpak-spawn --host"},
	}
	for _, tt := range tests {
		tool, run := containerTool(func(name string) string { return tt.vars[name] }, func(path string) bool { return slices.Contains(tt.files, path) })
		if tool != tt.tool || run != tt.run {
			t.Errorf("%s: %q, %q", tt.name, tool, run)
		}
	}
}
