package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An object is the place of an object in a manifest whose fields are being checked.
type object struct {
	*report
	at jsontext.Pointer
}

// within returns the object that is the value of a field.
func (o object) within(field string) object {
	return object{o.report, o.at.AppendToken(field)}
}

// required checks the value of a field that must be given.
func (o object) required(field, value string, check func(string) error) {
	p := o.at.AppendToken(field)
	if value == "" {
		o.add(p, fmt.Errorf("no %s is given", quoteUnlessPlain(field)))
		return
	}
	o.verify(p, quoteUnlessPlain(field), value, check)
}

// optional checks the value of a field that may be left out.
func (o object) optional(field, value string, check func(string) error) {
	if value != "" {
		o.verify(o.at.AppendToken(field), quoteUnlessPlain(field), value, check)
	}
}

// list checks the strings of a list, which errors call what, and that none
// stands in it twice.
func (o object) list(field, what string, values []string, check func(string) error) {
	p := o.at.AppendToken(field)
	first := make(map[string]int, len(values))
	for i, value := range values {
		if o.more {
			return
		}
		if !o.verify(item(p, i), what, value, check) {
			continue
		}
		if k, ok := first[value]; ok {
			o.twice(item(p, i), what+" "+quote(value), item(p, k))
			continue
		}
		first[value] = i
	}
}

// notes checks the fields that any item of what is not part of an image may have.
func (o object) notes(hosts Hosts, comment string) {
	if len(hosts) == 0 && o.source.has(o.at+"/hosts") {
		o.add(o.at+"/hosts", errNoHost)
	}
	o.list("hosts", "host", hosts, checkHost)
	o.comment(comment)
}

func (o object) comment(comment string) {
	if err := checkComment(comment); err != nil {
		o.add(o.at+"/comment", err)
	}
}

// verify reports what check has against a value that errors call what, and
// returns whether it is right.
func (r *report) verify(p jsontext.Pointer, what, value string, check func(string) error) bool {
	err := check(value)
	if err != nil {
		r.add(p, fmt.Errorf("%s %s: %w", what, quote(value), err))
	}
	return err == nil
}

// root is the object that the manifest is.
func root(r *report) object { return object{r, ""} }

// item returns the pointer of an item of a list.
func item(list jsontext.Pointer, i int) jsontext.Pointer {
	return list + jsontext.Pointer("/"+strconv.Itoa(i))
}

// An entity is an item that has a key, by which two items are the same thing.
type entity[T any] interface {
	// Key is unique in the list.
	Key() string
	check(o object)
	canonical() T
}

// checkItems checks the items of a list, which errors call what, and that no
// two have the same key.
func checkItems[T entity[T]](o object, field, what string, items []T) {
	first := make(map[string]int, len(items))
	list := o.at.AppendToken(field)
	for i, it := range items {
		if o.more {
			return
		}
		known := len(o.problems)
		it.check(object{o.report, item(list, i)})
		if len(o.problems) > known {
			continue // its key may not be what was meant
		}
		if k, ok := first[it.Key()]; ok {
			o.twice(item(list, i), what+" "+quote(it.Key()), item(list, k))
			continue
		}
		first[it.Key()] = i
	}
}

// sortItems returns the items in their canonical form, sorted by key. None is nil.
func sortItems[T entity[T]](items []T) []T {
	var all []T
	for _, it := range items {
		all = append(all, it.canonical())
	}
	slices.SortStableFunc(all, func(a, b T) int { return strings.Compare(a.Key(), b.Key()) })
	return all
}
