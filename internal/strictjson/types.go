package strictjson

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A field is a field of an object and of its struct.
type field struct {
	name  string
	index []int
}

// fieldsOf returns the fields of a struct, in the order of their declaration.
func (d *decoder) fieldsOf(t reflect.Type) []field {
	if fields, ok := d.fields[t]; ok {
		return fields
	}
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag != "" && tag != "-" {
			fields = append(fields, field{tag, f.Index})
		}
	}
	d.fields[t] = fields
	return fields
}

// A Union is a struct that has several forms in a file.
type Union interface {
	// Form returns a pointer to the value that JSON of that kind is read into, nil if
	// no form has that kind.
	Form(kind jsontext.Kind) any
}

// newUnion returns a Union of type t, whose forms can be queried.
func newUnion(t reflect.Type) Union {
	return reflect.New(t).Interface().(Union)
}

// formOf returns how a value of type t is read: as its kind says, as a Union
// ([reflect.Interface]), or, for [reflect.Invalid], by itself.
func formOf(t reflect.Type) reflect.Kind {
	switch pointer := reflect.PointerTo(t); {
	case pointer.Implements(reflect.TypeFor[Union]()):
		return reflect.Interface
	case pointer.Implements(reflect.TypeFor[json.UnmarshalerFrom]()):
		return reflect.Invalid
	}
	switch k := t.Kind(); k {
	case reflect.Struct, reflect.Map, reflect.String, reflect.Pointer:
		return k
	case reflect.Slice:
		if t != reflect.TypeFor[jsontext.Value]() {
			return k
		}
	}
	return reflect.Invalid
}

// fits reports whether a value of that kind may be read as a t. Invalid syntax
// never fits.
func fits(kind jsontext.Kind, t reflect.Type) bool {
	if formOf(t) == reflect.Interface {
		return newUnion(t).Form(kind) != nil
	}
	switch describe(t) {
	case anything:
		return kind != 0
	case "a string":
		return kind == '"'
	case "true or false":
		return kind == 't' || kind == 'f'
	case "a number", "a whole number":
		return kind == '0'
	case "an object":
		return kind == '{'
	}
	return kind == '['
}

// anything describes types that decide themselves which values they accept.
const anything = "anything"

// describe returns the form of a value of type t in the user's words.
func describe(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	switch formOf(t) {
	case reflect.Interface:
		return describeForms(newUnion(t))
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Pointer:
		return describe(t.Elem())
	case reflect.Slice:
		return describeList(describe(t.Elem()))
	}
	return anything
}

func describeForms(u Union) string {
	var forms []string
	for _, kind := range []jsontext.Kind{'"', '[', '{'} {
		if v := u.Form(kind); v != nil {
			forms = append(forms, describe(reflect.TypeOf(v).Elem()))
		}
	}
	return strings.Join(forms, " or ")
}

func describeList(item string) string {
	switch item {
	case "a string", "a number", "a whole number":
		return "a list of " + strings.TrimPrefix(item, "a ") + "s"
	case "an object":
		return "a list of objects"
	case "a string or an object":
		return "a list of strings or objects"
	}
	return "a list"
}

func describeKind(kind jsontext.Kind) string {
	switch kind {
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return kind.String() // null, false and true
}

// label returns the name of the value that p points to.
func label(p jsontext.Pointer) string {
	if p == "" {
		return "the file"
	}
	last := p.LastToken()
	if _, err := strconv.Atoi(last); err == nil {
		return fmt.Sprintf("an item of %s", label(p.Parent()))
	}
	return QuoteName(last)
}

func QuoteName(s string) string {
	plain := func(r rune) bool { return r == '_' || r == '$' || 'a' <= r && r <= 'z' }
	if s != "" && len(s) <= maxQuote && strings.TrimFunc(s, plain) == "" {
		return s
	}
	return Quote(s)
}
