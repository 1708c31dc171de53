package gen

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"
)

// toolchainsSection is the data for toolchain-installers.tmpl.
type toolchainsSection struct {
	Manifest   string // where toolchains are added
	Toolchains []toolchain
}

// A toolchain is a program that installs others.
type toolchain struct {
	Name      value
	Path      value // of the program in the image
	Member    value // its path in the downloaded archive; empty: the download is the program
	Downloads []download
}

// A download is a toolchain's file for one architecture.
type download struct {
	Arch, URL, SHA256 value
	Zip               bool // it is an archive that tar does not read
}

func toolchainsData(in input, t *trace) (any, error) {
	d, err := load[manifest.Toolchains](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := toolchainsSection{Manifest: in.manifest}
	lists, err := packageLists(in.manifestCache)
	errs := []error{err}
	if len(d.Content.Toolchains) == 0 {
		errs = nil // no toolchain, so the lists do not matter
	}
	for i, c := range d.Content.Toolchains {
		e := d.Entry(strictjson.Item("/toolchains", i), c.Name, c.Comment)
		errs = append(errs, checkInstaller(lists, c, e))
		s.Toolchains = append(s.Toolchains, newToolchain(c, e, t))
	}
	sortBy(s.Toolchains, func(c toolchain) value { return c.Name })
	return s, errors.Join(errs...)
}

func newToolchain(c manifest.Toolchain, e manifest.Entry, t *trace) toolchain {
	tool := toolchain{Name: t.value(c.Name, e), Path: t.value(c.Path, e)}
	if c.Member != "" {
		tool.Member = t.value(c.Member, e)
	}
	for _, arch := range c.Architectures() {
		tool.Downloads = append(tool.Downloads, download{
			t.value(arch, e), t.value(c.URL[arch], e), t.value(c.SHA256[arch], e), strings.HasSuffix(c.URL[arch], ".zip")})
	}
	return tool
}

// rule is the reason in errors about toolchains.
const rule = "the image has the installer of a toolchain, the user's home has what it installs"

// packageLists returns the package manifests of both images that can be read, and
// the errors of those that cannot.
func packageLists(s *manifestCache) (all []manifest.Document[manifest.Packages], err error) {
	for _, name := range []string{manifest.SystemPackagesPath, manifest.ToolboxPackagesPath} {
		d, errLoad := load[manifest.Packages](s, name)
		if errLoad == nil {
			all = append(all, d)
		}
		err = errors.Join(err, errLoad)
	}
	return all, err
}

// checkInstaller returns an error if a toolchain is in the wrong place.
func checkInstaller(lists []manifest.Document[manifest.Packages], c manifest.Toolchain, e manifest.Entry) error {
	var errs []error
	if isHome(c.Path) {
		err := fmt.Errorf("%s: toolchain %s would be installed in a home: %s", e, c.Name, rule)
		errs = append(errs, hint.Add(err, "set its path to a folder of the image, such as %q", "/usr/local/bin/"+c.Name))
	}
	for _, d := range lists {
		if i := slices.Index(d.Content.PackageNames(), c.Name); i >= 0 {
			err := fmt.Errorf("%s: toolchain %s is also installed as a package (at %s): one of the two would be used, and the other updated", e, c.Name, d.Entry(d.Content.PackagePointer(i), "", ""))
			errs = append(errs, hint.Add(err, "remove it from one of the two"))
		}
	}
	return errors.Join(errs...)
}

// isHome reports whether a path is in the home of a user.
func isHome(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/var/home/", "/root/", "/var/roothome/"},
		func(home string) bool { return strings.HasPrefix(path, home) })
}
