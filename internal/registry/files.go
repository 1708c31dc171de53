package registry

import (
	"errors"
	"os"
	"path/filepath"

	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// checkConfiguration returns an error if a file that the library reads is a pipe or a
// device, for which the library would wait. containers-auth.json(5),
// containers-registries.conf(5) and containers-policy.json(5) have their names.
func checkConfiguration() error {
	home, _ := os.UserHomeDir() // without one, its files are not read
	own := filepath.Join(home, ".config", "containers")
	files := []string{
		os.Getenv("REGISTRY_AUTH_FILE"), filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json"),
		filepath.Join(own, "auth.json"), filepath.Join(home, ".docker", "config.json"), filepath.Join(home, ".dockercfg"),
	}
	if set := os.Getenv("XDG_CONFIG_HOME"); set != "" {
		files = append(files, filepath.Join(set, "containers", "auth.json"))
	}
	for _, dir := range []string{own, "/etc/containers"} {
		files = append(files, filepath.Join(dir, "policy.json"), filepath.Join(dir, "registries.conf"))
		more, _ := filepath.Glob(filepath.Join(dir, "registries.conf.d", "*.conf"))
		files = append(files, more...)
	}
	var errs []error
	for _, name := range files {
		f, err := plainfile.Open(name)
		if err == nil {
			err = f.Close()
		}
		if errors.Is(err, plainfile.ErrNotPlain) {
			errs = append(errs, patherr.TrimOp(err))
		}
	}
	return errors.Join(errs...)
}
