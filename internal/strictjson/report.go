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

// maxProblems is how many problems of a file are told; of more than these no
// one would read the last.
const maxProblems = 20

// A Report collects the problems of a manifest. Without a source, which a
// value that is about to be written does not have, a JSON pointer says where
// a problem is.
type Report struct {
	file     string
	source   *Source
	problems []problem
	more     bool // than are told
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

// full reports whether no more problems are told, so that one more need not be
// put in words.
func (r *Report) full() bool {
	if len(r.problems) < maxProblems {
		return false
	}
	r.more = true
	return true
}

// Add reports err about the value that p points to, unless something is wrong
// with it already: a value of the wrong type is not there to be checked.
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

// Duplicate reports that what, at p, stands in the manifest already, at first.
func (r *Report) Duplicate(p jsontext.Pointer, what string, first jsontext.Pointer) {
	r.Add(p, fmt.Errorf("%s stands here twice (first at %s)", what, r.Where(first)))
}

// Where says in a message where another value stands.
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

// Quote quotes text from a manifest, which may be of any length and hold
// anything, such that it can be shown in a terminal.
func Quote(s string) string {
	short, cut := truncate(s, maxQuote)
	if !cut {
		return strconv.Quote(s)
	}
	return strconv.Quote(short) + "…"
}

// clean does the same for text that is not put in quotes.
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
