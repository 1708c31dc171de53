// Package hint adds hints to errors: what the user can do next.
//
// The text of an error says what happened. A hint is printed on a line of its own, and
// does not change the text of its error.
package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error   { return e.error }
func (e hinted) Hints() []string { return []string{e.hint} }

// Add returns err with a hint, formatted like [fmt.Sprintf]. A nil err stays nil.
func Add(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return hinted{err, fmt.Sprintf(format, args...)}
}

// Copy returns err with the hints of from, in their order.
func Copy(err, from error) error {
	hints := Of(from)
	for i := len(hints) - 1; i >= 0; i-- {
		err = Add(err, "%s", hints[i])
	}
	return err
}

// Of returns the hints of err and of the errors that it wraps or joins, outermost first,
// each once: those of Add, and those of errors with a method Hints() []string.
func Of(err error) []string {
	var hints []string
	walk(err, func(h string) {
		for _, have := range hints {
			if have == h {
				return
			}
		}
		hints = append(hints, h)
	})
	return hints
}

func walk(err error, visit func(string)) {
	if err == nil {
		return
	}
	if h, ok := err.(interface{ Hints() []string }); ok {
		for _, text := range h.Hints() {
			visit(text)
		}
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			walk(e, visit)
		}
		return
	}
	walk(errors.Unwrap(err), visit)
}

// Split returns the errors that are joined in err, so that each can be printed with its
// own hints.
func Split(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, Split(e)...)
	}
	return all
}

// Prefix returns err with text and ": " before the text of each joined error, so that
// each still stands by itself. A nil err stays nil.
func Prefix(text string, err error) error {
	var errs []error
	for _, e := range Split(err) {
		errs = append(errs, fmt.Errorf("%s: %w", text, e))
	}
	return errors.Join(errs...)
}
