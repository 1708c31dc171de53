package gvariant

import (
	"slices"
	"strings"
)

// A Value is a value and its type.
type Value struct {
	typ string
	// A bool, uint8, int16 … uint64, float64 or string, or the []Value of a
	// container: the elements of an array, the members of a tuple or an entry,
	// the one value of a variant, the value of a maybe or none.
	data any
}

// Type returns the type, such as "a(ss)".
func (v Value) Type() string { return v.typ }

// Text returns the text of v, and whether v has a type of strings.
func (v Value) Text() (string, bool) {
	s, ok := v.data.(string)
	return s, ok
}

// Inner returns the values in v, nil if v is not a container.
func (v Value) Inner() []Value {
	inner, _ := v.data.([]Value)
	return inner
}

// With returns v with other inner values, which have the same types.
func (v Value) With(inner []Value) Value { return Value{v.typ, inner} }

// NewString returns a string.
func NewString(s string) Value { return Value{"s", s} }

// Nothing returns a maybe of type t without a value.
func Nothing(t string) Value { return Value{t, []Value(nil)} }

// NewEntry returns an entry of a dictionary.
func NewEntry(key, value Value) Value {
	return Value{"{" + key.typ + value.typ + "}", []Value{key, value}}
}

// NewVariant returns a variant with v in it.
func NewVariant(v Value) Value { return Value{"v", []Value{v}} }

// NewArray returns the array of this type with these elements.
func NewArray(t string, elements ...Value) Value { return Value{t, elements} }

// Bytes returns the bytes of v, which has type "ay".
func (v Value) Bytes() []byte {
	var all []byte
	for _, b := range v.Inner() {
		n, _ := b.data.(uint8)
		all = append(all, n)
	}
	return all
}

// NewBytes returns an array of bytes.
func NewBytes(all []byte) Value {
	v := Value{"ay", []Value(nil)}
	for _, b := range all {
		v.data = append(v.Inner(), Value{"y", b})
	}
	return v
}

// Strings returns v with f applied to each string (of type s) in it.
func (v Value) Strings(f func(string) string) Value {
	if s, ok := v.data.(string); ok && v.typ == "s" {
		return Value{"s", f(s)}
	}
	if _, ok := v.data.([]Value); !ok {
		return v
	}
	inner := slices.Clone(v.Inner())
	for i := range inner {
		inner[i] = inner[i].Strings(f)
	}
	return v.With(inner)
}

// Equal reports whether both are the same value of the same type. The entries
// of a dictionary have no order.
func (v Value) Equal(w Value) bool {
	return v.typ == w.typ && v.sorted().String() == w.sorted().String()
}

// sorted returns v with the entries of dictionaries in order.
func (v Value) sorted() Value {
	if _, ok := v.data.([]Value); !ok {
		return v
	}
	inner := slices.Clone(v.Inner())
	for i := range inner {
		inner[i] = inner[i].sorted()
	}
	if strings.HasPrefix(v.typ, "a{") {
		slices.SortStableFunc(inner, func(a, b Value) int { return strings.Compare(a.String(), b.String()) })
	}
	return v.With(inner)
}
