package pipeline

import (
	"fmt"

	"bkt/internal/host"
	"bkt/internal/plainfile"
)

// exporter is the command of distrobox that hooks run in their container.
const exporter = "distrobox-export"

// distroboxCommands returns the texts of distrobox's commands on this machine for
// containers, by their names; none if distrobox is not installed.
func distroboxCommands() (map[string]string, error) {
	path, ok := host.Find(exporter)
	if !ok {
		return nil, nil
	}
	text, err := plainfile.Read(path, plainfile.MaxContainerfile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return map[string]string{exporter: string(text)}, nil
}
