package merge

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// A form says how the values of a type of a manifest are merged.
type form int

const (
	whole  form = iota // as one value, or, for a type that is unknown, by its JSON
	record             // field by field
	names              // entry by entry, by names that the user chooses
	list               // item by item, by their keys
)

// A shape is how a value is merged. It follows from its type in package manifest.
type shape struct {
	form   form
	goType reflect.Type // nil: unknown
	fields []field      // of a record, in the order of their declaration
	entry  *shape       // of names and lists
	rule   Rule
	limit  bool // a list that is something else if it is missing than if it is empty

	together []string // fields of a record that are merged as one
	// short has the field that a value of another kind stands for: "git" is short for
	// {"name": "git"}.
	short map[jsontext.Kind]string
}

type field struct {
	name string
	*shape
}

// unknown is the shape of values that no type describes, such as the fields of a newer bkt.
var unknown = &shape{}

// A Field is a field of a type of a manifest.
type Field struct {
	Type reflect.Type
	Name string // in JSON
}

// A Rule merges the JSON of a field that both sides changed, if they can be merged. base
// is nil if it did not exist.
type Rule func(base, ours, theirs []byte) (merged []byte, ok bool)

// Rules are the rules for fields that only their domain knows how to merge.
type Rules map[Field]Rule

// RuleOf returns the rule for fields of type T that merge merges.
func RuleOf[T any](merge func(base, ours, theirs T) (T, bool)) Rule {
	return func(base, ours, theirs []byte) ([]byte, bool) {
		var b, o, t T
		for v, text := range map[*T][]byte{&b: base, &o: ours, &t: theirs} {
			if text != nil && json.Unmarshal(text, v) != nil {
				return nil, false
			}
		}
		merged, ok := merge(b, o, t)
		if !ok {
			return nil, false
		}
		text, err := json.Marshal(merged)
		return text, err == nil
	}
}

// shapeOf returns the shape of a type.
func (rules Rules) shapeOf(t reflect.Type) *shape {
	s := &shape{goType: t}
	switch t.Kind() {
	case reflect.Pointer:
		return rules.shapeOf(t.Elem())
	case reflect.Struct:
		s.form = record
		s.together = manifest.Together(t)
		s.short = shortForms(t)
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
				of := rules.shapeOf(f.Type)
				of.rule, of.limit = rules[Field{t, name}], manifest.IsLimit(t, name)
				s.fields = append(s.fields, field{name, of})
			}
		}
	case reflect.Map:
		s.form, s.entry = names, rules.shapeOf(t.Elem())
	case reflect.Slice:
		if t != reflect.TypeFor[jsontext.Value]() {
			s.form, s.entry = list, rules.shapeOf(t.Elem())
		}
	}
	return s
}

// shortForms returns the fields that values of other kinds stand for.
func shortForms(t reflect.Type) map[jsontext.Kind]string {
	v := reflect.New(t)
	union, ok := v.Interface().(strictjson.Union)
	if !ok {
		return nil
	}
	short := map[jsontext.Kind]string{}
	for _, kind := range []jsontext.Kind{'"', '['} {
		target := union.Form(kind)
		for _, f := range reflect.VisibleFields(t) {
			if at := v.Elem().FieldByIndex(f.Index).Addr(); target != nil && at.Type() == reflect.TypeOf(target) && at.Pointer() == reflect.ValueOf(target).Pointer() {
				short[kind], _, _ = strings.Cut(f.Tag.Get("json"), ",")
			}
		}
	}
	return short
}

// field returns the shape of a field.
func (s *shape) field(name string) *shape {
	for _, f := range s.fields {
		if f.name == name {
			return f.shape
		}
	}
	return unknown
}

// entryShape returns the shape of the entries of an object or a list.
func (s *shape) entryShape() *shape { return cmp.Or(s.entry, unknown) }

// part returns the shape of a field or an entry of an object.
func (s *shape) part(name string) *shape {
	if s.form == names {
		return s.entry
	}
	return s.field(name)
}

// kind returns the kind of the values that are merged by their parts, 0 for none.
func (s *shape) kind() jsontext.Kind {
	switch s.form {
	case record, names:
		return '{'
	case list:
		return '['
	}
	return 0
}

// expand returns a value without a short form.
func (s *shape) expand(n *node) *node {
	if n == nil || s.short[n.kind] == "" {
		return n
	}
	long := object()
	long.set(s.short[n.kind], n)
	return long
}

// shorten returns a value in the short form of one of two others, if that can express it.
func (s *shape) shorten(n *node, others ...*node) *node {
	for _, o := range others {
		if o == nil || n == nil || s.short[o.kind] == "" {
			continue
		}
		name := s.short[o.kind]
		switch {
		case len(n.names) == 1 && n.names[0] == name:
			return n.fields[name]
		case len(n.names) == 0 && o.kind == '[':
			return &node{kind: '['}
		}
	}
	return n
}

// key returns the key of an item of a list, or false. Of an item in conflict, it is that of
// its first side.
func (s *shape) key(n *node) (string, bool) {
	if sides, ok := parseConflict(n); ok {
		for _, name := range sides.names {
			if side := sides.fields[name]; side.kind != 'n' {
				return s.key(side)
			}
		}
	}
	if s.goType != nil {
		if key, ok := strictjson.Key(s.goType, write(n)); ok {
			return key, key != ""
		}
	}
	return n.text, n.text != ""
}

// keys returns the items of a list by their keys, and the keys in order. It is false if an
// item has none, or two have the same one.
func (s *shape) keys(n *node) (keys []string, items map[string]*node, ok bool) {
	items = map[string]*node{}
	if n == nil {
		return nil, items, true
	}
	for _, item := range n.items {
		key, ok := s.key(item)
		if !ok || items[key] != nil {
			return nil, nil, false
		}
		keys, items[key] = append(keys, key), item
	}
	return keys, items, true
}

// order returns the names of the fields of some objects: those of a record in the order of
// their declaration, others as they come. Names that the user chooses are sorted.
func (s *shape) order(objects ...*node) []string {
	var all []string
	has := map[string]bool{}
	add := func(name string) {
		if !has[name] {
			has[name], all = true, append(all, name)
		}
	}
	for _, f := range s.fields {
		add(f.name)
	}
	for _, o := range objects {
		if o == nil {
			continue
		}
		for _, name := range o.names {
			add(name)
		}
	}
	if s.form == names {
		slices.Sort(all)
	}
	return all
}
