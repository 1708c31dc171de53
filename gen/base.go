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

// baseSection is what base-image.tmpl gets.
type baseSection struct {
	Flags  []string // of FROM, as they stand in the section until now
	Image  value    // with its digest, if that is known
	As     *value   // the name of the stage, if it has one
	Labels []variable
}

// A variable is a name and what it stands for.
type variable struct{ Name, Value value }

func baseData(in input, t *trace) (any, error) {
	d, err := load[manifest.Images](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	at := jsontext.Pointer("/" + string(in.kind))
	i := imageOf(d.Content, in.kind)
	if i.Base.Image == "" {
		if !in.present {
			return nil, nil
		}
		err := fmt.Errorf("%s: the image has nothing to be based on", d.Entry(at, "", ""))
		return nil, hint.Add(err, `give %q an "image" in %s, or write a FROM of your own in place of section %s`,
			string(in.kind)+".base", in.manifest, BaseImage)
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
	for _, name := range slices.Sorted(maps.Keys(i.Labels)) {
		e := d.Entry((at + "/labels").AppendToken(name), name, "")
		s.Labels = append(s.Labels, variable{t.value(name, e), t.value(i.Labels[name], e)})
	}
	return s, nil
}

func imageOf(images manifest.Images, k Kind) manifest.Image {
	if k == Toolbox {
		return images.Toolbox
	}
	return images.System
}

// Platforms returns what the image k is for, such as "linux/amd64"; nothing, if
// the manifests in repo do not say.
func Platforms(k Kind, repo fs.FS) ([]string, error) {
	d, err := load[manifest.Images](newManifestCache(repo), manifest.ImagePath)
	return imageOf(d.Content, k).Platforms, err
}

// baseStage returns the stage that section BASE_IMAGE begins: what the manifest
// says of it and, for what it does not say, what the section has said until now.
func (r *renderer) baseStage(s section.Span) dockerfile.Stage {
	b := dockerfile.Stage{Line: s.Start, Last: s.End, Section: s.Name}
	if old := r.inside(s).All; len(old) > 0 {
		last := old[len(old)-1] // what follows the section belongs to this one
		b.Flags, b.Image, b.Name = last.Flags, last.Image, last.Name
	}
	d, _ := load[manifest.Images](r.manifests, manifest.ImagePath) // what is wrong with it is said elsewhere
	base := imageOf(d.Content, r.kind).Base
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

// stagesUntilNow returns the stages of the file as it is.
func (r *renderer) stagesUntilNow() dockerfile.Stages { return r.readStages(r.inside) }

// stages returns the stages of the file as it will be, with lines as they are.
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

// readStages returns the stages of the file. inside returns those of a section,
// whose old text may be anything.
func (r *renderer) readStages(inside func(section.Span) dockerfile.Stages) dockerfile.Stages {
	var sections []dockerfile.Section
	for _, s := range r.all {
		sections = append(sections, dockerfile.Section{Start: s.Start, End: s.End, Stages: inside(s)})
	}
	return dockerfile.ReadStages(r.src, sections...)
}

// base returns the image that span i is built on, by way of other stages
// perhaps; with variables in it if their values are not known.
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

// checkName returns an error if a stage of the user's has the name that the
// manifest gives to that of section BASE_IMAGE.
func (r *renderer) checkName(name string, e manifest.Entry) error {
	for _, s := range r.stages().All {
		if s.Is(strings.ToLower(name)) && s.Section != BaseImage {
			err := fmt.Errorf("%s: %q is the name of another stage, in %s:%d", e, name, r.file, s.Line+1)
			return hint.Add(err, "give one of the two another name")
		}
	}
	return nil
}
