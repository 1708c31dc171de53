// Package finding has one type for everything that bkt reports about a file, an
// image, a hook or a machine, and writes it as text, JSON, SARIF and JUnit XML.
//
// Checks return findings; commands print them. The package itself checks nothing.
package finding

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/hint"
)

// A Level says how bad a finding is.
type Level string

// The levels, which are those of SARIF.
const (
	Error   Level = "error" // the command fails
	Warning Level = "warning"
	Note    Level = "note"
)

// A Place is a position in a file. The zero place is unknown.
type Place struct {
	File   string `json:"file,omitempty"`   // path in the repository
	Line   int    `json:"line,omitempty"`   // from 1; 0: the whole file
	Column int    `json:"column,omitempty"` // from 1, in characters; 0: the whole line
}

// String returns file:line:column, without the parts that are unknown.
func (p Place) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// A Finding is a problem that a check has found. It is an error, and encodes as
// an element of "findings" in the output of --json.
type Finding struct {
	Rule    string `json:"rule"` // its short name, such as "bootc/var"
	Level   Level  `json:"level"`
	Place          // what to look at
	Subject string `json:"-"` // the subject, if it is not a file: an image, a container, a check of the doctor
	Message string `json:"message"`

	// Fix is what the user can do about it: each is a hint of its own.
	Fix []string `json:"hints,omitempty"`
}

// Error returns "file:line:column: message", or only the message if the place is
// unknown.
func (f Finding) Error() string {
	if f.Place == (Place{}) {
		return f.Message
	}
	return fmt.Sprintf("%s: %s", f.Place, f.Message)
}

// Hints returns Fix, for package hint.
func (f Finding) Hints() []string { return f.Fix }

// From turns errors into findings. A finding in an error stays unchanged, with the
// hints of the whole error as its fix. Any other error becomes a finding of level, with
// the rule that has the level's name, at the place at the beginning of its text.
func From(level Level, errs ...error) []Finding {
	var all []Finding
	for _, err := range errs {
		all = append(all, from(level, err))
	}
	return all
}

func from(level Level, err error) Finding {
	f, ok := errors.AsType[Finding](err)
	if !ok {
		f = Finding{Rule: string(level)}
		f.Place, f.Message = splitPlace(err.Error())
	}
	f.Level = cmp.Or(f.Level, level)
	f.Fix = hint.Of(err)
	return f
}

// splitPlace splits "file:line:column: message" and "file:line: message". The
// place of any other text is unknown.
func splitPlace(text string) (Place, string) {
	head, message, ok := strings.Cut(text, ": ")
	parts := strings.Split(head, ":")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return Place{}, text
	}
	p := Place{File: parts[0]}
	numbers := strings.Join(parts[1:], " ")
	var err error
	if len(parts) == 2 {
		_, err = fmt.Sscanf(numbers, "%d", &p.Line)
	} else {
		_, err = fmt.Sscanf(numbers, "%d %d", &p.Line, &p.Column)
	}
	if err != nil {
		return Place{}, text
	}
	return p, message
}

// Distinct drops findings that repeat an earlier one: two Containerfiles can be
// rendered from one manifest. It never returns nil.
func Distinct(all []Finding) []Finding {
	kept := []Finding{}
	for _, f := range all {
		if !slices.ContainsFunc(kept, func(k Finding) bool { return reflect.DeepEqual(k, f) }) {
			kept = append(kept, f)
		}
	}
	return kept
}
