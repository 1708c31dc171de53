package lint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"bkt/gen"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/manifest"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// A reference is a place in a Containerfile that reads a stage or an image.
type reference struct {
	name string // or the number of a stage; in BuildKit's spelling
	line int    // from 1
	from bool   // it is the base of a stage, which means a stage above by its name
	in   int    // number of the stage with the reference
}

// to returns the stage of s that the reference means, or -1 for an image.
func (r reference) to(s dockerfile.Stages) int {
	switch n, err := strconv.Atoi(r.name); {
	case r.from:
		return s.Parent(r.in)
	case err != nil:
		return s.Named(r.name)
	case n < len(s.All):
		return n
	}
	return -1
}

// A reading is a rendered file in BuildKit's terms.
type reading struct {
	file       string
	r          gen.Result
	now        dockerfile.Stages
	references []reference
	escape     string            // the escape character
	args       map[string]string // arguments with a default or a declared value
}

// read returns the reading of a file with these parsed stages.
func read(file string, parsed []instructions.Stage, r gen.Result) reading {
	d := reading{file: file, r: r, now: dockerfile.ReadStages(string(r.Text))}
	d.now.Target = r.Build.Content.Target
	for i := range d.now.All {
		d.now.All[i].Section = r.SectionAt(d.now.All[i].Line + 1)
	}
	for i, from := range d.now.All {
		base, _ := d.now.Base(i)
		d.references = append(d.references, reference{base, from.Line + 1, true, i})
		if len(parsed) != len(d.now.All) {
			continue
		}
		for _, c := range parsed[i].Commands {
			for _, name := range dockerfile.SourcesOf(c) {
				d.references = append(d.references, reference{name: strings.ToLower(name), line: dockerfile.LineOf(c), in: i})
			}
		}
	}
	return d
}

// at returns a finding in a line of the file.
func (d reading) at(level finding.Level, rule string, line int, format string, args ...any) error {
	return finding.Finding{Rule: rule, Level: level, Place: finding.Place{File: d.file, Line: line}, Message: fmt.Sprintf(format, args...)}
}

// lost returns an error for each reference to a stage that a section removes.
// BuildKit would take its name for the name of an image, and ask a registry.
func (d reading) lost() error {
	errs := []error{d.overStage()}
	for _, ref := range d.references {
		errs = append(errs, d.missing(ref), d.replaced(ref))
	}
	return errors.Join(errs...)
}

// overStage returns an error if section BASE_IMAGE is around a FROM of another
// stage: the image would lose the files of that stage.
func (d reading) overStage() error {
	was := d.r.Before
	i := was.LastIn(gen.BaseImage)
	if i < 0 || was.Parent(i) < 0 {
		return nil
	}
	above := was.All[was.Parent(i)]
	err := d.at(finding.Error, "base-stage", was.All[i].Line+1, "section %s is around a FROM of stage %s (line %d), which is not an image", gen.BaseImage, above.Name, above.Line+1)
	return hint.Add(err, "%s, and not around this one", gen.AdviseBaseImage(was, was.Origin(i)))
}

// missing returns an error if ref is to a stage that no longer exists.
func (d reading) missing(ref reference) error {
	was := d.r.Before
	if ref.to(d.now) >= 0 {
		return nil
	}
	reach := was
	if ref.from {
		reach = was.Above(d.until(ref.in))
	}
	i := reach.Named(ref.name)
	if i < 0 || was.All[i].Section == "" {
		return nil
	}
	if d.wasFiles(i) {
		return d.ofFiles(ref)
	}
	gone := was.All[i]
	err := d.wrong(ref.line, "this reads stage %s, which section %s (line %d) no longer has", ref.name, gone.Section, gone.Line+1)
	base := d.now.LastIn(gen.BaseImage)
	switch {
	case gone.Section != gen.BaseImage || i != was.LastIn(gen.BaseImage) || base < 0:
		return hint.Add(err, "move the FROM in line %d out of section %s", gone.Line+1, gone.Section)
	case d.now.All[base].Name != "":
		return hint.Add(err, "%s calls it %q: write that here, or %q there", manifest.ImagePath, d.now.All[base].Name, gone.Name)
	}
	return hint.Add(err, "have templates/base-image.tmpl write .As")
}

// wasFiles reports whether stage i of the file before rendering is FROM scratch, and
// section BASE_IMAGE turns it into the base image.
func (d reading) wasFiles(i int) bool {
	was, now := d.r.Before, d.now.LastIn(gen.BaseImage)
	if i != was.LastIn(gen.BaseImage) || now < 0 {
		return false
	}
	before, _ := was.Base(i)
	after, _ := d.now.Base(now)
	return before == "scratch" && after != before
}

// ofFiles returns the error for a reference to such a stage.
func (d reading) ofFiles(ref reference) error {
	was := d.r.Before
	err := d.wrong(ref.line, "this reads stage %s, which is FROM scratch, and section %s (line %d) makes it another image",
		ref.name, gen.BaseImage, was.All[was.LastIn(gen.BaseImage)].Line+1)
	return hint.Add(err, "%s", gen.AdviseBaseImage(was, was.Origin(was.Final())))
}

// until returns how many stages the file had above stage i of the user, before
// rendering; 0 for a generated stage, which needs none of them.
func (d reading) until(i int) int {
	own := 0
	for _, s := range d.now.All[:i+1] {
		if s.Section == "" {
			own++
		}
	}
	for k, s := range d.r.Before.All {
		if s.Section == "" {
			own--
		}
		if own == 0 && d.now.All[i].Section == "" {
			return k
		}
	}
	return 0
}

// wrong returns an error about a line of the file before rendering: the new text is
// not written.
func (d reading) wrong(line int, format string, args ...any) error {
	return d.at(finding.Error, "stage-lost", d.r.LineBefore(line), format, args...)
}

// replaced returns an error if section BASE_IMAGE turns the stage that ref reads
// into the base image, or gives its number to another stage.
func (d reading) replaced(ref reference) error {
	last, now := d.r.Before.LastIn(gen.BaseImage), d.now.LastIn(gen.BaseImage)
	if last < 0 || now < 0 {
		return nil
	}
	if d.wasFiles(last) && ref.to(d.now) == now {
		return d.ofFiles(ref)
	}
	if n, err := strconv.Atoi(ref.name); err == nil && !ref.from && last != now && n >= now {
		err := d.wrong(ref.line, "this reads stage %d, which becomes another stage when section %s has one FROM", n, gen.BaseImage)
		return hint.Add(err, "give the stage a name, and write that here")
	}
	return nil
}

// unused returns a warning for each section in a stage that the image does not use.
func (d reading) unused() []error {
	if len(d.now.All) == 0 {
		return nil
	}
	used, lines := d.used(), dockerfile.SplitLines(string(d.r.Text))
	var warnings []error
	said := ""
	for _, o := range d.r.Origins {
		comment := strings.HasPrefix(lines[o.Line-1].Text, "#") // in place of entries
		if o.Section == said || comment || used[d.now.At(o.Line-1)] {
			continue
		}
		said = o.Section
		err := d.at(finding.Warning, "stage-unused", o.Line, "section %s is in a stage that the image does not use", o.Section)
		advice := "move the section below the FROM in line " + strconv.Itoa(d.now.All[d.now.Final()].Line+1)
		if o.Section == gen.BaseImage {
			advice = gen.AdviseBaseImage(d.now, d.now.Origin(d.now.Final()))
		}
		warnings = append(warnings, hint.Add(err, "%s", advice))
	}
	return warnings
}

// used returns the stages that the image uses.
func (d reading) used() map[int]bool {
	used := map[int]bool{}
	todo := []int{d.now.Final()}
	for len(todo) > 0 {
		i := todo[0]
		todo = todo[1:]
		if i < 0 || used[i] {
			continue
		}
		used[i] = true
		for _, ref := range d.references {
			if ref.in == i {
				todo = append(todo, ref.to(d.now))
			}
		}
	}
	return used
}
