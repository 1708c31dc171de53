// Package gen renders the managed sections of Containerfiles from manifests.
//
// [Render] takes the text of a Containerfile and the repository that it belongs
// to, and returns the new text. It writes no file, runs no program and uses no
// network, so that the same manifests give the same bytes on every machine.
// Package gen/lint checks the result.
package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/gen/section"
	"bkt/internal/dockerfile"
	"bkt/internal/manifest"
)

// An Image is one of the two images of a repository. It determines which sections
// its Containerfile may have.
type Image string

// The images.
const (
	System  Image = "system"
	Toolbox Image = "toolbox"
)

// Images returns all images.
func Images() []Image { return []Image{System, Toolbox} }

// ImageOf returns the image that the Containerfile with the given slash-separated
// path in its repository describes: below toolbox/ the toolbox.
func ImageOf(name string) Image {
	if strings.HasPrefix(path.Clean(name), "toolbox/") {
		return Toolbox
	}
	return System
}

// A definition describes how a managed section is rendered.
type definition struct {
	name      string
	manifests map[Image]string // path of the file that it is rendered from, for each image that may have it
	template  string
	// data returns the data for the template, and adds the values in it to the trace.
	data func(in input, t *trace) (any, error)
}

// sections has every managed section, in the order of a Containerfile.
var sections = []definition{
	{ // first of all
		name:      BaseImage,
		manifests: map[Image]string{System: manifest.ImagePath, Toolbox: manifest.ImagePath},
		template:  "base-image.tmpl",
		data:      baseData,
	},
	{ // before the packages, which may come from these repositories
		name:      "EXTERNAL_REPOS",
		manifests: map[Image]string{System: manifest.ExternalReposPath},
		template:  "external-repos.tmpl",
		data:      externalData,
	},
	{ // before the packages, too
		name:      "COPR_REPOS",
		manifests: map[Image]string{System: manifest.SystemPackagesPath, Toolbox: manifest.ToolboxPackagesPath},
		template:  "copr.tmpl",
		data:      coprData,
	},
	{
		name:      "SYSTEM_PACKAGES",
		manifests: map[Image]string{System: manifest.SystemPackagesPath},
		template:  "packages.tmpl",
		data:      packagesData,
	},
	{ // below the packages: it changes more often, and is faster
		name:      "KERNEL_ARGUMENTS",
		manifests: map[Image]string{System: manifest.SystemConfigPath},
		template:  "kernel-arguments.tmpl",
		data:      kargsData,
	},
	{ // before the units, one of which may be among the files
		name:      SystemFiles,
		manifests: map[Image]string{System: manifest.SystemConfigPath},
		template:  "system-files.tmpl",
		data:      filesData,
	},
	{
		name:      SystemdUnits,
		manifests: map[Image]string{System: manifest.SystemConfigPath},
		template:  "systemd-units.tmpl",
		data:      unitsData,
	},
	{ // after the packages, whose programs it must not replace
		name:      "HOST_EXPORTS",
		manifests: map[Image]string{System: manifest.DistroboxPath},
		template:  "host-exports.tmpl",
		data:      exportsData,
	},
	{
		name:      "TOOLBOX_PACKAGES",
		manifests: map[Image]string{Toolbox: manifest.ToolboxPackagesPath},
		template:  "packages.tmpl",
		data:      packagesData,
	},
	{ // after the packages, which may provide the programs that unpack them
		name:      "TOOLCHAIN_INSTALLERS",
		manifests: map[Image]string{Toolbox: manifest.ToolchainsPath},
		template:  "toolchain-installers.tmpl",
		data:      toolchainsData,
	},
	{
		name:      "TOOLBOX_ENVIRONMENT",
		manifests: map[Image]string{Toolbox: manifest.DistroboxPath},
		template:  "toolbox-environment.tmpl",
		data:      environmentData,
	},
}

// BaseImage is the section that begins the image.
const BaseImage = "BASE_IMAGE"

// SystemFiles is the section that installs files of the repository. It mounts a folder, and
// reads in it the files that the manifest names.
const SystemFiles = "SYSTEM_FILES"

// SystemdUnits is the section that enables units.
const SystemdUnits = "SYSTEMD_UNITS"

// otherToolsSections are sections of other programs in repositories that bkt is
// used on.
var otherToolsSections = []string{"HOST_SHIMS"}

// Render renders the managed sections of src, the text of the Containerfile
// with the given path in the repository repo.
//
// It returns an error for each misplaced marker, each section that is unknown or
// in the wrong file, and each mistake in a manifest, all with file and line.
// Entries of a manifest without a section are a warning.
func Render(name string, src []byte, repo fs.FS) (Result, error) {
	r, err := prepare(name, src, repo)
	if err != nil {
		return Result{}, err
	}
	if err := r.render(); err != nil {
		return Result{}, err
	}
	return r.result(), nil
}

// RenderPossible does what [Render] does, but leaves each section that it cannot
// render empty, and returns an empty result if the markers are misplaced.
func RenderPossible(name string, src []byte, repo fs.FS) Result {
	r, err := prepare(name, src, repo)
	if err != nil {
		return Result{}
	}
	r.prepareBodies()
	for _, span := range r.spans {
		if d, err := byName(span.Name); err == nil {
			_ = r.renderSection(d)
		}
	}
	return r.result()
}

// prepare finds the sections of src.
func prepare(name string, src []byte, repo fs.FS) (*renderer, error) {
	if err := (Result{Text: src}).Check(name); err != nil {
		return nil, err
	}
	r := &renderer{file: name, image: ImageOf(name), src: string(src), manifests: newManifestCache(repo)}
	spans, err := section.Find(name, r.src, SectionNames())
	if err != nil {
		return nil, err
	}
	r.lines, r.all = dockerfile.SplitLines(r.src), spans
	r.spans, err = r.classify(spans)
	return r, err
}

// SectionNames returns the names of all sections, in the order of a Containerfile.
func SectionNames() []string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

// HasSections reports whether a Containerfile has a section that bkt renders.
func HasSections(file string, text []byte) bool {
	spans, _ := section.Find(file, string(text), SectionNames())
	return slices.ContainsFunc(spans, func(s section.Span) bool { return slices.Contains(SectionNames(), s.Name) })
}

// ManifestOf returns the path of the manifest that a section is rendered from in
// the Containerfile of an image; empty if that has no such section.
func ManifestOf(section string, image Image) string {
	d, _ := byName(section)
	return d.manifests[image]
}

// TemplateOf returns the name of the template of a section, empty if there is no
// such section.
func TemplateOf(section string) string {
	d, _ := byName(section)
	return d.template
}

// A renderer is one call of Render.
type renderer struct {
	file      string
	image     Image
	src       string
	manifests *manifestCache
	lines     []dockerfile.Line
	all       []section.Span // all sections of the file
	spans     []section.Span // the sections to render
	bodies    []string
	origins   [][]int            // of each line of a body, the number of its entry in the trace
	traces    []*trace           // of each body
	will      *dockerfile.Stages // see stages
	missing   []string           // sections that the file lacks and that there are entries for
	warnings  []error
	installed []Installed
}

// classify returns the spans that Render replaces.
func (r *renderer) classify(spans []section.Span) ([]section.Span, error) {
	var ours []section.Span
	var errs []error
	for _, s := range spans {
		if slices.Contains(otherToolsSections, s.Name) {
			r.warn(s.Start, "section %s is not managed by bkt and is left alone", s.Name)
			continue
		}
		if err := r.belongs(s.Name); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", r.file, s.Start+1, err))
		}
		ours = append(ours, s)
	}
	return ours, errors.Join(errs...)
}

func (r *renderer) warn(line int, format string, args ...any) {
	place := manifest.Entry{File: r.file, Position: manifest.Position{Line: line + 1}}
	r.warnings = append(r.warnings, warning("marker", place, fmt.Sprintf(format, args...)))
}

// belongs returns an error if no section has that name, or none in the
// Containerfile of this image.
func (r *renderer) belongs(name string) error {
	s, err := byName(name)
	if err != nil || s.manifests[r.image] != "" {
		return err
	}
	for _, image := range Images() {
		if s.manifests[image] != "" {
			return fmt.Errorf("section %s belongs in the Containerfile of the %s image (%s), not of the %s image", name, image, Containerfile(image), r.image)
		}
	}
	return nil
}

// Containerfile returns the path in a repository of the Containerfile of an image.
func Containerfile(image Image) string {
	if image == Toolbox {
		return "toolbox/Containerfile"
	}
	return "Containerfile"
}

// PackagesManifest returns the path in a repository of the manifest of an
// image's packages.
func PackagesManifest(image Image) string {
	if image == Toolbox {
		return manifest.ToolboxPackagesPath
	}
	return manifest.SystemPackagesPath
}
