package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/secret"
)

// Line describes an item that changes.
func (i Item) Line(to Direction) string {
	text := string(i.Op) + " " + i.MaskedKey()
	if have, want := to.sides(i.Difference); i.Op == plan.Modify {
		text += ": " + describe(have, want)
	}
	return text
}

// PickLine describes an item that changes, in a list to pick from. secret says what
// kind of secret the repository would get; "" for none.
func (i Item) PickLine(to Direction) (text, secret string) {
	text = i.Domain.Name() + " " + i.Line(to)
	if _, want := to.sides(i.Difference); string(want) == string(i.Live) {
		secret = i.Secret()
	}
	if secret != "" {
		text += " (looks like a secret: " + secret + ")"
	}
	return text, secret
}

// Amount returns a number of items in words.
func Amount(items int) string {
	if items == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", items)
}

// Explain says how an item differs.
func Explain(d reconcile.Difference) string {
	switch d.Case {
	case reconcile.CaseNew:
		return "new here"
	case reconcile.CaseMissing:
		return "declared, and not here"
	case reconcile.CaseUncapturable:
		return "here, and not to be captured: " + maskError(d.Why).Error()
	case reconcile.CaseLive:
		return change("here", d.Live, d.Base)
	case reconcile.CaseManifest:
		return change("in the manifest", d.Manifest, d.Base)
	case reconcile.CaseNoBase:
		return "differs: here and in the manifest " + describe(d.Live, d.Manifest)
	}
	text := change("here", d.Live, d.Base) + "; " + change("in the manifest", d.Manifest, d.Base)
	if d.Case == reconcile.CaseMerge {
		return text
	}
	return "conflict: " + text
}

// change says what changed on one side.
func change(where string, now, before []byte) string {
	if now == nil {
		return "removed " + where
	}
	return "changed " + where + ": " + describe(before, now)
}

// Remedy says how an item that stays as it is would be changed; "" for other items.
func Remedy(i Item) string {
	switch {
	case i.Result == Listed, i.Result == Kept && i.Case == reconcile.CaseManifest && i.Manifest == nil:
		return "no longer declared: \"bkt apply --prune\" removes it"
	case i.Result != Kept:
		return ""
	}
	switch i.Case {
	case reconcile.CaseMissing:
		return "declared and not here: \"bkt apply\" adds it"
	case reconcile.CaseManifest:
		return "changed in the manifest: \"bkt apply\" brings it here"
	case reconcile.CaseNew:
		return "new here: \"bkt capture\" takes it into the manifest"
	case reconcile.CaseLive:
		if i.Live == nil {
			return "removed here: \"bkt capture\" takes it out of the manifest"
		}
		return "changed here: \"bkt capture\" takes it into the manifest"
	}
	return "left as it is"
}

// Notes returns what remedy says about items: a line for each domain and text, which
// names up to limit items. Items that remedy returns "" for have none.
func Notes(items []Item, limit int, remedy func(Item) string) []string {
	type group struct {
		domain *Domain
		text   string
	}
	keys := map[group][]string{}
	var order []group
	for _, i := range items {
		g := group{i.Domain, remedy(i)}
		if g.text == "" {
			continue
		}
		if keys[g] == nil {
			order = append(order, g)
		}
		keys[g] = append(keys[g], i.MaskedKey())
	}
	var notes []string
	for _, g := range order {
		notes = append(notes, fmt.Sprintf("%s: %s: %s", g.domain.Name(), enumerate(keys[g], limit), g.text))
	}
	return notes
}

// DomainNotes returns what users should know about domains as a whole.
func DomainNotes(domains []*Domain) []string {
	var notes []string
	for _, d := range domains {
		if d.Comparison == nil {
			continue
		}
		for _, note := range d.Comparison.Notes() {
			notes = append(notes, d.Name()+": "+note)
		}
	}
	return notes
}

// enumerate names up to limit keys, and counts the others.
func enumerate(keys []string, limit int) string {
	if len(keys) <= limit {
		return strings.Join(keys, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(keys[:limit], ", "), len(keys)-limit)
}

// describe says what differs between two items in JSON, field by field, without
// what looks like a secret: output is kept in logs and commits.
func describe(have, want []byte) string {
	old, new := fieldsOf(have), fieldsOf(want)
	var parts []string
	key, _ := cmp.Or(new["key"], old["key"]).(string)
	w := wording{key}
	for _, name := range slices.Sorted(maps.Keys(merge(old, new))) {
		if name != "hosts" && name != "comment" && !reflect.DeepEqual(old[name], new[name]) {
			parts = append(parts, w.field(name, old[name], new[name])...)
		}
	}
	return strings.Join(parts, ", ")
}

// A wording says how items differ that have this key, if they are settings.
type wording struct{ key string }

// field says what differs in a field, or in those of the object that it is.
func (w wording) field(name string, old, new any) []string {
	was, ok1 := asObject(old)
	is, ok2 := asObject(new)
	if !ok1 || !ok2 {
		return []string{strings.TrimSpace(name + " " + w.change(name, old, new))}
	}
	var parts []string
	for _, inner := range slices.Sorted(maps.Keys(merge(was, is))) {
		if !reflect.DeepEqual(was[inner], is[inner]) {
			parts = append(parts, w.field(name+"."+inner, was[inner], is[inner])...)
		}
	}
	return parts
}

// asObject returns a value as an object; what is not there is an empty one.
func asObject(v any) (map[string]any, bool) {
	object, ok := v.(map[string]any)
	return object, ok || v == nil
}

// fieldsOf returns the fields of an item. One that is a string is its id.
func fieldsOf(text []byte) map[string]any {
	var fields map[string]any
	if json.Unmarshal(text, &fields) == nil {
		return fields
	}
	var id string
	if json.Unmarshal(text, &id) == nil {
		return map[string]any{"id": id}
	}
	return map[string]any{}
}

func merge(a, b map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return all
}

// change says how one value becomes another. Of lists it says which elements
// come and go.
func (w wording) change(field string, old, new any) string {
	was, ok1 := asList(old)
	is, ok2 := asList(new)
	if !ok1 || !ok2 {
		return w.shown(field, old) + " → " + w.shown(field, new)
	}
	var parts []string
	for _, e := range is {
		if !slices.Contains(was, e) {
			parts = append(parts, "+"+secret.Mask(field, w.key, e))
		}
	}
	for _, e := range was {
		if !slices.Contains(is, e) {
			parts = append(parts, "-"+secret.Mask(field, w.key, e))
		}
	}
	if len(parts) == 0 {
		return "in another order"
	}
	return strings.Join(parts, " ")
}

// asList returns a value as a list of strings; what is not there is an empty one.
func asList(v any) ([]string, bool) {
	if v == nil {
		return nil, true
	}
	list, ok := v.([]any)
	var all []string
	for _, e := range list {
		all = append(all, element(e))
	}
	return all, ok
}

// element returns an element of a list, of an object its values.
func element(e any) string {
	object, ok := e.(map[string]any)
	if !ok {
		return fmt.Sprint(e)
	}
	var values []string
	for _, name := range slices.Sorted(maps.Keys(object)) {
		values = append(values, fmt.Sprint(object[name]))
	}
	return strings.Join(values, " ")
}

// maxValue is how many characters of a value are shown.
const maxValue = 60

func (w wording) shown(field string, v any) string {
	if v == nil {
		return "default"
	}
	text := []rune(printable(secret.Mask(field, w.key, fmt.Sprint(v))))
	if len(text) > maxValue {
		return string(text[:maxValue]) + "…"
	}
	return string(text)
}

// printable returns a value that stays on its line.
func printable(value string) string {
	if strings.ContainsFunc(value, unicode.IsControl) {
		return strconv.Quote(value)
	}
	return value
}
