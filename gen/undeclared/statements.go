package undeclared

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/gen/section"
	"bkt/internal/dockerfile"
	"bkt/internal/script"

	ref "github.com/distribution/reference"
)

// A statement is one statement in a section.
type statement struct {
	script.Statement        // its Line is in the Containerfile
	section          string // with the statement
}

// key is equal for statements about the same thing.
func (s statement) key() string {
	parts := []string{string(s.Kind), s.Name}
	switch s.Kind {
	case script.Image:
		if named, err := ref.ParseNormalizedNamed(s.Name); err == nil {
			parts[1] = named.Name()
		}
	case script.Label, script.Variable, script.Argument:
		parts = append(parts, s.Value)
	case script.File:
		parts = append(parts, s.Value)
	case script.Repository:
		parts = append(parts, s.Repo.BaseURL, s.Repo.GPGKey)
	}
	return strings.Join(parts, "\x00")
}

// isIn reports whether other, which has the same key, also has the details of s: the
// mode of a file, the tag and the digest of an image, the packages of a repository.
func (s statement) isIn(other statement) bool {
	switch s.Kind {
	case script.File:
		return s.Mode == "" || strings.TrimLeft(s.Mode, "0") == strings.TrimLeft(other.Mode, "0")
	case script.Image:
		tag, digest := version(s.Name)
		otherTag, otherDigest := version(other.Name)
		return digest == otherDigest && digest != "" || digest == "" && tag == otherTag
	case script.Repository:
		return !slices.ContainsFunc(s.Repo.Packages, func(p string) bool { return !slices.Contains(other.Repo.Packages, p) })
	}
	return true
}

// isOptionOfMore reports whether s is an option of packages that do not have it in any
// of the others, which have the same key. To enable a repository for more packages
// than one is no difference: bkt does so for all that have no repository of their own.
func (s statement) isOptionOfMore(others []statement) bool {
	return s.Kind == script.Other && slices.ContainsFunc(s.Of, func(name string) bool {
		return !slices.ContainsFunc(others, func(other statement) bool { return slices.Contains(other.Of, name) })
	})
}

// version returns the tag and the digest of an image.
func version(image string) (tag, digest string) {
	image, digest, _ = strings.Cut(image, "@")
	named, err := ref.ParseNormalizedNamed(image)
	if err != nil {
		return image, digest
	}
	return strings.TrimPrefix(ref.TagNameOnly(named).String(), named.Name()), digest
}

// A sourceInstruction is an instruction of a section, with its heredocs. Lines count
// from 0.
type sourceInstruction struct {
	text  string   // its lines, continued by backslashes, without comments and blank lines
	lines []int    // of the file, for each line of text
	docs  []string // the texts of its heredocs
	at    int      // line where the first heredoc begins
	all   string   // unchanged, as in the file
	whole bool     // it has an end

	comments []script.Statement // in it, and above it
	escape   string             // the character that escapes in the file
}

// cutInstructions returns the instructions in lines of a file, the first of which is
// the line first. Comments belong to the next instruction, or else to the last. The
// lines may have any errors.
func cutInstructions(lines []dockerfile.Line, first int, escape string) []sourceInstruction {
	scan := dockerfile.NewScanner(escape)
	var all []sourceInstruction
	var comments []script.Statement
	for n, l := range lines {
		opened := scan.Heredocs()
		at, trimmed := scan.Next(l.Text), strings.TrimSpace(l.Text)
		blank := at != dockerfile.Heredoc && (trimmed == "" || trimmed[0] == '#')
		if blank && trimmed != "" {
			comments = append(comments, script.Statement{Kind: script.Comment, Name: trimmed, Line: first + n + 1})
		}
		if at == dockerfile.TopLevel && !blank {
			all = append(all, sourceInstruction{escape: escape})
		}
		if len(all) == 0 || at == dockerfile.TopLevel && blank {
			continue
		}
		in := &all[len(all)-1]
		in.comments, comments = append(in.comments, comments...), nil
		in.all += l.Text + "\n"
		switch {
		case at == dockerfile.Heredoc:
			in.doc(l.Text, first+n, scan.Heredocs() < opened)
		case !blank:
			if text, ok := dockerfile.CutContinuation(l.Text, escape); ok {
				l.Text = text + dockerfile.Backslash
			}
			in.text, in.lines = in.text+l.Text+"\n", append(in.lines, first+n)
		}
		in.whole = !scan.Unfinished()
	}
	if len(all) > 0 {
		all[len(all)-1].comments = append(all[len(all)-1].comments, comments...)
	}
	return all
}

// doc adds a line of a heredoc; end: the line that ends it.
func (in *sourceInstruction) doc(text string, line int, end bool) {
	if in.docs == nil {
		in.docs, in.at = []string{""}, line
	}
	if end {
		in.docs = append(in.docs, "")
		return
	}
	in.docs[len(in.docs)-1] += text + "\n"
}

// logical returns the instruction in one line, without heredocs.
func (in sourceInstruction) logical() string {
	return strings.TrimSpace(strings.ReplaceAll(in.text, dockerfile.Backslash+"\n", " "))
}

// A sectionInstruction is an instruction of a section with its statements.
type sectionInstruction struct {
	section    string
	text       string // unchanged, as in the file
	statements []statement
}

// readSections returns the instructions in the sections of a Containerfile; none if a
// marker is misplaced, which gen.Render reports.
func readSections(file, src string) []sectionInstruction {
	lines, escape := dockerfile.SplitLines(src), dockerfile.EscapeOf(src)
	spans, err := section.Find(file, src, gen.SectionNames())
	if err != nil {
		return nil
	}
	var all []sectionInstruction
	for _, s := range spans {
		if !slices.Contains(gen.SectionNames(), s.Name) {
			continue
		}
		for _, in := range cutInstructions(lines[s.Start+1:s.End], s.Start+1, escape) {
			found := sectionInstruction{section: s.Name, text: in.all}
			for _, s := range append(in.read(), in.comments...) {
				found.statements = append(found.statements, statement{s, found.section})
			}
			all = append(all, found)
		}
	}
	return all
}

// read returns the statements of an instruction. Their lines count from 1 in the
// file.
func (in sourceInstruction) read() []script.Statement {
	word, rest := dockerfile.CutWord(in.logical())
	if !in.whole {
		broken := in.other()
		broken[0].Name += " (which has no end)"
		return broken
	}
	switch strings.ToUpper(word) {
	case "RUN":
		return in.run()
	case "COPY", "ADD":
		return in.copied(strings.ToUpper(word), rest)
	case "FROM":
		return in.from(rest)
	case "ENV", "LABEL":
		return in.pairs()
	}
	return in.other()
}

// line returns the number in the file of a line of text.
func (in sourceInstruction) line(n int) int { return in.lines[min(max(n, 0), len(in.lines)-1)] + 1 }

// other returns the instruction as one statement that no manifest can express.
func (in sourceInstruction) other() []script.Statement {
	text := in.logical()
	for _, d := range in.docs {
		text += " " + d
	}
	return []script.Statement{{Kind: script.Other, Name: script.Line(text), Line: in.line(0)}}
}

// run returns the statements of a RUN.
func (in sourceInstruction) run() []script.Statement {
	flags, begins := in.flags()
	var found []script.Statement
	for _, f := range flags {
		if !idleMount(f) {
			found = append(found, script.Statement{Kind: script.Other, Name: "RUN " + f, Line: in.line(0)})
		}
	}
	return append(found, in.commands(in.text[begins:], strings.Count(in.text[:begins], "\n"))...)
}

// commands returns the statements of the commands of a RUN: text is without the
// flags, and skipped is the number of lines above it.
func (in sourceInstruction) commands(text string, skipped int) []script.Statement {
	var args []string
	if json.Unmarshal([]byte(strings.ReplaceAll(text, dockerfile.Backslash+"\n", " ")), &args) == nil && len(args) > 0 {
		return in.place(script.Command(args), func(int) int { return in.line(0) })
	}
	inDoc := func(n int) int { return in.at + n } // n counts from 1, in.at from 0
	if text = strings.TrimRight(text, "\n"); in.docs != nil && strings.HasPrefix(text, "<<") && !strings.ContainsAny(text, " \t\n") {
		if rest, ok := strings.CutPrefix(in.docs[0], "#!"); ok && !isShell(rest) {
			return in.other()
		}
		return in.place(script.Read(in.docs[0]), inDoc)
	}
	end := skipped + strings.Count(text, "\n")
	if in.docs != nil {
		raw := strings.SplitAfter(in.all, "\n")
		text += "\n" + strings.Join(raw[in.at-in.lines[0]:], "")
	}
	return in.place(script.Read(text), func(n int) int {
		if n += skipped - 1; n <= end {
			return in.line(n)
		}
		return inDoc(n - end)
	})
}

// isShell reports whether the first line of a script, without #!, names a shell whose
// syntax bkt understands.
func isShell(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	return len(fields) > 0 && slices.Contains([]string{"sh", "bash"}, path.Base(fields[len(fields)-1]))
}

func (in sourceInstruction) place(found []script.Statement, line func(int) int) []script.Statement {
	for i := range found {
		found[i].Line = line(found[i].Line)
	}
	return found
}

// flags returns the flags of a RUN, and where in its text they end.
func (in sourceInstruction) flags() (flags []string, end int) {
	blanks := func() { // and lines that are continued
		for end < len(in.text) && (strings.HasPrefix(in.text[end:], dockerfile.Backslash+"\n") || strings.ContainsRune(" \t\n", rune(in.text[end]))) {
			end++
		}
	}
	blanks()
	end += len("RUN")
	for blanks(); strings.HasPrefix(in.text[end:], "--"); blanks() {
		length := strings.IndexAny(in.text[end:], " \t\n")
		flags = append(flags, strings.TrimSuffix(in.text[end:end+length], dockerfile.Backslash))
		end += length
	}
	return flags, end
}

// idleMount reports whether a flag of RUN does not affect the image.
func idleMount(flag string) bool {
	mount, ok := strings.CutPrefix(flag, "--mount=")
	fields := strings.Split(mount, ",")
	return ok && (slices.Contains(fields, "type=cache") || slices.Contains(fields, "type=tmpfs"))
}

// copied returns the statements of a COPY or an ADD.
func (in sourceInstruction) copied(verb, rest string) []script.Statement {
	words := strings.Fields(rest)
	mode, flags := "", 0
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		value, isMode := strings.CutPrefix(words[0], "--chmod=")
		if isMode {
			mode = value
		} else if words[0] != "--link" && words[0] != "--chown=0:0" && words[0] != "--chown=root:root" {
			flags++
		}
		words = words[1:]
	}
	switch {
	case flags > 0 || len(words) < 2 || strings.HasPrefix(words[0], "["):
		return in.other()
	case in.docs != nil:
		return in.heredoc(words)
	case verb == "COPY":
		return in.files(words, mode)
	}
	return in.other()
}

// heredoc returns the statements of a file whose content is a heredoc.
func (in sourceInstruction) heredoc(words []string) []script.Statement {
	if len(words) != 2 {
		return in.other()
	}
	found, ok := script.Content(words[1], in.docs[0])
	if !ok && words[1] == profile {
		found, ok = profileLines(in.docs[0]), true
	}
	if !ok {
		return in.other()
	}
	return in.place(found, func(n int) int { return in.at + n })
}

// profileLines returns each line of a script for shells as a statement.
func profileLines(text string) []script.Statement {
	var found []script.Statement
	n := 0
	for l := range strings.Lines(text) {
		n++
		found = append(found, script.Statement{Kind: script.Other, Name: script.Line(l), Line: n})
	}
	return found
}

// files returns the files of a COPY, one of which may be a folder.
func (in sourceInstruction) files(words []string, mode string) []script.Statement {
	sources, dest := words[:len(words)-1], words[len(words)-1]
	into := strings.HasSuffix(dest, "/")
	if !path.IsAbs(dest) || len(sources) > 1 && !into || strings.ContainsAny(strings.Join(words, ""), `*?[$"'\`) {
		return in.other()
	}
	var found []script.Statement
	for _, source := range sources {
		name := dest
		if into {
			name = path.Join(dest, path.Base(source))
		}
		source = strings.TrimPrefix(path.Clean("/"+source), "/")
		found = append(found, script.Statement{Kind: script.File, Name: name, Value: source, Mode: mode, Into: path.Clean(dest), Line: in.line(0)})
	}
	return found
}

// from returns the image of a FROM; nothing for scratch.
func (in sourceInstruction) from(rest string) []script.Statement {
	for strings.HasPrefix(rest, "--") {
		_, rest = dockerfile.CutWord(rest)
	}
	image, _ := dockerfile.CutWord(rest)
	if image == "scratch" {
		return nil
	}
	if image == "" || strings.Contains(image, "$") {
		return in.other()
	}
	return []script.Statement{{Kind: script.Image, Name: image, Line: in.line(0)}}
}

// pairs returns the variables of an ENV or the labels of a LABEL.
func (in sourceInstruction) pairs() []script.Statement {
	keyword, pairs, ok := dockerfile.ParsePairs(in.logical(), in.escape)
	if !ok {
		return in.other()
	}
	kind := script.Label
	if keyword == "env" {
		kind = script.Variable
	}
	var found []script.Statement
	for _, pair := range pairs {
		s := script.Statement{Kind: kind, Name: pair.Name, Line: in.line(0)}
		if s.Value, ok = in.unquote(pair.Value, kind == script.Variable && pair.Name == "PATH"); !ok {
			return in.other()
		}
		found = append(found, folders(s)...)
	}
	return found
}

// folders returns a statement for each folder if the variable is PATH, without $PATH
// itself, which every rendering has.
func folders(s script.Statement) []script.Statement {
	if s.Kind != script.Variable || s.Name != "PATH" {
		return []script.Statement{s}
	}
	var all []script.Statement
	for folder := range strings.SplitSeq(s.Value, ":") {
		if folder != "$PATH" {
			all = append(all, script.Statement{Kind: script.Folder, Name: folder, Line: s.Line})
		}
	}
	return all
}

// unquote returns the value of a variable or label. It is not ok if the value
// depends on variables; if path, $PATH may stay.
func (in sourceInstruction) unquote(text string, path bool) (string, bool) {
	values := map[string]string{}
	if path {
		text = strings.ReplaceAll(text, "${PATH}", "$PATH")
		values["PATH"] = "$PATH"
	}
	return dockerfile.Expand(text, in.escape, values)
}

// profile is the file of section TOOLBOX_ENVIRONMENT.
const profile = "/etc/profile.d/50-bkt.sh"
