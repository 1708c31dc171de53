package manager

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"bkt/internal/plainfile"
)

// FindProcess finds the first process of a container in the state of its runtime, runc or
// crun, of a user whose runtime folder is runtimeDir. Without that state, or if the
// process has ended, the container stays as it is. It starts no process: podman is
// slower than all other questions together.
func (c *Container) FindProcess(runtimeDir, proc string) {
	if runtimeDir == "" || c.Running {
		return
	}
	for _, file := range []string{"runc/" + c.ID + "/state.json", "crun/" + c.ID + "/status"} {
		text, err := plainfile.Read(filepath.Join(runtimeDir, file), plainfile.MaxText)
		var state struct {
			Runc int `json:"init_process_pid"`
			Crun int `json:"pid"`
		}
		if err != nil || json.Unmarshal(text, &state) != nil {
			continue
		}
		if pid := max(state.Runc, state.Crun); c.has(proc, pid) {
			c.Running, c.PID = true, pid
			return
		}
	}
}

// has reports whether a process belongs to a container: another process may have its
// number by now. podman writes the file into privileged containers, as those of distrobox
// are.
func (c *Container) has(proc string, pid int) bool {
	text, err := plainfile.Read(filepath.Join(proc, fmt.Sprint(pid), "root/run/.containerenv"), plainfile.MaxText)
	return err == nil && strings.Contains(string(text), "id=\""+c.ID+"\"\n")
}
