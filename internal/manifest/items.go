package manifest

import (
	"maps"
	"slices"
	"strings"

	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// checkNotes checks the fields that every item outside of an image may have.
func checkNotes(o strictjson.Object, hosts Hosts, comment string) {
	o.Tell("hosts", strictjson.Rule{Filled: true})
	if len(hosts) == 0 && o.Has(o.Pointer+"/hosts") {
		o.Add(o.Pointer+"/hosts", errNoHost)
	}
	o.List("hosts", "host", hosts, checkHost)
	checkItemComment(o, comment)
}

func checkItemComment(o strictjson.Object, comment string) {
	o.Tell("comment", strictjson.Rule{Check: checkComment})
	if err := checkComment(comment); err != nil {
		o.Add(o.Pointer+"/comment", err)
	}
}

// checkNamed checks the values in an object whose names the user chooses. Errors call such a
// value what.
func checkNamed(o strictjson.Object, what string, values map[string]string, checkName func(string) error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p := o.Pointer.AppendToken(name)
		if o.VerifyName(p, what, name, checkName) {
			o.Verify(p, what+" "+name, values[name], checkAny)
		}
	}
}

// An entity is an item with a key, which identifies it.
type entity[T any] interface {
	// Key is unique in the list.
	Key() string
	check(o strictjson.Object)
	canonical() T
}

// checkItems checks the items of a list, which errors call what, and that their keys
// are unique.
func checkItems[T entity[T]](o strictjson.Object, field, what string, items []T) {
	first := make(map[string]int, len(items))
	list := o.Pointer.AppendToken(field)
	o.Tell(field, strictjson.Rule{Unique: true})
	for i, it := range items {
		if o.Truncated() {
			return
		}
		before := o.Len()
		it.check(o.Object(strictjson.Item(list, i)))
		if o.Len() > before {
			continue // its key may be mistyped
		}
		if k, ok := first[it.Key()]; ok {
			o.Duplicate(strictjson.Item(list, i), what+" "+strictjson.Quote(it.Key()), strictjson.Item(list, k))
			continue
		}
		first[it.Key()] = i
	}
}

// sortItems returns the items in their canonical form, sorted by key; nil if there
// are none.
func sortItems[T entity[T]](items []T) []T {
	var all []T
	for _, it := range items {
		all = append(all, it.canonical())
	}
	slices.SortStableFunc(all, func(a, b T) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}

// textOrObject returns what to decode an item into that is a string or an object, as
// [strictjson.Union] does: a string into text, which is bare then. It is nil for anything
// else.
func textOrObject(kind jsontext.Kind, bare *bool, text *string, object any) any {
	switch kind {
	case '"':
		*bare = true
		return text
	case '{':
		return object
	}
	return nil
}

// writeTextOrObject writes an item as textOrObject reads it: only its text, if the item has
// nothing else, or else the object.
func writeTextOrObject(e *jsontext.Encoder, hasOnlyText bool, text string, object any) error {
	if hasOnlyText {
		return e.WriteToken(jsontext.String(text))
	}
	return json.MarshalEncode(e, object, json.Deterministic(true))
}

// textPointer returns the pointer of the text of an item at a pointer: in an object, it is
// in a field.
func textPointer(at jsontext.Pointer, bare bool, field string) jsontext.Pointer {
	if bare {
		return at
	}
	return at.AppendToken(field)
}

// checkItemText checks the text of an item, which is in a field of an object. Errors call the
// text of a bare item what.
func checkItemText(o strictjson.Object, bare bool, what, field, text string, check func(string) error) {
	if bare {
		o.Verify(o.Pointer, what, text, check)
		return
	}
	o.Required(field, text, check)
}
