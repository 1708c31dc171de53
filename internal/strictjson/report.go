package strictjson

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxProblems is how many problems of a file are reported: nobody would read more.
const maxProblems = 20

// A Report collects the problems of a file. For a value that is about to be
// written, which has no file, JSON pointers say where the problems are.
type Report struct {
	file     string
	source   *Source
	problems []problem
	more     bool // there are more problems

	// Observe, if it is set, is called with the rules of the checks. They verify nothing
	// then: a schema is generated from their rules.
	Observe func(Rule)
}

// A Rule is what a check demands of the value that Pointer points to, or of its name. The
// place of an item in a list, and a name that the user chooses, stand for all others.
type Rule struct {
	Pointer  jsontext.Pointer
	Check    func(string) error // of its text; nil: none
	OfName   bool               // Check is about the name
	Required bool               // it must be there, and it must not be empty
	Optional bool               // Check is not about an empty text
	Filled   bool               // it must not be an empty list or object
	Unique   bool               // a list without duplicates
}

// Observed reports whether the rule went to Observe, so that nothing is to be verified.
func (r *Report) Observed(rule Rule) bool {
	if r.Observe == nil {
		return false
	}
	r.Observe(rule)
	return true
}

type problem struct {
	Position
	pointer jsontext.Pointer
	error
}

// Has reports whether the file has the value that p points to.
func (r *Report) Has(p jsontext.Pointer) bool { return r.source.has(p) }

// Len returns the number of problems reported so far, up to the limit.
func (r *Report) Len() int { return len(r.problems) }

// Truncated reports whether there were more problems than [Report.Err] returns,
// so that checks may stop.
func (r *Report) Truncated() bool { return r.more }

// full reports whether the limit is reached, so that a further problem need not be
// formatted.
func (r *Report) full() bool {
	if len(r.problems) < maxProblems {
		return false
	}
	r.more = true
	return true
}

// Add reports err about the value that p points to, unless that has a problem
// already: a value of the wrong type cannot be checked further.
func (r *Report) Add(p jsontext.Pointer, err error) {
	if !slices.ContainsFunc(r.problems, func(q problem) bool { return q.pointer.Contains(p) }) {
		r.addAt(r.source.At(p), p, err)
	}
}

func (r *Report) addAt(pos Position, p jsontext.Pointer, err error) {
	if !r.full() {
		r.problems = append(r.problems, problem{pos, p, err})
	}
}

// Duplicate reports that what, at p, repeats the value at first.
func (r *Report) Duplicate(p jsontext.Pointer, what string, first jsontext.Pointer) {
	r.Add(p, fmt.Errorf("duplicate %s (first at %s)", what, r.Where(first)))
}

// Where returns the position of another value for a message.
func (r *Report) Where(p jsontext.Pointer) string {
	if r.source == nil {
		return string(p)
	}
	pos := r.source.At(p)
	return fmt.Sprintf("%d:%d", pos.Line, pos.Column)
}

// Err returns the problems in the order of the file, nil if there are none.
func (r *Report) Err() error {
	slices.SortStableFunc(r.problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for _, p := range r.problems {
		errs = append(errs, r.text(p))
	}
	if r.more {
		errs = append(errs, errors.New(strings.TrimPrefix(r.file+": there are more problems than these", ": ")))
	}
	return errors.Join(errs...)
}

func (r *Report) text(p problem) error {
	if r.source == nil {
		return fmt.Errorf("%s: %w", clean(string(p.pointer)), p.error)
	}
	within := ""
	if strings.Count(string(p.pointer), "/") > 1 { // else the message names the field
		within = " (" + clean(string(p.pointer)) + ")"
	}
	return fmt.Errorf("%s:%d:%d: %w%s", r.file, p.Line, p.Column, p.error, within)
}

const maxQuote = 60

// Quote quotes text of a file, of any length and with any characters, for a
// terminal.
func Quote(s string) string {
	short, cut := truncate(s, maxQuote)
	if !cut {
		return strconv.Quote(s)
	}
	return strconv.Quote(short) + "…"
}

// clean does the same without quotes.
func clean(s string) string {
	short, cut := truncate(s, 3*maxQuote)
	if cut {
		short += "…"
	}
	if strings.IndexFunc(short, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return short
	}
	quoted := strconv.Quote(short)
	return quoted[1 : len(quoted)-1]
}

// truncate returns the first n characters of s, and whether there are more.
func truncate(s string, n int) (string, bool) {
	for i := range s {
		if n == 0 {
			return s[:i], true
		}
		n--
	}
	return s, false
}
