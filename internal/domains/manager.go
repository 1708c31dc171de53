package domains

import (
	"os"
	"path/filepath"
	"regexp"

	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/workspace"
)

// ContainerManager returns the program with which distrobox manages containers, from
// distrobox's environment and configuration (see distrobox(1)), or "" if none is installed.
// A configuration is a shell script: if it computes the name, or cannot be read, the result
// is a name that no program has.
func ContainerManager(f workspace.Folders) string {
	named := os.Getenv("DBX_CONTAINER_MANAGER")
	if named == "" {
		named = configuredManager(f)
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

// configuredManager returns the manager in the last of distrobox's configurations.
func configuredManager(f workspace.Folders) string {
	assignment := regexp.MustCompile(`(?m)^\s*(?:export\s+)?container_manager\s*=\s*["']?([^"'\s#;]*)`)
	named := ""
	for _, dir := range []string{"/usr/share/distrobox/distrobox.conf", "/usr/etc/distrobox/distrobox.conf", "/etc/distrobox/distrobox.conf",
		filepath.Join(f.Config, "distrobox/distrobox.conf"), filepath.Join(f.Home, ".distroboxrc")} {
		text, err := plainfile.Read(dir, plainfile.MaxText)
		if patherr.UnlessMissing(err) != nil {
			named = "unknown, as " + patherr.TrimOp(err).Error() // no program has that name
		}
		for _, match := range assignment.FindAllSubmatch(text, -1) {
			named = string(match[1])
		}
	}
	return named
}
