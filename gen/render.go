package gen

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template"
	"unicode/utf8"

	"bkt/gen/bounded"
	"bkt/gen/section"
	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/printable"
	"bkt/internal/strictjson"
	"bkt/templates"
)

// An input is the source of a section's data.
type input struct {
	image           Image
	manifest        string                                    // path of the section's manifest
	base            string                                    // the image that the section's stage is FROM, as in the file
	present         bool                                      // the file has the section
	stage           dockerfile.Stage                          // of section BASE_IMAGE
	checkName       func(name string, e manifest.Entry) error // returns an error if one of the user's stages has the name
	precedesInStage func(section string) (bool, error)        // whether a section is above this one, and in a stage that this one uses
	warn            func(error)
	installs        func(Installed) // records a file that section SYSTEM_FILES installs
	*manifestCache
}

// A trace numbers the values of a section, so that each line of it can be traced
// to an entry of a manifest.
type trace struct {
	entries []manifest.Entry
}

// value returns text, which comes from e, as a value for a template.
func (t *trace) value(text string, e manifest.Entry) value {
	t.entries = append(t.entries, e)
	return value{text, len(t.entries)}
}

// render renders every section that the image may have. Sections that the file
// lacks are rendered, too: their manifests must be valid, and entries without a
// section are a warning.
func (r *renderer) render() error {
	r.prepareBodies()
	var errs []error
	for _, s := range sections {
		if s.manifests[r.image] != "" {
			errs = append(errs, r.renderSection(s))
		}
	}
	r.warnOrder()
	r.warnOtherImages()
	r.warnUnknownTemplates()
	return errors.Join(distinct(errs)...)
}

// prepareBodies allocates the results of the sections.
func (r *renderer) prepareBodies() {
	r.bodies = make([]string, len(r.spans))
	r.origins = make([][]int, len(r.spans))
	r.traces = make([]*trace, len(r.spans))
}

// warnUnknownTemplates warns about templates of the repository that no section uses.
func (r *renderer) warnUnknownTemplates() {
	var known []string
	for _, s := range sections {
		if !slices.Contains(known, s.template) {
			known = append(known, s.template)
		}
	}
	entries, err := fs.ReadDir(r.manifests.repo, "templates")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		what := fmt.Sprintf("cannot be read, so unused templates are not reported: %v", patherr.Reason(err))
		r.warnings = append(r.warnings, warning("template", manifest.Entry{File: "templates"}, what))
	}
	for _, e := range entries {
		name := e.Name()
		file := "templates/" + name
		if path.Ext(name) != ".tmpl" || slices.Contains(known, name) {
			continue
		}
		what := "no section uses a template with this name"
		if near, ok := strictjson.Nearest(name, known); ok {
			what += fmt.Sprintf(" (did you mean %s?)", near)
		}
		r.warnings = append(r.warnings, hint.Add(warning("template", manifest.Entry{File: file}, what),
			"the templates are %s", strings.Join(known, ", ")))
	}
}

// distinct drops repeated errors: two sections may share a manifest.
func distinct(errs []error) []error {
	var kept []error
	for _, err := range errs {
		same := func(k error) bool { return k.Error() == err.Error() }
		if err != nil && !slices.ContainsFunc(kept, same) {
			kept = append(kept, err)
		}
	}
	return kept
}

// renderSection renders s into its span.
func (r *renderer) renderSection(s definition) error {
	at := r.indexOf(s.name)
	t := &trace{}
	in := input{
		image: r.image, manifest: s.manifests[r.image], base: r.base(at), present: at >= 0, manifestCache: r.manifests,
		checkName:       r.checkName,
		precedesInStage: func(name string) (bool, error) { return r.precedesInStage(name, at) },
		warn:            func(err error) { r.warnings = append(r.warnings, err) },
		installs:        func(i Installed) { r.installed = append(r.installed, i) },
	}
	if s.name == BaseImage && at >= 0 {
		in.stage = r.baseStage(r.spans[at])
	}
	data, err := s.data(in, t)
	if err != nil {
		return err
	}
	if at < 0 {
		r.warnMissingSection(s, t)
		return nil
	}
	tmpl, err := r.manifests.template(s.template, dockerfile.EscapeOf(r.src))
	if err != nil {
		return templateError(s.name, err)
	}
	var out strings.Builder
	if err := tmpl.Execute(&out, data); err != nil {
		return templateError(s.name, err)
	}
	r.traces[at] = t
	r.bodies[at], r.origins[at] = splitMarks(out.String(), len(t.entries))
	if err := checkBody(s.name, r.bodies[at]); err != nil {
		return fmt.Errorf("templates/%s: %w", s.template, err)
	}
	return nil
}

// checkBody checks the rendered text of a section.
func checkBody(name, body string) error {
	if at, r, found := printable.Find(strings.ReplaceAll(body, "\r\n", "\n")); found {
		return fmt.Errorf("section %s: line %d of the rendered text %w", name, strings.Count(body[:at], "\n")+1, printable.Hidden(r))
	}
	return section.CheckBody(name, body)
}

// warnMissingSection warns about entries of a manifest whose section the file lacks.
func (r *renderer) warnMissingSection(s definition, t *trace) {
	if len(t.entries) == 0 {
		return
	}
	what := fmt.Sprintf("%s has no section %s for this entry", r.file, s.name)
	if all := r.stages(); s.name == BaseImage && len(all.All) > 0 {
		origin, declared := all.Origin(all.Final()), DeclaredBase(r.image, r.manifests.repo).Text
		if base, known := all.Base(origin); known && base != "scratch" && declared != "" && base != declared {
			what += fmt.Sprintf(", and its FROM has another image: %s", base)
		}
		r.warnings = append(r.warnings, hint.Add(warning("section-missing", t.entries[0], what), "%s", AdviseBaseImage(all, origin)))
		return
	}
	err := error(warning("section-missing", t.entries[0], what))
	start, end := section.Marker{Name: s.name}, section.Marker{Name: s.name, End: true}
	r.missing = append(r.missing, s.name)
	r.warnings = append(r.warnings, hint.Add(err,
		"run \"bkt containerfile sync --insert\", or add these two lines%s: %q and %q", r.positionHint(s.name), start, end))
}

// AdviseBaseImage returns the hint where the markers of section BASE_IMAGE belong:
// around the FROM of stage i.
func AdviseBaseImage(s dockerfile.Stages, i int) string {
	from := s.All[i]
	if from.Image == "scratch" {
		return fmt.Sprintf("the image is FROM scratch, in line %d: take its \"base\" out of %s", from.Line+1, manifest.ImagePath)
	}
	where := fmt.Sprintf("line %d", from.Line+1)
	if from.Last > from.Line {
		where = fmt.Sprintf("lines %d to %d", from.Line+1, from.Last+1)
	}
	return fmt.Sprintf("put the lines %q and %q around the FROM in %s", section.Marker{Name: BaseImage}, section.Marker{Name: BaseImage, End: true}, where)
}

// positionHint says where in the file a missing section belongs.
func (r *renderer) positionHint(name string) string {
	after := ""
	for _, s := range sections {
		if s.name == name {
			break
		}
		if r.leadsTo(r.stages().Final(), r.indexOf(s.name)) {
			after = " below section " + s.name
		}
	}
	return after
}

func (r *renderer) indexOf(name string) int {
	return slices.IndexFunc(r.spans, func(s section.Span) bool { return s.Name == name })
}

// precedesInStage reports whether the section called name is above span i in the
// same stage, or in one that this stage is FROM, so that span i can use its
// results. A section elsewhere is an error.
func (r *renderer) precedesInStage(name string, i int) (bool, error) {
	at := r.indexOf(name)
	if i < 0 || at < 0 {
		return false, nil
	}
	from, to := r.spans[at], r.spans[i]
	all := r.stages()
	above, below := all.At(from.Start), all.At(to.Start)
	if from.End < to.Start && (above == below || slices.Contains(all.Lineage(below), above)) {
		return true, nil
	}
	err := fmt.Errorf("%s:%d: section %s needs section %s (line %d) above it, in the same stage",
		r.file, to.Start+1, to.Name, name, from.Start+1)
	return false, hint.Add(err, "move section %s", name)
}

// result returns the user's text with the rendered bodies, and the origins of
// their lines.
func (r *renderer) result() Result {
	lines := 0
	for _, entries := range r.origins {
		lines += len(entries)
	}
	joined, starts := section.Join(r.src, r.spans, r.bodies)
	text := []byte(joined)
	res := Result{Text: text, Origins: make([]Origin, 0, lines), Warnings: r.warnings, Before: r.currentStages(), Repo: r.manifests.repo, Build: r.build(), Installed: r.installed}
	res.parsed = sync.OnceValues(func() (*dockerfile.File, error) { return parse(text) })
	for i, s := range r.spans {
		end := starts[i] + len(r.origins[i])
		res.moves = append(res.moves, move{end - 1, end - (s.End + 1)})
		whole := manifest.Entry{File: ManifestOf(s.Name, r.image)}
		for k, entry := range r.origins[i] {
			o := Origin{starts[i] + k, s.Name, whole}
			if entry > 0 {
				o.Entry = r.traces[i].entries[entry-1]
			}
			res.Origins = append(res.Origins, o)
		}
	}
	return res
}

// byName returns the section with that name. The error for an unknown name
// suggests the nearest one.
func byName(name string) (definition, error) {
	i := slices.IndexFunc(sections, func(s definition) bool { return s.name == name })
	if i >= 0 {
		return sections[i], nil
	}
	err := fmt.Errorf("unknown section %s", name)
	if near, ok := strictjson.Nearest(name, SectionNames()); ok {
		err = fmt.Errorf("%w (did you mean %s?)", err, near)
	}
	return definition{}, hint.Add(err, "the sections are %s", strings.Join(SectionNames(), ", "))
}

// template returns the template with that name: the repository's own in
// templates/ or, without one, bkt's.
func (c *manifestCache) template(name, escape string) (executor, error) {
	file := "templates/" + name
	text, err := fs.ReadFile(c.repo, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ownTemplate(name, escape)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, patherr.Reason(err))
	}
	if err := checkCharacters(file, string(text)); err != nil {
		return nil, err
	}
	return bounded.Parse(file, string(text), functions(escape))
}

// An executor is a template.
type executor interface {
	Execute(w io.Writer, data any) error
}

// ownTemplate returns bkt's own template with that name.
func ownTemplate(name, escape string) (executor, error) {
	text, err := templates.FS.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return template.New("templates/" + name).Funcs(functions(escape)).Option("missingkey=error").Parse(string(text))
}

// checkCharacters returns an error for a hidden character in a file.
func checkCharacters(file, text string) error {
	for n, l := range dockerfile.SplitLines(text) {
		if at, r, found := printable.Find(l.Text); found {
			return fmt.Errorf("%s:%d:%d: the line %w", file, n+1, utf8.RuneCountInString(l.Text[:at])+1, printable.Hidden(r))
		}
	}
	return nil
}

// templateError turns an error of text/template into "file:line:column: section
// NAME: what", without the names of Go's types.
func templateError(section string, err error) error {
	text, ok := strings.CutPrefix(err.Error(), "template: ")
	if !ok {
		return err
	}
	where, what, _ := strings.Cut(text, ": ")
	if strings.HasPrefix(what, "executing ") {
		_, what, _ = strings.Cut(what, ">: ")
	}
	what, _, _ = strings.Cut(what, " in type ")
	return fmt.Errorf("%s: section %s: %s", where, section, printable.Message(what))
}

// A manifestCache reads the manifests of a repository, each once.
type manifestCache struct {
	repo fs.FS
	read map[string]any // documents by path

	files []source // see sources
}

func newManifestCache(repo fs.FS) *manifestCache {
	return &manifestCache{repo: repo, read: map[string]any{}}
}

// load returns the manifest at path. One that does not exist declares nothing.
func load[T any](c *manifestCache, path string) (manifest.Document[T], error) {
	if d, ok := c.read[path].(manifest.Document[T]); ok {
		return d, nil
	}
	d, err := manifest.Read[T](c.repo, path)
	if err == nil {
		c.read[path] = d
	}
	return d, err
}
