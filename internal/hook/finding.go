package hook

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"bkt/internal/finding"
	"bkt/internal/manifest"
	"bkt/internal/printable"
)

// A Verdict says what is wrong with a hook.
type Verdict string

// The verdicts, which are part of the output of --json.
const (
	NotIdempotent Verdict = "not idempotent"           // a second run fails, or changes the result of the first
	NotEquivalent Verdict = "not bootstrap-equivalent" // a container that has run it differs from one that is created today
	NotShell      Verdict = "not a shell command"      // it cannot be parsed
	Unchecked     Verdict = "not checked"              // it exceeds a limit
	Fails         Verdict = "fails"                    // even its first run
	NotCompared   Verdict = "not compared"             // its result in an old home is unknown
	NotRun        Verdict = "not run"                  // it was to be run, and nothing is known about it
)

// A Rule is a rule that hooks must follow.
type Rule struct {
	Name    string // such as "append"; it never changes
	Verdict Verdict
	Reason  string        // the reason why a command breaks it
	Use     string        // what to write instead
	Level   finding.Level // empty: an error
}

// A Finding is a rule that a hook breaks. It encodes as an element of "findings"
// in the output of hook check --json.
type Finding struct {
	finding.Finding
	Container string  `json:"container"`
	Verdict   Verdict `json:"verdict"`
	Source    string  `json:"source"` // the command, as the hook has it

	// Files are the paths that the finding is about, if hooks were run.
	Files []File `json:"files,omitempty"`
	// Output has the last lines that the hook printed, if it did not succeed.
	Output []string `json:"output,omitempty"`

	// Hook is the hook that breaks the rule; nil: it is unknown which hook of the
	// container does.
	Hook *Declared `json:"-"`

	// Offset is where the command starts in the hook, in bytes.
	Offset int `json:"-"`
}

// A File is a path that a run of a hook makes another one.
type File struct {
	Path   string   `json:"path"`            // with ~ for the home
	Change string   `json:"change"`          // such as "added"
	Lines  []string `json:"lines,omitempty"` // those that differ, after "+" or "-"
}

// Shown returns the path for messages: in quotes if it has characters that break a line or
// cannot be seen.
func (f File) Shown() string {
	if strings.ContainsFunc(f.Path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(f.Path)
	}
	return f.Path
}

// At returns a finding in hook h. source is the command that breaks the rule, and
// starts at offset. reason replaces the rule's reason, if it is not empty.
func (r Rule) At(h *Declared, offset int, source, reason string) Finding {
	f := r.finding(h.Container, h.Place(offset), reason)
	f.Hook, f.Offset, f.Source = h, offset, source
	return f
}

// NotRunBecause returns the finding of a hook that was to be run, and was not, or whose run
// shows nothing: it is an error, because the hook has not passed.
func (h *Declared) NotRunBecause(reason string, fix ...string) Finding {
	f := Rule{Name: "not-run", Verdict: NotRun}.At(h, 0, h.Run, reason)
	f.Fix = fix
	return f
}

// Somewhere returns a finding in an unknown hook of a container.
func (r Rule) Somewhere(container, reason string) Finding {
	f := r.finding(container, finding.Place{File: manifest.DistroboxPath}, reason)
	f.Message = fmt.Sprintf("an unknown hook of %s: %s", container, f.Message)
	return f
}

func (r Rule) finding(container string, place finding.Place, reason string) Finding {
	if reason == "" {
		reason = r.Reason
	}
	return Finding{
		Finding: finding.Finding{
			Rule: "hook/" + r.Name, Level: cmp.Or(r.Level, finding.Error), Place: place, Subject: container,
			Message: fmt.Sprintf("%s: %s", r.Verdict, reason), Fix: []string{"instead: " + r.Use},
		},
		Container: container, Verdict: r.Verdict,
	}
}

// Text returns the reason and the name of the rule.
func (f Finding) Text() string {
	return fmt.Sprintf("%s [%s]", f.Message, strings.TrimPrefix(f.Rule, "hook/"))
}

// Error returns the place and the text, and on separate lines the command and the details.
func (f Finding) Error() string {
	lines := []string{fmt.Sprintf("%s: %s", f.Place, f.Text())}
	if f.Hook != nil {
		lines = append(lines, strings.Split(f.Source, "\n")...)
	}
	return strings.Join(append(lines, f.Details()...), "\n    ")
}

// The most that is printed of one finding; --json has everything.
const (
	maxFiles = 10
	maxLines = 10  // of one file
	maxLine  = 200 // characters of a line; files such as settings in JSON can be one line
)

// Details returns lines with the files of the finding, and with the output of its hook.
func (f Finding) Details() []string {
	var lines []string
	for i, file := range f.Files {
		if i == maxFiles {
			lines = append(lines, fmt.Sprintf("and %d more", len(f.Files)-maxFiles))
			break
		}
		if len(f.Files) > 1 {
			lines = append(lines, file.Shown()+": "+file.Change)
		}
		for i, line := range file.Lines {
			if i == maxLines {
				lines = append(lines, fmt.Sprintf("  and %d more lines", len(file.Lines)-maxLines))
				break
			}
			lines = append(lines, "  "+printable.Cut(line, maxLine))
		}
	}
	for _, line := range f.Output {
		lines = append(lines, "| "+printable.Cut(line, maxLine))
	}
	return lines
}

// Unwrap returns the finding without the fields that only hooks have.
func (f Finding) Unwrap() error { return f.Finding }

// Err returns the findings that are errors as one error, nil if there are none.
func Err(found []Finding) error {
	var errs []error
	for _, f := range found {
		if f.Level == finding.Error {
			errs = append(errs, f)
		}
	}
	return errors.Join(errs...)
}

// Warnings returns the findings that are no errors.
func Warnings(found []Finding) []error {
	var warnings []error
	for _, f := range found {
		if f.Level != finding.Error {
			warnings = append(warnings, f)
		}
	}
	return warnings
}
