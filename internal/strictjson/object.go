package strictjson

import (
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// An Object is the place of an object in a manifest whose fields are being checked.
type Object struct {
	*Report
	Pointer jsontext.Pointer
}

// Within returns the object that is the value of a field.
func (o Object) Within(field string) Object {
	return Object{o.Report, o.Pointer.AppendToken(field)}
}

// Required checks the value of a field that must be given.
func (o Object) Required(field, value string, check func(string) error) {
	p := o.Pointer.AppendToken(field)
	if value == "" {
		o.Add(p, fmt.Errorf("no %s is given", QuoteName(field)))
		return
	}
	o.Verify(p, QuoteName(field), value, check)
}

// Optional checks the value of a field that may be left out.
func (o Object) Optional(field, value string, check func(string) error) {
	if value != "" {
		o.Verify(o.Pointer.AppendToken(field), QuoteName(field), value, check)
	}
}

// List checks the strings of a list, which errors call what, and that none
// stands in it twice.
func (o Object) List(field, what string, values []string, check func(string) error) {
	p := o.Pointer.AppendToken(field)
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

// Verify reports what check has against a value that errors call what, and
// returns whether it is right.
func (r *Report) Verify(p jsontext.Pointer, what, value string, check func(string) error) bool {
	err := check(value)
	if err != nil {
		r.Add(p, fmt.Errorf("%s %s: %w", what, Quote(value), err))
	}
	return err == nil
}

// Object returns the object that p points to.
func (r *Report) Object(p jsontext.Pointer) Object { return Object{r, p} }

// Item returns the pointer of an item of a list.
func Item(list jsontext.Pointer, i int) jsontext.Pointer {
	return list + jsontext.Pointer("/"+strconv.Itoa(i))
}
