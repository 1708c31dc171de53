package main

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
	"bkt/internal/ui"
)

// An item is a difference with what is done about it.
type item struct {
	reconcile.Difference
	domain string
	op     plan.Op // "": nothing
	result string  // what came of it, in one of the words below
	err    error
	told   bool // that it was carried out; some take several steps
}

// What comes of an item.
const (
	resultCaptured = "captured"
	resultApplied  = "applied"
	resultKept     = "kept"    // it is for the other direction
	resultListed   = "listed"  // to be removed with --prune
	resultRefused  = "refused" // someone has to decide
	resultFailed   = "failed"
	resultWaiting  = "waiting" // for a time when it can be captured
)

// direction says which side of an item becomes the other.
type direction func(reconcile.Difference) (have, want []byte)

func capturing(d reconcile.Difference) (have, want []byte) { return had(d, d.Manifest), d.Live }
func applying(d reconcile.Difference) (have, want []byte)  { return had(d, d.Live), d.Manifest }

// had returns what an item that becomes as the other side has it was before. One
// that is merged only gets what is new since both sides agreed.
func had(d reconcile.Difference, mine []byte) []byte {
	if d.Case == reconcile.CaseMerge {
		return d.Base
	}
	return mine
}

// op returns what becoming the other means.
func (to direction) op(d reconcile.Difference) plan.Op {
	switch have, want := to(d); {
	case have == nil:
		return plan.Add
	case want == nil:
		return plan.Remove
	}
	return plan.Modify
}

// line describes an item that is changed.
func (to direction) line(i item) string {
	text := string(i.op) + " " + i.shown()
	if have, want := to(i.Difference); i.op == plan.Modify {
		text += ": " + describe(have, want)
	}
	return text
}

func amount(items int) string {
	if items == 1 {
		return "1 item"
	}
	return fmt.Sprintf("%d items", items)
}

// printItems prints items that are changed, under the names of their domains.
// Those that could not be are told as errors.
func (a *app) printItems(items []item, to direction) error {
	var out strings.Builder
	last := ""
	for _, i := range items {
		if i.op == "" || i.result == resultFailed {
			continue
		}
		if i.domain != last {
			last = i.domain
			fmt.Fprintln(&out, i.domain)
		}
		fmt.Fprintln(&out, "  "+a.paintOp(i.op, to.line(i)))
	}
	_, err := a.Out.Write([]byte(out.String()))
	return err
}

func (a *app) paintOp(op plan.Op, text string) string {
	switch op {
	case plan.Add:
		return a.Paint(a.Out, ui.Green, text)
	case plan.Remove:
		return a.Paint(a.Out, ui.Red, text)
	}
	return a.Paint(a.Out, ui.Yellow, text)
}

// maxNamed is how many items a note names.
const maxNamed = 3

// mention says, a line for each domain and case, what is not done and how it
// would be.
func (a *app) mention(items []item, remedy func(item) string) {
	type group struct{ domain, remedy string }
	groups := map[group][]string{}
	var order []group
	for _, i := range items {
		text := remedy(i)
		if text == "" {
			continue
		}
		g := group{i.domain, text}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], i.shown())
	}
	for _, g := range order {
		a.Note("%s: %s: %s", g.domain, a.named(groups[g]), g.remedy)
	}
}

// named names some of the keys, and counts the others; with -v it names all.
func (a *app) named(keys []string) string {
	if a.Verbose || len(keys) <= maxNamed {
		return strings.Join(keys, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(keys[:maxNamed], ", "), len(keys)-maxNamed)
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

// domainJSON is a domain in the output of --json. Version goes up when a field
// changes its meaning or goes away.
type domainJSON struct {
	Name   string     `json:"name"`
	State  string     `json:"state"` // "in step", "differs" or "unavailable"
	Reason string     `json:"reason,omitempty"`
	InStep int        `json:"in_step"`
	Notes  []string   `json:"notes,omitempty"`
	Items  []itemJSON `json:"items"`
}

type itemJSON struct {
	Key      string          `json:"key"`
	Case     reconcile.Case  `json:"case"`
	Op       plan.Op         `json:"op,omitempty"`
	Base     json.RawMessage `json:"base,omitempty"`
	Live     json.RawMessage `json:"live,omitempty"`
	Manifest json.RawMessage `json:"manifest,omitempty"`
	Result   string          `json:"result,omitempty"`
	Error    string          `json:"error,omitempty"`
}

type domainsJSON struct {
	Version int          `json:"version"`
	Domains []domainJSON `json:"domains"`
}

func asDomainsJSON(domains []domain, items []item) domainsJSON {
	j := domainsJSON{Version: 1, Domains: []domainJSON{}}
	for _, d := range domains {
		j.Domains = append(j.Domains, d.asJSON(items))
	}
	return j
}

func (d domain) asJSON(items []item) domainJSON {
	j := domainJSON{Name: d.name(), State: "in step", Items: []itemJSON{}}
	if d.err != nil {
		j.State, j.Reason = "unavailable", d.err.Error()
		return j
	}
	j.InStep, j.Notes = d.comparison.InStep(), d.comparison.Notes()
	for _, i := range items {
		if i.domain == d.name() {
			j.State = "differs"
			j.Items = append(j.Items, i.asJSON())
		}
	}
	return j
}

func (i item) asJSON() itemJSON {
	j := itemJSON{i.Key, i.Case, i.op, i.Base, i.Live, i.Manifest, i.result, ""}
	if i.err != nil {
		j.Error = i.err.Error()
	}
	return j
}
