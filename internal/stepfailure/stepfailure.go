// Package stepfailure finds in the output of a build step why the step failed, and
// which entry of a manifest is to blame.
//
// It knows the messages of dnf 4 and 5, rpm and systemctl, and those of rendered steps; testdata has them as the
// tools write them. A message counts only where the output ends with it: what a tool
// prints before that may be about a failure that the step has survived.
package stepfailure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// A Step is a build step that failed.
type Step struct {
	Output  string
	Entries []Entry  // that it is rendered from; none: it is written by hand
	Others  []Entry  // of other steps of the image, such as those for repositories
	Known   []string // names of packages that its repositories have; none: unknown
}

// An Entry is an entry of a manifest, in a line of a Containerfile.
type Entry struct {
	File  string // the manifest
	Place string // file:line:column
	Text  string // the value, or its name
	Line  string // the line
}

// A Reason says why a step failed.
type Reason struct {
	Entry   Entry  // to blame; without a place if it is unknown
	Subject string // what the reason is about, such as a package; may be empty
	What    string
	Hints   []string
}

// Text returns the reason as text that begins with its place: that of the entry, or
// otherwise.
func (r Reason) Text(otherwise string) string {
	text := otherwise
	if r.Entry.Place != "" {
		text = r.Entry.Place
	}
	if r.Subject != "" {
		text += fmt.Sprintf(": %q", r.Subject)
	}
	return text + ": " + r.What
}

// Find returns the reasons why a step failed, or none if its output has no message that
// is known.
func Find(s Step) []Reason {
	f := finder{Step: s, lines: cleanLines(s.Output)}
	for _, find := range []func() []Reason{
		f.rendered, f.dnf5Resolve, f.dnf4Resolve, f.repository, f.download, f.signature, f.scriptlet, f.files, f.unit, f.privileges, f.mentioned,
	} {
		if reasons := find(); len(reasons) > 0 {
			return reasons
		}
	}
	return nil
}

// Unmatched returns the names of packages that dnf has not found, if that is why a step
// with this output failed.
func Unmatched(output string) []string {
	var names []string
	for _, r := range Find(Step{Output: output}) {
		if r.What == noPackage {
			names = append(names, r.Subject)
		}
	}
	return names
}

// Near returns those of known that a user may have meant by one of names.
func Near(names, known []string) []string {
	var found []string
	for _, name := range names {
		if near, ok := nearest(name, known); ok {
			found = append(found, near)
		}
	}
	return found
}

// nearest returns the name that differs least from name: in at most two letters, and a
// third of them. A repository has so many names that others are near by chance.
func nearest(name string, known []string) (string, bool) {
	best, limit := "", min(2, len(name)/3)
	for _, k := range known {
		if len(k) > len(name)+limit || len(k) < len(name)-limit {
			continue
		}
		if d := levenshtein.Distance(name, k, nil); d > 0 && d <= limit {
			best, limit = k, d-1
		}
	}
	return best, best != ""
}

// IsFullDisk reports whether the output of a step ends with a message about a full disk.
func IsFullDisk(output string) bool {
	lines := cleanLines(output)
	return slices.ContainsFunc(lines[max(0, len(lines)-tailLines):], isFullDisk)
}

func isFullDisk(line string) bool {
	line = strings.ToLower(line)
	for _, text := range []string{"no space left on device", "failed writing received data to disk", "more space needed on the ", "more space on the ", "more inodes on the "} {
		if strings.Contains(line, text) {
			return true
		}
	}
	return false
}

// tailLines is the number of lines that [Tail] returns.
const tailLines = 10

// Tail returns the last lines of an output.
func Tail(output string) string {
	lines := cleanLines(output)
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// cleanLines returns the lines of an output as a terminal shows them in the end, without
// empty ones at its end.
func cleanLines(output string) []string {
	var lines []string
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		lines = append(lines, strings.TrimRight(line[strings.LastIndexByte(line, '\r')+1:], " \t"))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// A finder finds the reasons of one step.
type finder struct {
	Step
	lines []string
}

// last returns the last line, "" if there is none.
func (f finder) last() string {
	if len(f.lines) == 0 {
		return ""
	}
	return f.lines[len(f.lines)-1]
}

// onOutput matches what the tools write to their standard output while an error goes to
// the standard error: the two may arrive in another order.
var onOutput = newPattern(`^(|No match for argument: .+|All matches were filtered out by exclude filtering .+|Module or Group '.+' is not available\.|Repositories loaded\.|Updating and loading repositories:|.* \d+% \|.*|.* \d+(\.\d+)? +[kMG]?B/s \| .*|\[(MIRROR|FAILED)\] .*|Package \S+ is not signed|Public key for \S+ is not installed\..*| GPG Keys are configured as: .*|Errors during downloading metadata for repository .*|  - .*|\(try to add '.*)$`)

// final returns the match of the last line with an error. Behind it are only lines that
// may have overtaken it.
func (f finder) final(re pattern) []string {
	for _, line := range slices.Backward(f.lines) {
		if m := re.FindStringSubmatch(line); m != nil {
			return m
		}
		if !onOutput.MatchString(line) {
			break
		}
	}
	return nil
}

// after returns the lines after the last one that is equal to first. It is not ok if no
// line is, or if one of those after it is none of the message.
func (f finder) after(first string, ofMessage func(line string) bool) (block []string, ok bool) {
	for i, line := range slices.Backward(f.lines) {
		if line == first {
			return f.lines[i+1:], true
		}
		if !ofMessage(line) && !onOutput.MatchString(line) {
			break
		}
	}
	return nil, false
}

// word returns the word of shell in the line of an entry, without its quotes.
func (e Entry) word() string {
	return strings.Trim(strings.TrimSuffix(strings.TrimSpace(e.Line), ` \`), `'"`)
}

// isOption reports whether the entry is the value of an option of a command.
func (e Entry) isOption() bool { return strings.HasPrefix(e.word(), "--") }

// isGroup reports whether dnf installs the entry as a group.
func (e Entry) isGroup() bool { return strings.HasPrefix(e.word(), "@") }

// find returns the first entry of the step for which is holds, or else the first of the
// other steps.
func (f finder) find(is func(Entry) bool) Entry {
	for _, entries := range [][]Entry{f.Entries, f.Others} {
		if i := slices.IndexFunc(entries, is); i >= 0 {
			return entries[i]
		}
	}
	return Entry{}
}

// installed returns the entry of the step that asks dnf for name: a package, a group, or
// a unit of systemctl.
func (f finder) installed(name string) Entry {
	i := slices.IndexFunc(f.Entries, func(e Entry) bool {
		return name != "" && !e.isOption() && (e.Text == name || strings.TrimPrefix(e.word(), "@") == name)
	})
	if i < 0 {
		return Entry{}
	}
	return f.Entries[i]
}

// option returns the entry that the step gives to dnf as option=value.
func (f finder) option(option, value string) Entry {
	i := slices.IndexFunc(f.Entries, func(e Entry) bool {
		given, ok := strings.CutPrefix(e.word(), option+"=")
		return ok && strings.Trim(given, `'"`) == value
	})
	if i < 0 {
		return Entry{}
	}
	return f.Entries[i]
}

// repo returns the entry of a repository.
func (f finder) repo(id string) Entry {
	for _, option := range []string{"--enablerepo", "--from-repo", "--repo"} {
		if e := f.option(option, id); e.Place != "" {
			return e
		}
	}
	return f.find(func(e Entry) bool { return e.Text == id })
}

// mentioned blames the only entry that the last line of the output mentions.
func (f finder) mentioned() []Reason {
	last := f.last()
	var found []Entry
	for _, e := range f.Entries {
		if e.Place != "" && len(e.Text) > 2 && hasWord(last, e.Text) && !slices.ContainsFunc(found, func(o Entry) bool { return o.Place == e.Place }) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return []Reason{{Entry: found[0], What: last}}
}

// hasWord reports whether line has word, with no letter, digit or part of a name around
// it. A name in a path, such as bash in /bin/bash, is a part of that.
func hasWord(line, word string) bool {
	inPath := !strings.Contains(word, "/")
	isPart := func(c byte) bool {
		return c == '/' && inPath || c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	for rest := line; ; {
		i := strings.Index(rest, word)
		if i < 0 {
			return false
		}
		end := i + len(word)
		if (i == 0 || !isPart(rest[i-1])) && (end == len(rest) || !isPart(rest[end])) {
			return true
		}
		rest = rest[i+1:]
	}
}
