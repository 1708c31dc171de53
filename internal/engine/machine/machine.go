// Package machine finds what an engine needs on this machine: a program that runs
// containers, namespaces, and subordinate ids for users other than root.
package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"
)

// A Prepared has what an engine needs on this machine.
type Prepared struct {
	Runtime string // path of runc or crun
	mapping        // of users and groups; root needs none
}

// Prepare finds everything that the engine needs before it starts anything, so that one
// error names all missing parts.
func Prepare(path string) (Prepared, error) {
	runtime, missing := findRuntime(path)
	p := Prepared{Runtime: runtime}
	if os.Geteuid() == 0 {
		return p, missing
	}
	var err error
	p.mapping, err = findMapping(path)
	return p, errors.Join(missing, err)
}

// MapUsers sets the users and groups of the process pid, which has just entered a
// user namespace.
func (p Prepared) MapUsers(pid int) error { return p.mapping.apply(pid) }

// lookPath finds a program in path, or in the sbin folder next to one of its bin
// folders: Debian has runc there, which is not in the path of users.
func lookPath(path, program string) (string, bool) {
	for _, dir := range filepath.SplitList(path) {
		places := []string{dir}
		if filepath.Base(dir) == "bin" {
			places = append(places, filepath.Join(filepath.Dir(dir), "sbin"))
		}
		for _, place := range places {
			file, err := exec.LookPath(filepath.Join(place, program))
			if err == nil && filepath.IsAbs(file) {
				return file, true
			}
		}
	}
	return "", false
}

// findRuntime finds the program that runs containers.
func findRuntime(path string) (string, error) {
	if runc, ok := lookPath(path, "runc"); ok {
		return runc, nil
	}
	crun, ok := lookPath(path, "crun")
	if !ok {
		return "", hintRuntime(errors.New("no program to run containers: neither runc nor crun is installed"))
	}
	version, err := crunVersion(crun)
	if err != nil {
		return "", err
	}
	if !recentCrun(version) {
		return "", hintRuntime(fmt.Errorf("%s: version %s is too old (1.15 is needed), and runc is not installed", crun, version))
	}
	return crun, nil
}

// tun is the device of which pasta makes a network interface.
const tun = "/dev/net/tun"

// FindPasta finds the program that connects the network of build steps, and checks that
// it can make an interface. An engine also works without it.
func FindPasta(path string) (string, error) {
	pasta, ok := lookPath(path, "pasta")
	if !ok {
		return "", hint.Add(errors.New("pasta is not installed"), "install passt: \"apt install passt\" or \"dnf install passt\"")
	}
	f, err := os.OpenFile(tun, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		err = hint.Add(patherr.TrimOp(err), "let users open it: \"sudo chmod 0666 %s\"", tun)
	} else if err != nil {
		err = hint.Add(patherr.TrimOp(err), "run \"sudo modprobe tun\"; to a container, pass the device with --device %s", tun)
	}
	if err != nil {
		return "", fmt.Errorf("pasta cannot be used: %w", err)
	}
	return pasta, f.Close()
}

func hintRuntime(err error) error {
	return hint.Add(err, "install runc (or crun 1.15 or later): \"apt install runc\", \"dnf install runc\" or, on an image-based system, \"rpm-ostree install runc\"")
}

// crunVersion asks crun for its version: "crun version 1.21" is its first line.
func crunVersion(crun string) (string, error) {
	out, err := exec.CommandContext(context.Background(), crun, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", crun, err)
	}
	fields := strings.Fields(string(out))
	if len(fields) < 3 {
		return "", fmt.Errorf("%s --version: cannot parse %q", crun, out)
	}
	return fields[2], nil
}

// recentCrun reports whether crun has the flag --keep, which BuildKit needs.
func recentCrun(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	if errX != nil || errY != nil {
		return false
	}
	return x > 1 || x == 1 && y >= 15
}
