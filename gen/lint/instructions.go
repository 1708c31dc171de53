package lint

import (
	"errors"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/imagerule"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// imageProblems checks the user's own instructions, and the files that the manifests
// declare, by the rules about bootable images. What bootc refuses is an error, what it
// ignores or merges badly a warning. Only the last stage and those that it is FROM are
// part of the image.
//
// What commands write, and folders bring, does not stop the rendering: it is a warning of
// the level error.
func (d reading) imageProblems(f *dockerfile.File) (warnings []error, err error) {
	if gen.ImageOf(d.file) != gen.System || len(f.Stages) != len(d.now.All) {
		return nil, nil
	}
	var stages []instructions.Stage
	for _, i := range slices.Backward(d.now.Lineage(d.now.Final())) {
		stages = append(stages, f.Stages[i])
	}
	report := imagerule.Build{
		Context: d.r.Repo, Escape: string(f.Escape), Args: d.args, Given: d.r.Build.Content.Args, Stages: f.Stages,
		IsGenerated: func(line int) bool { return d.r.SectionAt(line) != "" },
	}.Check(stages...)
	var errs []error
	for _, p := range report.Found {
		level := finding.Warning
		if p.Fatal {
			level = finding.Error
		}
		if p.Fatal && p.Named {
			errs = append(errs, hint.Add(d.at(level, p.Rule, d.r.LineBefore(p.Line), "%s", p.What), "%s", p.Advice)) // nothing is written
			continue
		}
		warnings = append(warnings, hint.Add(d.at(level, p.Rule, p.Line, "%s", p.What), "%s", p.Advice))
	}
	for _, what := range report.Unjudged {
		warnings = append(warnings, d.at(finding.Warning, "bootc/limit", 0, "the rules of bootc are not checked for %s", what))
	}
	return append(warnings, d.withoutInitramfs(report.Initramfs)...), errors.Join(errs...)
}

// withoutInitramfs returns a warning for each entry with a file that belongs into an
// initramfs, unless an instruction below section SYSTEM_FILES may make one: the last such
// is in line made.
func (d reading) withoutInitramfs(made int) []error {
	i := slices.IndexFunc(d.r.Origins, func(o gen.Origin) bool { return o.Section == gen.SystemFiles })
	if i < 0 || d.r.Origins[i].Line < made {
		return nil
	}
	var warnings []error
	said := map[string]bool{}
	for _, in := range d.r.Installed {
		p := imagerule.CheckInitramfs(in.Dest)
		if p == nil || said[in.Entry.String()] {
			continue
		}
		said[in.Entry.String()] = true
		f := finding.Finding{Rule: p.Rule, Level: finding.Warning, Place: in.Entry.Place(), Message: p.What}
		warnings = append(warnings, hint.Add(f, "%s", p.Advice))
	}
	return warnings
}

// heredocsWithCR returns a warning for each heredoc of the user whose lines end in CRLF.
// BuildKit removes the CR of instructions alone.
func (d reading) heredocsWithCR(parsed []instructions.Stage) []error {
	var warnings []error
	for _, stage := range parsed {
		for _, c := range stage.Commands {
			line := dockerfile.LineOf(c)
			if d.r.SectionAt(line) != "" || !strings.Contains(heredocsOf(c), "\r\n") {
				continue
			}
			err := d.at(finding.Warning, "heredoc-crlf", line, "the lines of this heredoc end in CRLF, and their CR gets into the image")
			warnings = append(warnings, hint.Add(err, "let the lines end in LF, with sed -i 's/\\r$//' %s", d.file))
		}
	}
	return warnings
}

// heredocsOf returns the text of all heredocs of an instruction.
func heredocsOf(c instructions.Command) string {
	var text strings.Builder
	var files []instructions.SourceContent
	switch c := c.(type) {
	case *instructions.RunCommand:
		for _, f := range c.Files {
			text.WriteString(f.Data)
		}
	case *instructions.CopyCommand:
		files = c.SourceContents
	case *instructions.AddCommand:
		files = c.SourceContents
	}
	for _, f := range files {
		text.WriteString(f.Data)
	}
	return text.String()
}

// sectionsBelowUser returns a warning for each section with commands that run as another
// user than root.
func (d reading) sectionsBelowUser(parsed []instructions.Stage) []error {
	if len(parsed) != len(d.now.All) {
		return nil
	}
	users := make([]string, len(parsed)) // at the end of each stage
	var warnings []error
	said := map[string]bool{}
	for i, stage := range parsed {
		if above := d.now.Parent(i); above >= 0 {
			users[i] = users[above]
		}
		for _, c := range stage.Commands {
			line := dockerfile.LineOf(c)
			section := d.r.SectionAt(line)
			switch c := c.(type) {
			case *instructions.UserCommand:
				users[i] = c.User
			case *instructions.RunCommand:
				if section == "" || said[section] || isRoot(users[i]) {
					continue
				}
				said[section] = true
				err := d.at(finding.Warning, "section-user", line, "section %s runs as user %s, and needs root", section, users[i])
				warnings = append(warnings, hint.Add(err, "move the section above the line USER %s, or write USER root between them", users[i]))
			}
		}
	}
	return warnings
}

// isRoot reports whether the user of a USER is root, or may be: a variable may name it.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0" || strings.Contains(name, "$")
}

// sources returns the findings about stages and images that no build can read: images
// outside of registries, which other builders read, and those of COPY that BuildKit refuses.
func (d reading) sources(f *dockerfile.File) []error {
	var found []error
	for _, ref := range d.references {
		prefix := gen.ForeignPrefix(ref.name)
		if prefix == "" || ref.to(d.now) >= 0 || d.r.SectionAt(ref.line) != "" {
			continue
		}
		err := d.at(finding.Warning, "foreign-image", ref.line, "BuildKit reads no %s images, and takes %s for an image of a registry", prefix, ref.name)
		if !dockerfile.IsImage(ref.name) {
			if ref.from && strings.Contains(d.now.All[ref.in].Image, "$") {
				continue // the linter warns of the default
			}
			err = d.at(finding.Error, "foreign-image", ref.line, "BuildKit reads no %s images, such as %s", prefix, ref.name)
		}
		found = append(found, hint.Add(err, "save the image as an OCI layout, write a name here, such as local-base, and build with --build-context local-base=oci-layout://FOLDER"))
	}
	if err := f.CheckSources(); err != nil {
		if at, ok := errors.AsType[*dockerfile.Error](err); ok {
			found = append(found, d.at(finding.Error, "buildkit", at.Line(), "%s", err))
		}
	}
	return found
}
