package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/filetree"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/strictjson"
)

// A need is a section that uses what another one has put into the image.
type need struct{ section, above, why string }

// needs has the sections that should be below others. Where dnf or systemctl would
// refuse the other order, it is an error: see precedesInStage.
var needs = []need{
	{"SYSTEMD_UNITS", "SYSTEM_PACKAGES", "its packages may bring the units"},
	{"HOST_EXPORTS", "SYSTEM_PACKAGES", "its packages could replace the wrappers"},
	{"TOOLCHAIN_INSTALLERS", "TOOLBOX_PACKAGES", "its packages may bring the programs that download and unpack"},
}

// warnOrder warns about sections that should be below others and are above them, in the
// same stage or in one that the other's stage is FROM.
func (r *renderer) warnOrder() {
	for _, n := range needs {
		i, above := r.indexOf(n.section), r.indexOf(n.above)
		if !r.hasEntries(i) || !r.hasEntries(above) || r.spans[above].Start < r.spans[i].Start {
			continue
		}
		all := r.stages()
		if !slices.Contains(all.Lineage(all.At(r.spans[above].Start)), all.At(r.spans[i].Start)) {
			continue
		}
		place := manifest.Entry{File: r.file, Position: manifest.Position{Line: r.spans[i].Start + 1}}
		what := fmt.Sprintf("section %s should be below section %s (line %d): %s", n.section, n.above, r.spans[above].Start+1, n.why)
		r.warnings = append(r.warnings, hint.Add(warning("section-order", place, what), "move section %s", n.section))
	}
}

// warnOtherImages warns about entries of an image for which the repository has no
// Containerfile: nothing would ever render them. Manifests that are not for images alone
// do not count.
func (r *renderer) warnOtherImages() {
	if r.file != Containerfile(r.image) {
		return
	}
	for _, image := range Images() {
		name := Containerfile(image)
		if _, err := fs.Stat(r.manifests.repo, name); image == r.image || !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var said []string // manifests
		for _, s := range sections {
			file := s.manifests[image]
			if file == "" || slices.Contains(append(said, manifest.ImagePath, manifest.DistroboxPath), file) {
				continue
			}
			t := &trace{}
			_, err := s.data(input{
				image: image, manifest: file, manifestCache: r.manifests, warn: func(error) {}, installs: func(Installed) {},
				precedesInStage: func(string) (bool, error) { return false, nil },
			}, t)
			if err != nil {
				said = append(said, file)
				r.warnings = append(r.warnings, hint.Split(err)...)
			} else if len(t.entries) > 0 {
				said = append(said, file)
				r.warnings = append(r.warnings, hint.Add(warning("image-missing", t.entries[0], fmt.Sprintf("the repository has no %s for this entry", name)),
					"run \"bkt init\", which creates it"))
			}
		}
	}
}

// hasEntries reports whether span i was rendered from entries of a manifest.
func (r *renderer) hasEntries(i int) bool {
	return i >= 0 && r.traces[i] != nil && len(r.traces[i].entries) > 0
}

// checkUnitFiles returns an error if a unit of the manifest is among its files, and
// section SYSTEM_FILES is not above: systemctl would not find the unit.
func (in input) checkUnitFiles(d manifest.Document[manifest.SystemConfig]) error {
	files, err := in.sources(in.manifest)
	if err != nil {
		return err
	}
	u := d.Content.Systemd
	for scope, units := range map[string][]string{"system": slices.Concat(u.Enable, u.Disable), "user": slices.Concat(u.User.Enable, u.User.Disable)} {
		for _, f := range files {
			if slices.ContainsFunc(f.found.Items, func(it filetree.Item) bool { return isFileOf(units, scope, it.Dest) }) {
				_, err := in.precedesInStage("SYSTEM_FILES")
				return err
			}
		}
	}
	return nil
}

// isFileOf reports whether a file of the image is that of one of some units, or of the
// template of an instance (systemd.unit(5)).
func isFileOf(units []string, scope, file string) bool {
	dir, name := path.Split(file)
	folder := "/systemd/" + scope + "/"
	return slices.Contains([]string{"/etc" + folder, "/usr/lib" + folder, "/usr/local/lib" + folder}, dir) &&
		slices.ContainsFunc(units, func(unit string) bool {
			prefix, _, _ := strings.Cut(unit, "@")
			return name == unit || name == prefix+"@"+path.Ext(unit)
		})
}

// checkOwners looks for packages of external repositories that other entries name, too.
// dnf would take the package from any of its origins. It refuses to install one that is
// excluded.
func (in input) checkOwners(d manifest.Document[manifest.ExternalRepos]) error {
	p, err := load[manifest.Packages](in.manifestCache, manifest.SystemPackagesPath)
	if err != nil {
		return nil // section SYSTEM_PACKAGES has the error
	}
	var errs []error
	first := map[string]manifest.Entry{}
	for i, r := range d.Content.Repos {
		at := strictjson.Item("/repos", i)
		for k, spec := range r.Packages {
			e := d.Entry(strictjson.Item(at+"/packages", k), spec, r.Comment)
			if other, ok := first[spec]; ok {
				in.warn(hint.Add(warning("package-twice", e, fmt.Sprintf("package %s is also in another repository, at %s", spec, other)),
					"keep it in the repository that it has to come from"))
				continue
			}
			first[spec] = e
			errs = append(errs, in.checkExcluded(p, spec, e))
		}
	}
	for i, pkg := range p.Content.Packages {
		if other, ok := first[pkg.Name]; ok && pkg.Bare { // an object has options for it
			e := p.Entry(p.Content.PackagePointer(i), pkg.Name, pkg.Comment)
			in.warn(hint.Add(warning("package-twice", e, fmt.Sprintf("package %s is also in a repository, at %s", pkg.Name, other)),
				"remove it here: section %s installs the packages of repositories, too", "SYSTEM_PACKAGES"))
		}
	}
	return errors.Join(errs...)
}

// checkExcluded returns an error if package spec of an external repository, the entry e,
// is excluded.
func (in input) checkExcluded(p manifest.Document[manifest.Packages], spec string, e manifest.Entry) error {
	for i, excluded := range p.Content.Excluded {
		if matched, err := path.Match(excluded, spec); matched && err == nil {
			err := fmt.Errorf("%s: package %s is to be installed, and excluded at %s", e, spec, p.Entry(strictjson.Item("/excluded", i), "", ""))
			return hint.Add(err, "remove it from one of the two")
		}
	}
	return nil
}
