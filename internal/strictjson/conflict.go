package strictjson

import (
	"bytes"
	"fmt"
	"reflect"

	"bkt/internal/hint"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Conflict is what a merge puts in the place of a value that both sides changed: the
// object {"conflict": {"ours": …, "theirs": …, "base": …}}. A side without the value has
// null. A file with a conflict cannot be read until someone decides.
type Conflict struct {
	Ours   jsontext.Value `json:"ours"`
	Theirs jsontext.Value `json:"theirs"`
	Base   jsontext.Value `json:"base"` // what both sides changed
}

// conflictField is the only field of the object of a conflict.
const conflictField = `"conflict"`

// ParseConflict returns the conflict that a value is, and whether it is one: an item may
// be called conflict, but has other fields.
func ParseConflict(value []byte) (Conflict, bool) {
	if !mayConflict(value) {
		return Conflict{}, false
	}
	var object struct {
		Conflict Conflict `json:"conflict"`
	}
	err := json.Unmarshal(value, &object, json.RejectUnknownMembers(true))
	c := object.Conflict
	return c, err == nil && c.Ours != nil && c.Theirs != nil && c.Base != nil
}

// mayConflict reports whether a value begins as a conflict does.
func mayConflict(value []byte) bool {
	rest, ok := bytes.CutPrefix(value, []byte("{"))
	return ok && bytes.HasPrefix(bytes.TrimLeft(rest, blank), []byte(conflictField))
}

// Sides returns the sides of the conflict that have the value: ours, theirs, base.
func (c Conflict) Sides() []jsontext.Value {
	var all []jsontext.Value
	for _, v := range []jsontext.Value{c.Ours, c.Theirs, c.Base} {
		if v.Kind() != 'n' {
			all = append(all, v)
		}
	}
	return all
}

// inConflict reads a value if it is a conflict, and reports it as one of type t.
func (d *decoder) inConflict(kind jsontext.Kind, t reflect.Type) (n node, ok bool, err error) {
	if kind != '{' {
		return node{}, false, nil
	}
	start := d.next()
	if !mayConflict(d.data[start:]) {
		return node{}, false, nil
	}
	value, err := jsontext.NewDecoder(bytes.NewReader(d.data[start:])).ReadValue()
	if err != nil {
		return node{}, false, nil // reading on finds the error
	}
	c, ok := ParseConflict(value)
	if !ok {
		return node{}, false, nil
	}
	if n, err = d.skip(); err == nil {
		d.undecided(n, t, c)
	}
	return n, true, err
}

// undecided reports a conflict.
func (d *decoder) undecided(n node, t reflect.Type, c Conflict) {
	if d.full() {
		return
	}
	p := d.tokens.StackPointer()
	what := label(p)
	if key, _ := c.Key(t); key != "" {
		what += " (" + clean(key) + ")"
	}
	err := fmt.Errorf("%s is in conflict: two sides of a merge changed it", what)
	d.addAt(d.source.position(n.offset), p, hint.Add(err, `run "bkt drift resolve", or put one of "ours", "theirs" and "base" in the place of the object`))
}

// Key returns the key of the value of type t that is in conflict, or false.
func (c Conflict) Key(t reflect.Type) (string, bool) {
	for _, side := range c.Sides() {
		if key, ok := Key(t, side); ok {
			return key, true
		}
	}
	return "", false
}

// Key returns the result of the method Key that the type t has, for a value of it, or
// false. It reads the value as far as it can: wrong fields do not matter.
func Key(t reflect.Type, value []byte) (string, bool) {
	v := reflect.New(t)
	item, ok := v.Interface().(interface{ Key() string })
	if !ok {
		return "", false
	}
	if _, err := newDecoder("", value).value(v.Elem()); err != nil {
		return "", false
	}
	return item.Key(), true
}
