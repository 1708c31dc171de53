package strictjson

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An Object is an object of a file, for checks of its fields.
type Object struct {
	*Report
	Pointer jsontext.Pointer
}

// Within returns the object in a field.
func (o Object) Within(field string) Object {
	return Object{o.Report, o.Pointer.AppendToken(field)}
}

// Tell does the same as [Report.Observed] for a rule about a field.
func (o Object) Tell(field string, rule Rule) bool {
	if o.Observe == nil {
		return false
	}
	rule.Pointer = o.Pointer.AppendToken(field)
	return o.Observed(rule)
}

// Required checks the value of a field that must not be missing.
func (o Object) Required(field, value string, check func(string) error) {
	if o.Tell(field, Rule{Check: check, Required: true}) {
		return
	}
	p := o.Pointer.AppendToken(field)
	if value == "" {
		o.Add(p, fmt.Errorf("%s is missing", QuoteName(field)))
		return
	}
	o.Verify(p, QuoteName(field), value, check)
}

// Optional checks the value of a field that may be missing.
func (o Object) Optional(field, value string, check func(string) error) {
	if !o.Tell(field, Rule{Check: check, Optional: true}) && value != "" {
		o.Verify(o.Pointer.AppendToken(field), QuoteName(field), value, check)
	}
}

// List checks the strings of a list, which errors call what, and that there are no
// duplicates.
func (o Object) List(field, what string, values []string, check func(string) error) {
	p := o.Pointer.AppendToken(field)
	if o.Tell(field, Rule{Unique: true}) {
		o.Observed(Rule{Pointer: Item(p, 0), Check: check})
		return
	}
	first := make(map[string]int, len(values))
	for i, value := range values {
		if o.Truncated() {
			return
		}
		if !o.Verify(Item(p, i), what, value, check) {
			continue
		}
		if k, ok := first[value]; ok {
			o.Duplicate(Item(p, i), what+" "+Quote(value), Item(p, k))
			continue
		}
		first[value] = i
	}
}

// Verify reports the error of check about a value, which errors call what, and
// returns whether the value is valid. The report of a [MustBe] is "WHAT must be
// WANT, not VALUE", of another error "WHAT VALUE: ERROR".
func (r *Report) Verify(p jsontext.Pointer, what, value string, check func(string) error) bool {
	if r.Observed(Rule{Pointer: p, Check: check}) {
		return true
	}
	switch err := check(value).(type) {
	case nil:
		return true
	case MustBe:
		r.Add(p, fmt.Errorf("%s must be %s, not %s%s", what, err.Want, Quote(value), err.Suffix))
	default:
		r.Add(p, fmt.Errorf("%s %s: %w", what, Quote(value), err))
	}
	return false
}

// VerifyName does the same for the name of the value that p points to.
func (r *Report) VerifyName(p jsontext.Pointer, what, name string, check func(string) error) bool {
	return r.Observed(Rule{Pointer: p, Check: check, OfName: true}) || r.Verify(p, what, name, check)
}

// A MustBe is the error of a check that knows what a value must be.
type MustBe struct {
	Values []string
	Want   string // these in a message, such as: "system" or "user"
	Suffix string // what follows in a message, such as: (did you mean "user"?)
}

// Error returns "must be WANT".
func (m MustBe) Error() string { return "must be " + m.Want + m.Suffix }

// OneOf returns a check that a value is one of values.
func OneOf(values ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(values, s) {
			return nil
		}
		var quoted []string
		for _, v := range values {
			quoted = append(quoted, strconv.Quote(v))
		}
		last := len(quoted) - 1
		err := MustBe{Values: values, Want: strings.TrimPrefix(strings.Join(quoted[:last], ", ")+" or "+quoted[last], " or ")}
		if near, ok := Nearest(s, values); ok {
			err.Suffix = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return err
	}
}

// Object returns the object that p points to.
func (r *Report) Object(p jsontext.Pointer) Object { return Object{r, p} }

// Item returns the pointer of an item of a list.
func Item(list jsontext.Pointer, i int) jsontext.Pointer {
	return list + jsontext.Pointer("/"+strconv.Itoa(i))
}
