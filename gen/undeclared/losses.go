// Package undeclared finds text in managed sections that no manifest declares,
// and that a rendering would therefore drop, and takes it into the manifests.
//
// The same code reads the old and the new text of a section, so that the text of
// its template cancels out; what is left are [Losses].
package undeclared

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/printable"
	"bkt/internal/script"

	"github.com/distribution/reference"
)

// Losses are statements in sections of a Containerfile that a rendering would drop.
type Losses struct {
	file string
	old  string
	lost []statement
	own  map[string]bool // sections that bkt has rendered before
	base manifest.Entry  // the declared base image
}

// Find returns the statements in sections of old, the text of the Containerfile
// with the given path, that a rendering from the manifests in repo does not have.
func Find(file string, old []byte, repo fs.FS) Losses {
	l := Losses{file: file, old: string(old), own: map[string]bool{}, base: gen.DeclaredBase(gen.ImageOf(file), repo)}
	was := readSections(file, l.old)
	for _, in := range was {
		in.placeFolders(repo)
		l.lost = append(l.lost, in.statements...)
	}
	r := gen.RenderPossible(file, old, repo)
	now := readSections(file, string(r.Text))
	namePackages(now, declaredPackages(repo))
	o := owner{gen.ImageOf(file), repo, now, customLines(r, repo)}
	for _, in := range was {
		if _, known := l.own[in.section]; !known {
			l.own[in.section] = o.owns(in.section, inSection(was, in.section))
		}
	}
	return l.without(now).Explain(nothing{}) // text of a template without an entry is not the user's
}

// placeFolders corrects the paths in the image of folders that a COPY names: it copies
// their content.
func (in sectionInstruction) placeFolders(repo fs.FS) {
	for i, s := range in.statements {
		if s.Kind != script.File || s.Into == "" {
			continue
		}
		if info, err := fs.Lstat(repo, s.Value); err == nil && info.IsDir() {
			in.statements[i].Name = s.Into
		}
	}
}

// nothing is a repository without files.
type nothing struct{}

// Open implements [fs.FS].
func (nothing) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Explain returns the losses that the manifests in repo, an earlier state, do not
// render either. The others were removed from a manifest, so their loss is
// intended.
func (l Losses) Explain(repo fs.FS) Losses {
	if l.Empty() {
		return l
	}
	all := readSections(l.file, string(gen.RenderPossible(l.file, []byte(l.old), repo).Text))
	namePackages(all, declaredPackages(repo))
	return l.without(all)
}

// namePackages sets the packages of repositories, by their ids: the .repo files that
// bkt renders do not have them.
func namePackages(all []sectionInstruction, packages map[string][]string) {
	for _, in := range all {
		for _, s := range in.statements {
			if s.Kind == script.Repository && len(s.Repo.Packages) == 0 {
				s.Repo.Packages = packages[s.Name]
			}
		}
	}
}

// declaredPackages returns the packages of the external repositories, by their ids.
func declaredPackages(repo fs.FS) map[string][]string {
	packages := map[string][]string{}
	d, _ := manifest.Read[manifest.ExternalRepos](repo, manifest.ExternalReposPath) // an error is reported when it is rendered
	for _, r := range d.Content.Repos {
		packages[r.Name] = r.Packages
	}
	return packages
}

// Without returns the losses that the sections of text, a later state of the
// Containerfile, do not have.
func (l Losses) Without(text []byte) Losses {
	all, taken := readSections(l.file, string(text)), map[string][]string{}
	for _, s := range l.lost {
		if s.Kind == script.Repository {
			taken[s.Name] = s.Repo.Packages
		}
	}
	namePackages(all, taken)
	return l.without(all)
}

// without returns the losses that the instructions do not have.
func (l Losses) without(all []sectionInstruction) Losses {
	kept := map[string][]statement{}
	for _, in := range all {
		for _, s := range in.statements {
			kept[s.key()] = append(kept[s.key()], s)
		}
	}
	return l.filter(func(s statement) bool {
		return !slices.ContainsFunc(kept[s.key()], s.isIn) || s.isOptionOfMore(kept[s.key()])
	})
}

// inSection returns the instructions of a section.
func inSection(all []sectionInstruction, section string) []sectionInstruction {
	return slices.DeleteFunc(slices.Clone(all), func(in sectionInstruction) bool { return in.section != section })
}

// filter returns the losses for which keep is true.
func (l Losses) filter(keep func(statement) bool) Losses {
	var lost []statement
	for _, s := range l.lost {
		if keep(s) {
			lost = append(lost, s)
		}
	}
	l.lost = lost
	return l
}

// Empty reports whether nothing is lost.
func (l Losses) Empty() bool { return len(l.lost) == 0 }

// Foreign returns the losses in sections that bkt has never rendered, without
// sections that lose only comments.
func (l Losses) Foreign() Losses {
	hasCode := map[string]bool{}
	for _, s := range l.lost {
		hasCode[s.section] = hasCode[s.section] || s.Kind != script.Comment
	}
	return l.filter(func(s statement) bool { return !l.own[s.section] && hasCode[s.section] })
}

// Doubtful returns the losses at which a command may stop: those of Foreign and of
// Versions.
func (l Losses) Doubtful() Losses {
	foreign, versions := l.Foreign().lost, l.Versions().lost
	l.lost = append(foreign, versions...)
	return l
}

// Edits returns the other losses: edits of sections that bkt has rendered, and
// comments.
func (l Losses) Edits() Losses {
	foreign := l.Foreign().lost
	return l.filter(func(s statement) bool {
		return !slices.ContainsFunc(foreign, func(f statement) bool { return f.section == s.section })
	})
}

// Taken returns a finding for each section whose losses move into the manifests. No
// manifest takes comments.
func (l Losses) Taken() []error {
	return l.filter(func(s statement) bool { return s.Kind != script.Comment }).Findings("moves into the manifests")
}

// Stops returns an error for each section with losses. Its hint has the commands that
// keep or drop them.
func (l Losses) Stops() []error {
	errs := l.Findings("has text that comes from no manifest")
	for i, group := range l.bySection() {
		errs[i] = hint.Add(errs[i], "run \"bkt containerfile sync --take text%[1]s\" to take it into %[2]s, or \"bkt containerfile sync --take manifest%[1]s\" to drop it",
			l.argument(), gen.ManifestOf(group[0].section, gen.ImageOf(l.file)))
	}
	return errs
}

// argument returns the file as an argument of a command, "" if it is a default file
// of commands.
func (l Losses) argument() string {
	if l.file == gen.Containerfile(gen.ImageOf(l.file)) {
		return ""
	}
	return " " + l.file
}

// Findings returns a finding for each section with losses: "section NAME", what,
// and the losses. Its level is empty: the command decides whether it fails.
func (l Losses) Findings(what string) []error {
	var all []error
	for _, group := range l.bySection() {
		where := finding.Place{File: l.file, Line: group[0].Line}
		message := fmt.Sprintf("section %s %s: %s", group[0].section, what, listed(group))
		all = append(all, finding.Finding{Rule: "not-declared", Place: where, Message: message})
	}
	return all
}

// bySection groups the losses by section, in the order of the file.
func (l Losses) bySection() [][]statement {
	var all [][]statement
	for _, s := range l.lost {
		i := slices.IndexFunc(all, func(group []statement) bool { return group[0].section == s.section })
		if i < 0 {
			i, all = len(all), append(all, nil)
		}
		all[i] = append(all[i], s)
	}
	return all
}

// listed joins statements in one line, each once, comments last.
func listed(all []statement) string {
	var words, comments []string
	for _, s := range all {
		if s.Kind == script.Comment {
			comments = append(comments, s.String())
		} else if w := s.String(); !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(append(words, comments...), ", ")
}

// String describes s in the user's words, with short excerpts of the file.
func (s statement) String() string {
	if _, err := reference.ParseNormalizedNamed(s.Name); s.Kind == script.Image && err == nil {
		return s.words() // a digest counts as a whole
	}
	return printable.Message(s.words())
}

func (s statement) words() string {
	switch s.Kind {
	case script.Package:
		return s.Name
	case script.File:
		if s.Mode != "" {
			return fmt.Sprintf("file %s (mode %s)", s.Name, s.Mode)
		}
	case script.Repository:
		more := slices.DeleteFunc([]string{s.Repo.BaseURL, strings.Join(s.Repo.Packages, " ")}, func(text string) bool { return text == "" })
		if len(more) > 0 {
			return fmt.Sprintf("repository %s (%s)", s.Name, strings.Join(more, ": "))
		}
	case script.Other, script.Comment:
		return fmt.Sprintf("%s (line %d)", printable.Quote(s.Name), s.Line)
	case script.Label, script.Variable:
		return fmt.Sprintf("%s %s=%q", s.Kind, s.Name, s.Value)
	}
	return string(s.Kind) + " " + s.Name
}
