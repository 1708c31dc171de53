package workspace

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
)

// Folders are the user's folders, by the XDG Base Directory Specification
// (https://specifications.freedesktop.org/basedir-spec).
type Folders struct {
	Home, Config, Data, State, Cache string
	Runtime                          string   // "": no session
	DataDirs                         []string // of the system, in order of precedence
}

// FindFolders returns the folders of the user that runs bkt. It fails if the user
// has no home folder, or one that depends on where bkt is started.
func FindFolders() (Folders, error) {
	home, err := Home()
	if err != nil {
		return Folders{}, err
	}
	return Folders{
		Home:     home,
		Config:   folder("XDG_CONFIG_HOME", home, ".config"),
		Data:     folder("XDG_DATA_HOME", home, ".local/share"),
		State:    folder("XDG_STATE_HOME", home, ".local/state"),
		Cache:    folder("XDG_CACHE_HOME", home, ".cache"),
		Runtime:  os.Getenv("XDG_RUNTIME_DIR"),
		DataDirs: dataDirs(),
	}, nil
}

// Home returns the home folder of the user that runs bkt.
func Home() (string, error) {
	const use = `set it: export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"`
	home, err := os.UserHomeDir()
	if err == nil && !filepath.IsAbs(home) {
		err = fmt.Errorf("$HOME is %q, which is not an absolute path", home)
	}
	return home, hint.Add(err, use)
}

// folder returns the value of a variable if it is an absolute path, as the
// specification demands, or else a folder below the home folder.
func folder(variable, home, below string) string {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(home, below)
}

func dataDirs() []string {
	dirs := os.Getenv("XDG_DATA_DIRS")
	if dirs == "" {
		dirs = "/usr/local/share:/usr/share"
	}
	return strings.Split(dirs, ":")
}
