package workspace

import (
	"errors"
	"io/fs"
	"os"

	"bkt/internal/hint"
)

// CheckHost returns an error if bkt runs in a container of distrobox or toolbox: these share
// the home of the host, with the repository and bkt's state, but have apps, settings and
// units of their own. Any other container, such as one of CI, is a system like any other.
// The hint runs command, such as "bkt drift", on the host.
func CheckHost(command string) error {
	tool, run := containerTool(os.Getenv, func(path string) bool {
		_, err := os.Stat(path)
		return !errors.Is(err, fs.ErrNotExist)
	})
	if tool == "" {
		return nil
	}
	err := errors.New("bkt runs in a container of " + tool + ": it would see the apps, settings and units of the container, not of the host")
	return hint.Add(hint.Add(err, "for the container itself, add --here"), "run it on the host: %s %s", run, command)
}

// containerTool returns the tool that made the container in which bkt runs, and the command
// that runs a program on the host; "" if it runs elsewhere. distrobox sets CONTAINER_ID,
// and toolbox TOOLBOX_PATH; programs that are started without these variables find the file,
// which both write.
func containerTool(getenv func(string) string, exists func(string) bool) (tool, run string) {
	const distroboxRun = "distrobox-host-exec"
	switch {
	case getenv("CONTAINER_ID") != "":
		return "distrobox", distroboxRun
	case getenv("TOOLBOX_PATH") == "" && !exists("/run/.toolboxenv"):
		return "", ""
	case exists("/usr/bin/" + distroboxRun):
		return "distrobox", distroboxRun
	}
	return "toolbox", "flatpak-spawn --host"
}
