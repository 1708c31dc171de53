// Package gen renders the managed sections of Containerfiles from manifests.
//
// It goes from bytes to bytes: [Render] takes the text of a Containerfile and
// the repository that it belongs to, and returns the new text. It writes
// nothing, starts nothing and asks no one, so that the same manifests give the
// same bytes on every machine. [Lint] has BuildKit's own parser and linter
// look at the result.
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

// Kind says which image a Containerfile describes, and thereby which sections
// it may have.
type Kind string

// The kinds of Containerfile.
const (
	System  Kind = "system"
	Toolbox Kind = "toolbox"
)

// Kinds returns all kinds.
func Kinds() []Kind { return []Kind{System, Toolbox} }

// KindOf returns the kind of the Containerfile with the given slash-separated
// path in its repository: what lies below toolbox/ describes the toolbox.
func KindOf(name string) Kind {
	if strings.HasPrefix(path.Clean(name), "toolbox/") {
		return Toolbox
	}
	return System
}

// A definition says what a managed section is rendered from.
type definition struct {
	name      string
	manifests map[Kind]string // the file that it is rendered from, for each kind of Containerfile it may be in
	template  string
	// data returns what the template gets, and adds the values in it to the trace.
	data func(in input, t *trace) (any, error)
}

// sections has every managed section, in the order in which they stand in a
// Containerfile.
var sections = []definition{
	{ // first of all
		name:      BaseImage,
		manifests: map[Kind]string{System: manifest.ImagePath, Toolbox: manifest.ImagePath},
		template:  "base-image.tmpl",
		data:      baseData,
	},
	{ // before the packages, which may come from these repositories
		name:      "EXTERNAL_REPOS",
		manifests: map[Kind]string{System: manifest.ExternalReposPath},
		template:  "external-repos.tmpl",
		data:      externalData,
	},
	{ // the same
		name:      "COPR_REPOS",
		manifests: map[Kind]string{System: manifest.SystemPackagesPath, Toolbox: manifest.ToolboxPackagesPath},
		template:  "copr.tmpl",
		data:      coprData,
	},
	{
		name:      "SYSTEM_PACKAGES",
		manifests: map[Kind]string{System: manifest.SystemPackagesPath},
		template:  "packages.tmpl",
		data:      packagesData,
	},
	{ // what changes more often than the packages, and is faster, comes after them
		name:      "KERNEL_ARGUMENTS",
		manifests: map[Kind]string{System: manifest.SystemConfigPath},
		template:  "kernel-arguments.tmpl",
		data:      kargsData,
	},
	{ // before the units, one of which may be among the files
		name:      "SYSTEM_FILES",
		manifests: map[Kind]string{System: manifest.SystemConfigPath},
		template:  "system-files.tmpl",
		data:      filesData,
	},
	{
		name:      "SYSTEMD_UNITS",
		manifests: map[Kind]string{System: manifest.SystemConfigPath},
		template:  "systemd-units.tmpl",
		data:      unitsData,
	},
	{ // after the packages, whose programs it must not replace
		name:      "HOST_EXPORTS",
		manifests: map[Kind]string{System: manifest.DistroboxPath},
		template:  "host-exports.tmpl",
		data:      exportsData,
	},
	{
		name:      "TOOLBOX_PACKAGES",
		manifests: map[Kind]string{Toolbox: manifest.ToolboxPackagesPath},
		template:  "packages.tmpl",
		data:      packagesData,
	},
	{ // after the packages, which may bring what unpacks them
		name:      "TOOLCHAIN_INSTALLERS",
		manifests: map[Kind]string{Toolbox: manifest.ToolchainsPath},
		template:  "toolchain-installers.tmpl",
		data:      toolchainsData,
	},
	{
		name:      "TOOLBOX_ENVIRONMENT",
		manifests: map[Kind]string{Toolbox: manifest.DistroboxPath},
		template:  "toolbox-environment.tmpl",
		data:      environmentData,
	},
}

// BaseImage is the section that begins the image.
const BaseImage = "BASE_IMAGE"

// otherToolsSections are sections of other programs in repositories that bkt is
// used on.
var otherToolsSections = []string{"HOST_SHIMS"}

// Render renders the managed sections of src, the text of the Containerfile
// with the given path in the repository repo.
//
// It returns an error for each marker that is misplaced, each section that is
// unknown or stands in the wrong file, and each mistake in a manifest, all
// with file and line. A manifest whose entries have no section to go to is a
// warning.
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
	r := &renderer{file: name, kind: KindOf(name), src: string(src), manifests: newManifestCache(repo)}
	spans, err := section.Find(name, r.src, SectionNames())
	if err != nil {
		return nil, err
	}
	r.lines, r.all = dockerfile.SplitLines(r.src), spans
	r.spans, err = r.classify(spans)
	return r, err
}

// SectionNames returns the names of all sections, in the order in which they
// stand in a Containerfile.
func SectionNames() []string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

// ManifestOf returns the path of the manifest that a section is rendered from in
// the Containerfile of an image; empty if that has no such section.
func ManifestOf(section string, k Kind) string {
	d, _ := byName(section)
	return d.manifests[k]
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
	kind      Kind
	src       string
	manifests *manifestCache
	lines     []dockerfile.Line
	all       []section.Span // all sections of the file
	spans     []section.Span // those that are rendered
	bodies    []string
	origins   [][]int            // of each line of a body, the number of its entry in the trace
	traces    []*trace           // of each body
	will      *dockerfile.Stages // see stages
	missing   []string           // sections that the file lacks and that there are entries for
	warnings  []error
}

// classify returns the spans that are ours to render.
func (r *renderer) classify(spans []section.Span) ([]section.Span, error) {
	var ours []section.Span
	var errs []error
	for _, s := range spans {
		if slices.Contains(otherToolsSections, s.Name) {
			r.warn(s.Start, "section %s is not one of bkt's and is left alone", s.Name)
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
	r.warnings = append(r.warnings, Finding{"marker", place, fmt.Sprintf(format, args...)})
}

// belongs returns an error if there is no section of that name, or not in this
// kind of Containerfile.
func (r *renderer) belongs(name string) error {
	s, err := byName(name)
	if err != nil || s.manifests[r.kind] != "" {
		return err
	}
	for _, k := range Kinds() {
		if s.manifests[k] != "" {
			return fmt.Errorf("section %s belongs in the %s Containerfile (%s), and this is the %s's", name, k, Containerfile(k), r.kind)
		}
	}
	return nil
}

// Containerfile returns the path in a repository of the Containerfile of an image.
func Containerfile(k Kind) string {
	if k == Toolbox {
		return "toolbox/Containerfile"
	}
	return "Containerfile"
}

// PackagesManifest returns the path in a repository of the manifest of an
// image's packages.
func PackagesManifest(k Kind) string {
	if k == Toolbox {
		return manifest.ToolboxPackagesPath
	}
	return manifest.SystemPackagesPath
}
