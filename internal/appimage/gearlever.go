package appimage

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"bkt/internal/keyfile"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
)

// gearLever has the settings of Gear Lever for AppImages, from its gearlever.conf. That is
// a file of Python's configparser: % is doubled, and keys are in lower case.
type gearLever struct {
	file keyfile.File
	used bool
}

func readGearLever(path string) (gearLever, error) {
	text, err := plainfile.Read(path, plainfile.MaxText)
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

// group returns the group of Gear Lever for a file. A second group has the settings for its
// updates.
func group(path string) string {
	sum := md5.Sum([]byte(path))
	return "app." + hex.EncodeToString(sum[:])
}

const managerSuffix = ".update_manager"

func (g gearLever) get(group, key string) string {
	return strings.ReplaceAll(g.file.Raw(group, key), "%%", "%")
}

// The managers of updates of Gear Lever that bkt can replace.
const (
	managerGitHub = "GithubUpdater"
	managerURL    = "StaticFileUpdater"
)

// source returns the source from which Gear Lever updates a file, and its manager of
// updates, "" if it has none.
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

// gearLeverEdit returns the step that brings gearlever.conf up to date with the file at
// path, which was installed as app a or, if a is nil, removed. Keys that bkt does not
// know stay.
func gearLeverEdit(conf, path string, a *app) plan.Step {
	at := group(path)
	e := plan.EditKeyFile{Path: conf, LowerKeys: true}
	if a == nil {
		e.Remove, e.Summary = []string{at, at + managerSuffix}, "forget "+path
		return e
	}
	e.Summary = "source of " + path
	e.Set = append(set(at, "name", a.Name, "file_path", path), set(at+managerSuffix, managed(*a)...)...)
	return e
}

// managed returns the keys and values of Gear Lever's manager of updates. Gear Lever 4 reads
// "repo", and earlier versions "repo_url".
func managed(a app) []string {
	if a.Repo == "" {
		return []string{"manager", managerURL, "url", a.URL}
	}
	prereleases := "False"
	if a.Prereleases {
		prereleases = "True"
	}
	return []string{"manager", managerGitHub, "repo_url", "https://github.com/" + a.Repo, "repo", a.Repo, "repo_filename", a.Asset, "allow_prereleases", prereleases}
}

func set(group string, keysAndValues ...string) []plan.KeyValue {
	var all []plan.KeyValue
	for i := 0; i+1 < len(keysAndValues); i += 2 {
		all = append(all, plan.KeyValue{Group: group, Key: keysAndValues[i], Value: strings.ReplaceAll(keysAndValues[i+1], "%", "%%")})
	}
	return all
}
