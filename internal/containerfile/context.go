package containerfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildspec"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/printable"
	"bkt/internal/repo"
)

// checkContext checks what Containerfiles read of the build context. What a build refuses is
// an error: a file that no engine can receive, and a source that the context does not have.
func checkContext(ctx context.Context, r repo.Repo, rendered []Rendering) (warnings []error, err error) {
	var all, refused distinct
	for _, f := range rendered {
		parsed, err := f.result.Parse(f.Name)
		if err != nil {
			refused.add([]error{err})
			continue
		}
		build := f.result.Build.Content
		s := buildspec.Spec{Containerfile: f.Name, Context: r.Root, Args: build.Args, Target: build.Target, NamedLines: NamedLines(f.result.Origins)}
		exclude := []string{r.Path(buildspec.OutputFolder)}
		refused.add(hint.Split(s.CheckNames(ctx, parsed, exclude)))
		sent, err := s.Sent(ctx, parsed, exclude)
		if err != nil {
			refused.add([]error{err})
			continue
		}
		found := append(f.missing(ctx, r, s.NamedLines, sent.Missing()), f.unsent(sent)...)
		for _, err := range found {
			if f, ok := errors.AsType[finding.Finding](err); ok && f.Level == finding.Error {
				refused.add([]error{err})
			} else {
				all.add([]error{err})
			}
		}
	}
	return all.list, errors.Join(refused.list...)
}

// missing returns the findings about sources that the context does not have, except those in
// the lines except. One that git ignores may be made before each build.
func (f Rendering) missing(ctx context.Context, r repo.Repo, except []int, all []buildspec.Missing) (found []error) {
	for _, m := range all {
		if slices.Contains(except, m.Line) {
			continue
		}
		what, fix := absentSource(m)
		level := finding.Error
		switch {
		case m.IsGone() && isIgnored(ctx, r, m.Name):
			what, fix = what+", and git ignores it", "make it before each build, or name another file"
			level = finding.Warning
		case m.Default:
			what, level = what+", with the default value of an argument", finding.Warning
		}
		at := f.result.Finding(level, "context-source", f.Name, m.Line, printable.Message(fmt.Sprintf("%s %s: %s", m.Keyword, m.Text, what)))
		if at.File == f.Name {
			at.Column = m.Column
		}
		found = append(found, f.result.AsIs(f.Name, hint.Add(at, "%s", fix)))
	}
	return found
}

// absentSource returns why a source is missing, and what to do.
func absentSource(m buildspec.Missing) (what, fix string) {
	lead := ""
	if m.Link != "" {
		lead = m.Link + " leads to " + m.Name + ": "
	}
	switch {
	case m.IsUnread && strings.ContainsAny(m.Text, "*?["):
		what = fmt.Sprintf("no file of the build context matches the pattern, and nothing else brings the folder %s", m.Name)
		return what, "add such a file, or remove the pattern"
	case m.IsUnread && m.Parents:
		return fmt.Sprintf("a folder of %s is a link, and --parents follows none", m.Name), "write the path without the link"
	case m.IsUnread:
		return "its links lead in a circle", "replace the links with files"
	}
	what, fix = absent(m.Absence)
	return lead + what, fix
}

// absent returns why a path is not in the build context, and what to do.
func absent(a buildspec.Absence) (what, fix string) {
	switch {
	case a.IsOutput:
		what = fmt.Sprintf("the build context is without %s, where images are written", buildspec.OutputFolder)
		return what, "move the file to another folder"
	case a.Excluded != "":
		what = fmt.Sprintf("%s excludes %s, with the pattern %s", a.Excluded, a.Name, a.Pattern)
		return what, fmt.Sprintf("remove the pattern, or add this line below it: !%s", dockerfile.EscapePattern(a.Name))
	}
	return "the build context has no " + a.Name, "add it, or remove it from the instruction"
}

// isIgnored reports whether git ignores a file that does not exist. It is not if git cannot
// say.
func isIgnored(ctx context.Context, r repo.Repo, name string) bool {
	_, err := host.Query{}.Output(ctx, plan.Run{Argv: []string{"git", "-C", r.Root, "check-ignore", "-q", "--", name}})
	return err == nil
}

// unsent returns a finding for each entry of section SYSTEM_FILES whose files an engine does
// not get: an error for a file, or for a whole folder, and a warning for some files of a
// folder, because the build does not notice it.
func (f Rendering) unsent(sent buildspec.Sent) (found []error) {
	for _, entry := range byEntry(f.result.Installed) {
		var lacking []buildspec.Absence
		for _, in := range entry {
			// The path "", of a link, is that of the context itself.
			if a, missing := sent.Why(in.Source); missing && (a.Excluded != "" || a.IsOutput) {
				lacking = append(lacking, a)
			}
		}
		if len(lacking) == 0 {
			continue
		}
		a, level := lacking[0], finding.Error
		if whole, missing := sent.Why(entry[0].Folder); missing {
			a = whole
		} else if entry[0].Folder != "" {
			level = finding.Warning
		}
		what, fix := absent(a)
		if more := len(lacking) - 1; more > 0 && level == finding.Warning {
			what += fmt.Sprintf(", and %d more files of the folder", more)
		}
		e := entry[0].Entry
		at := finding.Finding{Rule: "context-source", Level: level, Place: e.Place(), Message: printable.Message(fmt.Sprintf("%s: %s", e.Text, what))}
		found = append(found, hint.Add(at, "%s", fix))
	}
	return found
}

// byEntry returns the files of each entry.
func byEntry(all []gen.Installed) [][]gen.Installed {
	var groups [][]gen.Installed
	for i, in := range all {
		if i == 0 || in.Entry != all[i-1].Entry {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], in)
	}
	return groups
}
