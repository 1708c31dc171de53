package hook

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"bkt/internal/finding"
	"bkt/internal/manifest"
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

	// Hook is the hook that breaks the rule; nil: it is unknown which hook of the
	// container does.
	Hook *Declared `json:"-"`

	// Offset is where the command starts in the hook, in bytes.
	Offset int `json:"-"`
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

// Error returns the place and the text, and the command on a separate line.
func (f Finding) Error() string {
	text := fmt.Sprintf("%s: %s", f.Place, f.Text())
	if f.Hook != nil {
		text += "\n    " + strings.ReplaceAll(f.Source, "\n", "\n    ")
	}
	return text
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
