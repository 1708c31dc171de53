package manifest

import (
	"cmp"
	"errors"
	"strings"

	"bkt/internal/hint"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Kargs are kernel arguments. A plain list has those to append.
type Kargs struct {
	Append []string `json:"append,omitempty"`
	Remove []string `json:"remove,omitempty"` // some of the appended arguments; an image cannot remove others
	Plain  bool     `json:"-"`                // written as a plain list
}

func (k *Kargs) Form(kind jsontext.Kind) any {
	switch kind {
	case '[':
		k.Plain = true
		return &k.Append
	case '{':
		return (*kargs)(k)
	}
	return nil
}

// kargs are Kargs in the form of an object.
type kargs Kargs

// MarshalJSONTo implements json.MarshalerTo.
func (k Kargs) MarshalJSONTo(e *jsontext.Encoder) error {
	if k.plain() {
		return json.MarshalEncode(e, k.Append)
	}
	return json.MarshalEncode(e, kargs(k))
}

// plain reports whether k is written as a plain list, which cannot have removals.
func (k Kargs) plain() bool { return k.Plain && len(k.Remove) == 0 }

// IsZero reports whether k is left out of the file.
func (k Kargs) IsZero() bool { return !k.Plain && len(k.Append)+len(k.Remove) == 0 }

const hintKarg = `a kernel argument is a word such as "quiet" or "console=ttyS0"; put a value with spaces into double quotes, as in "dyndbg=\"file a.c +p\""`

// checkKarg checks one kernel argument. bootc splits them at spaces outside of double
// quotes.
func checkKarg(s string) error {
	return hint.Add(cmp.Or(checkTrimmed(s), checkControl(s, ""), checkQuotes(s)), hintKarg)
}

func checkQuotes(s string) error {
	quoted := false
	for _, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ' ' && !quoted:
			return errors.New("has a space, and would be two arguments")
		}
	}
	switch name, _, _ := strings.Cut(strings.Trim(s, `"`), "="); {
	case quoted:
		return errors.New(`lacks a closing "`)
	case name == "":
		return errors.New("has no name")
	}
	return nil
}
