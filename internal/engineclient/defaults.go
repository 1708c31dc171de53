package engineclient

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/version"
)

// Defaults returns the folder and the socket of the own engine of the user uid. env
// looks up a variable, like [os.Getenv].
func Defaults(env func(string) string, uid int) (root, socket string, err error) {
	data, runtime := absolute(env("XDG_DATA_HOME")), absolute(env("XDG_RUNTIME_DIR"))
	home := absolute(env("HOME"))
	switch {
	case data != "":
		root = filepath.Join(data, "bkt", "engine")
	case uid == 0:
		root = "/var/lib/bkt/engine"
	case home != "":
		root = filepath.Join(home, ".local", "share", "bkt", "engine")
	default:
		return "", "", errors.New("no folder for the cache of the engine: neither HOME nor XDG_DATA_HOME is set")
	}
	switch {
	case runtime != "":
		socket = filepath.Join(runtime, "bkt", "engine.sock")
	case uid == 0:
		socket = "/run/bkt/engine.sock"
	default:
		socket = filepath.Join(root, "engine.sock")
	}
	return root, socket, contract.CheckSocket(socket)
}

// absolute returns path if it is absolute, or else "": the XDG specification
// says to ignore relative paths.
func absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return ""
}

// FindEngine returns the path of the program bkt-engine: in the folder of executable,
// in PATH, or in ../libexec/bkt.
func FindEngine(executable string) (string, error) {
	const name = "bkt-engine"
	dir := filepath.Dir(executable)
	path := filepath.Join(dir, name)
	if isExecutable(path) {
		return path, nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	libexec := filepath.Join(dir, "..", "libexec", "bkt", name)
	if isExecutable(libexec) {
		return libexec, nil
	}
	return "", hint.Add(fmt.Errorf("%s is not installed: it is neither %s, nor in PATH, nor %s", name, path, libexec),
		"install it in the folder of bkt, or name another BuildKit with --engine%s", version.AtReleases())
}

func isExecutable(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
