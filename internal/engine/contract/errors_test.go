package contract_test

import (
	"errors"
	"strings"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

func TestErrorsRoundTrip(t *testing.T) {
	plain := errors.New("plain")
	twice := hint.Add(hint.Add(errors.New("hinted"), "inner"), "outer")
	for _, err := range []error{plain, twice, errors.Join(twice, plain)} {
		var text strings.Builder
		text.WriteString("Copying blob 1234\n")
		contract.WriteErrors(&text, err)
		got := contract.ReadErrors(text.String(), errors.New("otherwise"))
		if diff := cmp.Diff(describe(err), describe(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// describe returns the texts and the hints of joined errors.
func describe(err error) [][]string {
	var all [][]string
	for _, e := range hint.Split(err) {
		all = append(all, append([]string{e.Error()}, hint.Of(e)...))
	}
	return all
}

func TestTextWithoutErrors(t *testing.T) {
	otherwise := errors.New("exit status 1")
	for _, text := range []string{"", "killed", "bkt: hint: of nothing"} {
		if err := contract.ReadErrors(text, otherwise); err != otherwise {
			t.Errorf("%q: %v", text, err)
		}
	}
}
