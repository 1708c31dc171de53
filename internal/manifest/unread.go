package manifest

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/strictjson"
)

// An UnreadFile is a file among the manifests of a repository, or of an earlier bkt, that bkt
// does not read. Its error says so, and its hint what to do.
type UnreadFile struct {
	error
	Misspelled bool // its name is nearly that of a manifest
}

// Unwrap returns the error, for package hint.
func (u UnreadFile) Unwrap() error { return u.error }

// elsewhere says what to do with files of other programs, above all of an earlier bkt: the
// meaning of each, and where bkt has what it declares.
var elsewhere = map[string][2]string{
	Folder + "/homebrew.json":               {"packages of Homebrew", "bkt does not manage these: keep it for the program that reads it, or list them in a Brewfile for \"brew bundle\""},
	Folder + "/host-shims.json":             {"commands of the host in a container", "link each of them in toolbox/Containerfile, as in RUN ln -s /usr/bin/distrobox-host-exec /usr/local/bin/podman"},
	Folder + "/host-binaries.json":          {"programs that are downloaded for the host", "declare their packages in " + SystemPackagesPath + " or " + ExternalReposPath + ", or download them in the Containerfile, with ADD --checksum"},
	Folder + "/image-config.json":           {"files, units and commands of the image", "move files and units into " + SystemConfigPath + ", and commands into RUN instructions of the Containerfile"},
	Folder + "/vendor-artifacts.json":       {"packages that are downloaded from their vendors", "declare the repository of each vendor in " + ExternalReposPath + ", or download the package in the Containerfile, with ADD --checksum"},
	Folder + "/base-image-assumptions.json": {"what the base image must have", "write it as \"checks\" in " + ImagePath + ", as in \"rpm -q flatpak\""},
	"upstream/manifest.json":                {"pinned downloads", "declare programs of the toolbox in " + ToolchainsPath + ", and download others in the Containerfile, with ADD --checksum"},
}

// FindUnread returns the files of repo that may be meant as manifests, and that bkt does
// not read: all other JSON files in their folder, and files of an earlier bkt.
func FindUnread(repo fs.FS) ([]UnreadFile, error) {
	var names, files []string
	for _, f := range All() {
		names = append(names, f.Name)
	}
	entries, err := fs.ReadDir(repo, Folder)
	for _, e := range entries {
		if path.Ext(e.Name()) == ".json" && !slices.Contains(names, e.Name()) {
			files = append(files, path.Join(Folder, e.Name()))
		}
	}
	if _, err := fs.Stat(repo, "upstream/manifest.json"); err == nil {
		files = append(files, "upstream/manifest.json")
	}
	var all []UnreadFile
	for _, file := range files {
		all = append(all, unread(file, names))
	}
	return all, patherr.TrimOp(err)
}

// unread says what to do with a file that is not one of the manifests called names.
func unread(file string, names []string) UnreadFile {
	if known, ok := elsewhere[file]; ok {
		return UnreadFile{error: hint.Add(fmt.Errorf("%s: bkt does not read this file, which declares %s", file, known[0]), "%s", known[1])}
	}
	name := path.Base(file)
	for _, other := range names {
		if !strings.HasPrefix(name, strings.TrimSuffix(other, "json")) {
			continue
		}
		err := fmt.Errorf("%s: bkt does not read this file: %s is for all platforms and computers", file, other)
		return UnreadFile{error: hint.Add(err, "move its entries into %s/%s%s", Folder, other, limited(other))}
	}
	near, ok := strictjson.Nearest(name, names)
	if !ok {
		err := fmt.Errorf("%s: bkt does not know this manifest, and ignores the file", file)
		return UnreadFile{error: hint.Add(err, `"bkt schema" lists the manifests that bkt reads`)}
	}
	err := fmt.Errorf("%s: bkt has no manifest of this name, and ignores the file", file)
	return UnreadFile{hint.Add(err, "did you mean %q?", near), true}
}

// limited says how entries of a manifest are limited to some computers, if they can be.
func limited(name string) string {
	switch path.Join(Folder, name) {
	case FlatpakInstallationsPath, FlatpakRemotesPath, FlatpakAppsPath, FlatpakOverridesPath, ExtensionsPath, SettingsPath, AppImagesPath, DistroboxPath:
		return ", with \"hosts\" if they are for some computers only"
	}
	return ""
}
