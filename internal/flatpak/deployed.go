package flatpak

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"bkt/internal/gvariant"
	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
)

// A deployed is an app or a runtime in the files of an installation, with the branch and
// the commit that it has there, or the error of these files.
type deployed struct {
	manifest.FlatpakApp
	arch   string
	dir    string       // its files
	config keyfile.File // of the installation
	err    error
}

// keys returns the key of the app with its branch. If that is unknown, they are all keys
// under which known apps have its id.
func (d deployed) keys(known []manifest.FlatpakApp) []string {
	keys := []string{d.Key()}
	for _, k := range known {
		if d.Branch == "" && k.ID == d.ID && k.Scope == d.Scope && k.Runtime == d.Runtime {
			keys = append(keys, k.Key())
		}
	}
	return keys
}

// An inventory has the apps and runtimes of all installations.
type inventory struct {
	all     []deployed
	foreign []string // apps for other architectures only
}

// add adds the configuration of an installation to what it has. An app is from a bundle if
// its remote has no URL: flatpak then makes the remote, and calls it after the file.
func (in *inventory) add(scope manifest.Scope, config keyfile.File) {
	for n := range in.all {
		d := &in.all[n]
		if d.Scope != scope {
			continue
		}
		d.config = config
		if group := remoteGroup(d.Remote); isOrigin(config, d.Remote) && config.Get(group, "url") == "" {
			d.Bundle = bundleName(config.Get(group, "xa.title"), d.ID)
		}
	}
}

// isOnly reports whether an app has one branch in its installation.
func (in *inventory) isOnly(d deployed) bool {
	branches := 0
	for n := range in.all {
		if o := &in.all[n]; o.ID == d.ID && o.Scope == d.Scope && o.Runtime == d.Runtime {
			branches++
		}
	}
	return branches == 1
}

// fullCommit is the length of a commit. A shorter commit, such as one from the output of
// "flatpak list", cannot be pinned: it is kept and ignored.
const fullCommit = 64

// read adds what an installation has of some kinds for an architecture. If the branches of
// one cannot be read, it has none.
func (in *inventory) read(scope manifest.Scope, dir, arch string, kinds ...string) error {
	var errs []error
	for _, kind := range kinds {
		ids, err := names(filepath.Join(dir, kind))
		errs = append(errs, err)
		for _, id := range ids {
			of := manifest.FlatpakApp{ID: id, Scope: scope, Runtime: kind == runtimeKind}
			found := readBranches(of, filepath.Join(dir, kind, id, arch), arch)
			in.all = append(in.all, found...)
			if len(found) == 0 && kind == appKind {
				in.findForeign(of, filepath.Join(dir, kind, id))
			}
		}
	}
	return errors.Join(errs...)
}

// findForeign notes the architectures for which an app is installed.
func (in *inventory) findForeign(of manifest.FlatpakApp, dir string) {
	archs, _ := names(dir)
	for _, arch := range archs {
		for _, d := range readBranches(of, filepath.Join(dir, arch), arch) {
			in.foreign = append(in.foreign, fmt.Sprintf("%s (%s)", of.Key(), arch+"/"+d.Branch))
		}
	}
}

func readBranches(of manifest.FlatpakApp, dir, arch string) []deployed {
	branches, err := names(dir)
	if err != nil {
		return []deployed{{FlatpakApp: of, arch: arch, dir: dir, err: err}}
	}
	var all []deployed
	for _, branch := range branches {
		d := deployed{FlatpakApp: of, arch: arch, dir: filepath.Join(dir, branch, "active")}
		d.Branch = branch
		d.err = d.readDeploy(filepath.Join(d.dir, "deploy"))
		if !patherr.IsMissing(d.err) || isInstalled(filepath.Join(dir, branch)) {
			all = append(all, d)
		}
	}
	return all
}

// names returns the names of the files in a folder, none if the folder does not exist.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if patherr.IsMissing(err) {
		return nil, nil
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all, err
}

// deployType is the type of a deploy file: the remote, the commit, subpaths, the size and
// further facts.
const deployType = "(ssasta{sv})"

// formerKey is the fact that says which ids an app had before.
const formerKey = "previous-ids"

// readDeploy reads the remote and the commit of an app, and the ids that it had before.
func (d *deployed) readDeploy(path string) error {
	data, err := plainfile.Read(path, plainfile.MaxText)
	if err != nil {
		return err
	}
	origin, rest, ok1 := bytes.Cut(data, []byte{0})
	commit, _, ok2 := bytes.Cut(rest, []byte{0})
	if !ok1 || !ok2 || len(commit) != fullCommit || len(origin) == 0 {
		return fmt.Errorf("%s is damaged", path)
	}
	d.Remote, d.Commit = string(origin), string(commit)
	if !bytes.Contains(data, []byte(formerKey)) {
		return nil
	}
	d.Former, err = readFormer(data)
	if err != nil {
		err = fmt.Errorf("%s is damaged: %w", path, err)
	}
	return err
}

// readFormer returns the former ids in the data of a deploy file.
func readFormer(data []byte) ([]string, error) {
	v, err := gvariant.Decode(deployType, data)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range v.Inner()[4].Inner() {
		if name, _ := entry.Inner()[0].Text(); name != formerKey {
			continue
		}
		for _, id := range entry.Inner()[1].Inner()[0].Inner() {
			text, _ := id.Text()
			ids = append(ids, text)
		}
	}
	return slices.Clip(ids), nil
}
