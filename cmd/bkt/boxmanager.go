package main

import (
	"os"
	"path/filepath"
	"regexp"

	"bkt/internal/host"
)

// boxManager returns the program that distrobox keeps its boxes with, by its
// environment and its configuration (distrobox(1)), "" if there is none. A
// configuration that works the name out, as it is a shell's, or that cannot be
// read, gives a name that no program has.
func (f folders) boxManager() string {
	named := os.Getenv("DBX_CONTAINER_MANAGER")
	if named == "" {
		named = f.configuredManager()
	}
	if named != "" && named != "autodetect" {
		return named
	}
	for _, program := range []string{"podman", "docker"} {
		if host.Installed(program) {
			return program
		}
	}
	return ""
}

// configuredManager returns what the last of distrobox's configurations says.
func (f folders) configuredManager() string {
	says := regexp.MustCompile(`(?m)^\s*(?:export\s+)?container_manager\s*=\s*["']?([^"'\s#;]*)`)
	named := ""
	for _, dir := range []string{"/usr/share/distrobox/distrobox.conf", "/usr/etc/distrobox/distrobox.conf", "/etc/distrobox/distrobox.conf",
		filepath.Join(f.config, "distrobox/distrobox.conf"), filepath.Join(f.home, ".distroboxrc")} {
		text, err := os.ReadFile(dir)
		if unlessAbsent(err) != nil {
			named = "unknown, as " + plainPathError(err).Error() // no program has that name
		}
		for _, match := range says.FindAllSubmatch(text, -1) {
			named = string(match[1])
		}
	}
	return named
}
