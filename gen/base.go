package gen

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"bkt/gen/section"
	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/go-json-experiment/json/jsontext"
)

// baseSection is the data for base-image.tmpl.
type baseSection struct {
	Flags  []string // of FROM, as in the current text of the section
	Image  value    // with its digest, if the manifest has one
	As     *value   // the name of the stage, if it has one
	Labels []variable
}

// A variable is a name and its value.
type variable struct{ Name, Value value }

func baseData(in input, t *trace) (any, error) {
	d, err := load[manifest.Images](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	at := jsontext.Pointer("/" + string(in.image))
	i := declaredImage(d.Content, in.image)
	if i.Base.Image == "" {
		if !in.present {
			labels(d, at, i, t) // the section is missing for them, too
			return nil, nil
		}
		err := fmt.Errorf("%s: the image has no base", d.Entry(at, "", ""))
		return nil, hint.Add(err, `give %q an "image" in %s, or write a FROM of your own in place of section %s`,
			string(in.image)+".base", in.manifest, BaseImage)
	}
	s := baseSection{Flags: in.stage.Flags, Image: t.value(i.Base.String(), d.Entry(at+"/base", i.Base.Image, i.Comment))}
	if in.stage.Name != "" {
		e := d.Entry(at+"/base/as", in.stage.Name, i.Comment)
		if err := in.checkName(i.Base.As, e); err != nil {
			return nil, err
		}
		as := t.value(in.stage.Name, e)
		s.As = &as
	}
	s.Labels = labels(d, at, i, t)
	return s, nil
}

// labels returns the labels of the image i, which is at the pointer at, sorted.
func labels(d manifest.Document[manifest.Images], at jsontext.Pointer, i manifest.Image, t *trace) []variable {
	var all []variable
	for _, name := range slices.Sorted(maps.Keys(i.Labels)) {
		e := d.Entry((at + "/labels").AppendToken(name), name, "")
		all = append(all, variable{t.value(name, e), t.value(i.Labels[name], e)})
	}
	return all
}

// declaredImage returns what image.json says about an image.
func declaredImage(images manifest.Images, image Image) manifest.Image {
	if image == Toolbox {
		return images.Toolbox
	}
	return images.System
}

// DeclaredBase returns the base image that the manifests in repo declare for an image, with
// its digest. Its text is empty if there is none, or if the manifest has errors.
func DeclaredBase(image Image, repo fs.FS) manifest.Entry {
	d, err := load[manifest.Images](newManifestCache(repo), manifest.ImagePath)
	if err != nil {
		return manifest.Entry{File: manifest.ImagePath}
	}
	base := declaredImage(d.Content, image).Base
	return d.Entry(jsontext.Pointer("/"+string(image)+"/base"), base.String(), "")
}

// Platforms returns the declared platforms of an image, such as "linux/amd64";
// none if the manifests in repo do not declare any.
func Platforms(image Image, repo fs.FS) ([]string, error) {
	d, err := load[manifest.Images](newManifestCache(repo), manifest.ImagePath)
	return declaredImage(d.Content, image).Platforms, err
}

// baseStage returns the stage that section BASE_IMAGE begins: as the manifest declares
// it, with the section's current text for all that the manifest does not declare.
func (r *renderer) baseStage(s section.Span) dockerfile.Stage {
	b := dockerfile.Stage{Line: s.Start, Last: s.End, Section: s.Name}
	if old := r.inside(s).All; len(old) > 0 {
		last := old[len(old)-1] // the text below the section belongs to this one
		b.Flags, b.Image, b.Name = last.Flags, last.Image, last.Name
	}
	d, _ := load[manifest.Images](r.manifests, manifest.ImagePath) // the section's data reports the error
	base := declaredImage(d.Content, r.image).Base
	b.Image, b.Name = cmp.Or(base.Image, b.Image), cmp.Or(base.As, b.Name)
	return b
}

// inside returns the stages that begin in a section.
func (r *renderer) inside(s section.Span) dockerfile.Stages {
	var body strings.Builder
	body.WriteString("# escape=" + dockerfile.EscapeOf(r.src) + "\n") // in place of the marker
	for _, l := range r.lines[s.Start+1 : s.End] {
		body.WriteString(l.Text + "\n")
	}
	found := dockerfile.ReadStages(body.String())
	for i := range found.All {
		found.All[i].Line += s.Start
		found.All[i].Last += s.Start
		if !slices.Contains(otherToolsSections, s.Name) {
			found.All[i].Section = s.Name
		}
	}
	return found
}

// currentStages returns the stages of the file before rendering.
func (r *renderer) currentStages() dockerfile.Stages { return r.readStages(r.inside) }

// stages returns the stages of the file after rendering, with the lines of before.
func (r *renderer) stages() dockerfile.Stages {
	if r.will == nil {
		will := r.readStages(func(s section.Span) dockerfile.Stages {
			switch {
			case s.Name == BaseImage:
				return dockerfile.Stages{All: []dockerfile.Stage{r.baseStage(s)}}
			case slices.Contains(otherToolsSections, s.Name):
				return r.inside(s)
			}
			return dockerfile.Stages{}
		})
		r.will = &will
	}
	return *r.will
}

// readStages returns the stages of the file. inside returns those of a section, whose
// old text may contain anything.
func (r *renderer) readStages(inside func(section.Span) dockerfile.Stages) dockerfile.Stages {
	var sections []dockerfile.Section
	for _, s := range r.all {
		sections = append(sections, dockerfile.Section{Start: s.Start, End: s.End, Stages: inside(s)})
	}
	s := dockerfile.ReadStages(r.src, sections...)
	s.Target = r.build().Content.Target
	return s
}

// base returns the image that span i is built on, perhaps through other stages. It
// has variables in it if their values are unknown.
func (r *renderer) base(i int) string {
	if i < 0 {
		return ""
	}
	s := r.stages()
	origin := s.Origin(s.At(r.spans[i].Start))
	if origin < 0 {
		return ""
	}
	image, _ := s.Base(origin)
	return image
}

// checkName returns an error if one of the user's stages has the name that the
// manifest declares for the stage of section BASE_IMAGE.
func (r *renderer) checkName(name string, e manifest.Entry) error {
	for _, s := range r.stages().All {
		if s.Is(strings.ToLower(name)) && s.Section != BaseImage {
			err := fmt.Errorf("%s: %q is the name of another stage, in %s:%d", e, name, r.file, s.Line+1)
			return hint.Add(err, "give one of the two another name")
		}
	}
	return nil
}
