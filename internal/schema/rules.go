package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// addRules adds the rules of the checks of a manifest. The checks tell them of a value
// that has everything: each field, and one item in each list. What they tell depends on
// whether items are in their short form, and on the scope of some items.
func addRules(s *schema, f manifest.File) error {
	var errs []error
	for _, short := range []bool{false, true} {
		plain, custom := map[*schema]string{}, map[*schema]string{}
		for text, required := range map[string]map[*schema]string{"x": plain, "installation=x": custom} {
			r := &strictjson.Report{Observe: func(rule strictjson.Rule) { errs = append(errs, s.add(rule, required)) }}
			f.Check(full(f.Type, text, short).Interface(), r)
		}
		for object, names := range plain {
			object.require(names, custom[object])
		}
	}
	s.sortRequired()
	return errors.Join(errs...)
}

// require requires the fields that are both in a and in b, lists of words.
func (s *schema) require(a, b string) {
	for _, name := range strings.Fields(a) {
		if slices.Contains(strings.Fields(b), name) && !slices.Contains(s.Required, name) {
			s.Required = append(s.Required, name)
		}
	}
}

// sortRequired sorts required fields by their place in the type. Others may be empty.
func (s *schema) sortRequired() {
	var sorted []string
	for _, f := range s.Fields {
		if slices.Contains(s.Required, f.name) {
			sorted = append(sorted, f.name)
			f.empty = false
		}
		f.sortRequired()
	}
	s.Required = sorted
	for _, part := range s.parts() {
		part.sortRequired()
	}
}

// full returns a value of a type with every field, and with one item in each list. Its texts
// are text. If short is set, it has the short form of items with one.
func full(t reflect.Type, text string, short bool) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		v.Elem().Set(full(t.Elem(), text, short))
	case reflect.Slice:
		if t != reflect.TypeFor[jsontext.Value]() {
			v = reflect.Append(v, full(t.Elem(), text, short))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(full(t.Key(), text, short), full(t.Elem(), text, short))
	case reflect.Struct:
		fill(v, text, short)
	}
	return v
}

func fill(v reflect.Value, text string, short bool) {
	_, union := v.Addr().Interface().(strictjson.Union)
	for i, f := range reflect.VisibleFields(v.Type()) {
		switch {
		case f.Name == "Bare" || f.Name == "Plain":
			v.Field(i).SetBool(short)
		case f.Tag.Get("json") != "-" && (i == 0 || !union || !short):
			v.Field(i).Set(full(f.Type, text, short))
		}
	}
}

// add adds a rule. A required field is added to the words in required, by object.
func (s *schema) add(r strictjson.Rule, required map[*schema]string) error {
	parent, at, err := s.find(r.Pointer)
	if err != nil {
		return err
	}
	if r.OfName {
		parent.Names = &schema{}
		at = parent.Names
	}
	if r.Check != nil && nameOf(r.Check) != "anything" {
		if at.check != nil && nameOf(at.check) != nameOf(r.Check) {
			return fmt.Errorf("%s is checked by %s and by %s", r.Pointer, nameOf(at.check), nameOf(r.Check))
		}
		at.check, at.empty = r.Check, r.Optional || r.Required // for now
	}
	if r.Required {
		required[parent] += " " + r.Pointer.LastToken()
	}
	if r.Filled && at.Items != nil {
		at.MinItems = 1
	} else if r.Filled {
		at.MinFields = 1
	}
	at.Unique = at.Unique || r.Unique
	return nil
}

// find returns the schema of the value that p points to, and that of the object or list
// that has it.
func (s *schema) find(p jsontext.Pointer) (parent, at *schema, err error) {
	at = s
	for token := range p.Tokens() {
		parent = at
		_, err := strconv.Atoi(token)
		if at, _ = parent.Fields.find(token); at == nil && err == nil {
			at = parent.Items
		}
		if others, ok := parent.Others.(*schema); ok {
			at = others
		}
		if at == nil {
			return nil, nil, fmt.Errorf("no field is at %s", p)
		}
	}
	return parent, at, nil
}
