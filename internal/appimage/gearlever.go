package appimage

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/keyfile"
)

// gearLever has what Gear Lever knows of AppImages, in its gearlever.conf. That
// is a file of Python's configparser: % is doubled, and keys are in lower case.
type gearLever struct {
	file keyfile.File
	used bool
}

func readGearLever(path string) (gearLever, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return gearLever{}, nil
	}
	if err != nil {
		return gearLever{}, err
	}
	f, err := parseGearLever(text)
	if err != nil {
		return gearLever{}, fmt.Errorf("%s: %w", path, err)
	}
	return gearLever{f, true}, nil
}

func parseGearLever(text []byte) (keyfile.File, error) {
	f, err := keyfile.Parse(text)
	for _, g := range f {
		for i := range g.Entries {
			g.Entries[i].Key = strings.ToLower(g.Entries[i].Key)
		}
	}
	return f, err
}

// group returns where Gear Lever keeps what it knows of a file. What it knows of
// its updates is in the group beside.
func group(path string) string {
	sum := md5.Sum([]byte(path))
	return "app." + hex.EncodeToString(sum[:])
}

const managerSuffix = ".update_manager"

func (g gearLever) get(group, key string) string {
	return strings.ReplaceAll(g.file.Raw(group, key), "%%", "%")
}

// Gear Lever's managers of updates that bkt can stand in for.
const (
	managerGitHub = "GithubUpdater"
	managerURL    = "StaticFileUpdater"
)

// source returns where Gear Lever gets new versions of a file, and the manager
// that does, "" if there is none.
func (g gearLever) source(path string) (app, string) {
	at := group(path) + managerSuffix
	manager := g.get(at, "manager")
	var a app
	switch manager {
	case managerGitHub:
		repo := g.get(at, "repo_url")
		if repo == "" {
			repo = g.get(at, "repo")
		}
		a.Repo = strings.TrimSuffix(strings.TrimPrefix(repo, "https://github.com/"), "/")
		a.Asset = strings.TrimSuffix(g.get(at, "repo_filename"), zsyncSuffix)
		a.Prereleases, _ = strconv.ParseBool(strings.ToLower(g.get(at, "allow_prereleases")))
	case managerURL:
		a.URL = g.get(at, "url")
	}
	return a, manager
}

// A gearLeverEdit brings gearlever.conf in step with what was installed or
// removed. Keys that it does not know stay.
type gearLeverEdit struct {
	path string // of the file
	app  *app   // nil: it was removed
}

// String implements [plan.Editor].
func (e gearLeverEdit) String() string {
	if e.app == nil {
		return "forget " + e.path
	}
	return "source of " + e.path
}

// Edit implements [plan.Editor]. Where Gear Lever is not used there is nothing to
// keep in step.
func (e gearLeverEdit) Edit(text []byte) ([]byte, error) {
	if text == nil {
		return nil, nil
	}
	f, err := parseGearLever(text)
	if err != nil {
		return nil, err
	}
	before, at := f.String(), group(e.path)
	if e.app == nil {
		f = slices.DeleteFunc(f, func(g keyfile.Group) bool { return g.Name == at || g.Name == at+managerSuffix })
	} else {
		f = set(f, at, "name", e.app.Name, "file_path", e.path)
		f = set(f, at+managerSuffix, managed(*e.app)...)
	}
	if f.String() == before {
		return nil, nil
	}
	return []byte(f.String()), nil
}

// managed returns the keys and values of Gear Lever's manager of updates.
func managed(a app) []string {
	if a.Repo == "" {
		return []string{"manager", managerURL, "url", a.URL}
	}
	prereleases := "False"
	if a.Prereleases {
		prereleases = "True"
	}
	return []string{"manager", managerGitHub, "repo_url", "https://github.com/" + a.Repo, "repo_filename", a.Asset, "allow_prereleases", prereleases}
}

func set(f keyfile.File, group string, keysAndValues ...string) keyfile.File {
	f, n := f.Open(group)
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		f[n].Set(keysAndValues[i], strings.ReplaceAll(keysAndValues[i+1], "%", "%%"))
	}
	return f
}
