package contract

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"bkt/internal/hint"
)

// The prefixes of lines with errors and hints. Other lines, such as progress,
// have none.
const (
	errorLine = "bkt: error: "
	hintLine  = "bkt: hint: "
)

// WriteErrors prints err, or each of joined errors, with its hints, as bkt does.
func WriteErrors(w io.Writer, err error) {
	for _, r := range reasons(err) {
		fmt.Fprintln(w, errorLine+r.Message)
		for _, h := range r.Hints {
			fmt.Fprintln(w, hintLine+h)
		}
	}
}

// ReadErrors returns the errors that [WriteErrors] printed in text, or
// otherwise if text has none.
func ReadErrors(text string, otherwise error) error {
	var all []reason
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if message, ok := strings.CutPrefix(line, errorLine); ok {
			all = append(all, reason{Message: message})
		} else if h, ok := strings.CutPrefix(line, hintLine); ok && len(all) > 0 {
			last := &all[len(all)-1]
			last.Hints = append(last.Hints, h)
		}
	}
	if len(all) == 0 {
		return otherwise
	}
	var errs []error
	for _, r := range all {
		errs = append(errs, r.hinted(errors.New(r.Message)))
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// hinted returns err with the hints of r, in their order.
func (r reason) hinted(err error) error {
	for i := len(r.Hints) - 1; i >= 0; i-- {
		err = hint.Add(err, "%s", r.Hints[i])
	}
	return err
}
