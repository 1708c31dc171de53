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
	have, want := to.sides(i.Difference)
	if i.Restored {
		have = i.Live
	}
	if i.Op == plan.Modify {
		text += ": " + i.modification(have, want)
	}
	return text
}

// modification says what changes in an item.
func (i Item) modification(have, want []byte) string {
	if i.Case == reconcile.CaseBroken {
		return maskError(i.Why).Error()
	}
	return describe(have, want)
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
		return "not in the manifest"
	case reconcile.CaseMissing:
		return "missing on this system"
	case reconcile.CaseUncapturable:
		return "cannot be captured: " + maskError(d.Why).Error()
	case reconcile.CaseBroken:
		return maskError(d.Why).Error()
	case reconcile.CaseLive:
		return changeOnSystem(d)
	case reconcile.CaseManifest:
		return changeInManifest(d)
	case reconcile.CaseRenamed:
		return "upstream renamed it: " + describe(d.Manifest, d.Live)
	case reconcile.CaseNoBase:
		return "differs from the manifest: " + describe(d.Live, d.Manifest)
	}
	text := changeOnSystem(d) + "; " + changeInManifest(d)
	if d.Case == reconcile.CaseMerge {
		return text
	}
	return "conflict: " + text
}

// changeOnSystem and changeInManifest say what changed on one side since the last
// known state.
func changeOnSystem(d reconcile.Difference) string {
	if d.Live == nil {
		return "removed from this system"
	}
	return "changed on this system: " + describe(d.Base, d.Live)
}

func changeInManifest(d reconcile.Difference) string {
	if d.Manifest == nil {
		return "removed from the manifest"
	}
	text := describe(before(d), d.Manifest)
	if needsRepair(d) {
		return "needs repair: " + strings.ReplaceAll(text, repairField+".", "")
	}
	return "changed in the manifest: " + text
}

// before returns the value of an item before the manifest changed. Without a last known
// state, that is the value of the system.
func before(d reconcile.Difference) []byte {
	if d.Base == nil {
		return d.Live
	}
	return d.Base
}

// repairField is the field of an item with what is missing or broken on this system, in
// the value that the system should have.
const repairField = "repair"

// needsRepair reports whether the manifest of an item has not changed, and the system has
// to be repaired.
func needsRepair(d reconcile.Difference) bool {
	base, want := fieldsOf(before(d)), fieldsOf(d.Manifest)
	if want[repairField] == nil {
		return false
	}
	delete(base, repairField)
	delete(want, repairField)
	return reflect.DeepEqual(base, want)
}

// BothWays says what becomes of changes made on the system, in each direction.
const BothWays = `"bkt capture" accepts that, "bkt apply --restore" undoes it`

// Remedy says how to change an item that stays unchanged; "" for other items.
func Remedy(i Item) string {
	switch {
	case i.Result == Listed, i.Result == Kept && i.Case == reconcile.CaseManifest && i.Manifest == nil:
		return "no longer in the manifest; run \"bkt apply --prune\" to remove it"
	case i.Result != Kept:
		return ""
	}
	switch i.Case {
	case reconcile.CaseMissing:
		return "missing on this system; run \"bkt apply\" to add it"
	case reconcile.CaseBroken:
		return "a file of bkt needs repair; run \"bkt apply\""
	case reconcile.CaseManifest:
		return "changed in the manifest; run \"bkt apply\" to change it on this system"
	case reconcile.CaseRenamed:
		return "upstream renamed it; run \"bkt capture\" to rename it in the manifest"
	case reconcile.CaseNew:
		return "not in the manifest; run \"bkt capture\" to add it"
	}
	return remedyHere(i)
}

// remedyHere is Remedy for an item that was changed or removed on the system.
func remedyHere(i Item) string {
	switch {
	case i.Case == reconcile.CaseUncapturable && i.isUndoable():
		return "changed on this system, and cannot be captured; run \"bkt apply --restore\" to undo that"
	case i.Case != reconcile.CaseLive:
		return "skipped"
	case i.Reported:
		return "changed on this system; run \"bkt capture\" to change it in the manifest"
	case i.Live == nil:
		return "removed from this system; run \"bkt capture\" to accept that, or \"bkt apply --restore\" to undo it"
	}
	return "changed on this system; run \"bkt capture\" to accept that, or \"bkt apply --restore\" to undo it"
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

// DomainNotes returns messages about domains as a whole.
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

// describe says how two items in JSON differ, field by field. It masks secrets: output
// is kept in logs and commits.
func describe(have, want []byte) string {
	old, new := fieldsOf(have), fieldsOf(want)
	key, _ := cmp.Or(new["key"], old["key"]).(string)
	d := describer{key}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(merge(old, new))) {
		if name != "hosts" && name != "comment" && !reflect.DeepEqual(old[name], new[name]) {
			parts = append(parts, d.field(name, old[name], new[name])...)
		}
	}
	return strings.Join(parts, ", ")
}

// A describer describes the differences of an item. key is the item's field of that
// name, as settings have: it can say that the value is a secret.
type describer struct{ key string }

// field describes a field that differs, or the fields in it that do.
func (d describer) field(name string, old, new any) []string {
	was, ok1 := asObject(old)
	is, ok2 := asObject(new)
	if !ok1 || !ok2 {
		text := d.change(name, old, new)
		if name != "value" { // the only field of a setting needs no name
			text = name + " " + text
		}
		return []string{text}
	}
	var parts []string
	for _, inner := range slices.Sorted(maps.Keys(merge(was, is))) {
		if !reflect.DeepEqual(was[inner], is[inner]) {
			parts = append(parts, d.field(name+"."+inner, was[inner], is[inner])...)
		}
	}
	return parts
}

// asObject returns a value as an object, nil as an empty one.
func asObject(v any) (map[string]any, bool) {
	object, ok := v.(map[string]any)
	return object, ok || v == nil
}

// fieldsOf returns the fields of an item in JSON. A string is an item's id.
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
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	return all
}

// change says how one value becomes another, and of lists which elements are added and
// removed.
func (d describer) change(field string, old, new any) string {
	was, ok1 := asList(old)
	is, ok2 := asList(new)
	if !ok1 || !ok2 {
		return d.value(field, old) + " → " + d.value(field, new)
	}
	var parts []string
	for _, e := range is {
		if !slices.Contains(was, e) {
			parts = append(parts, "+"+quoteControls(secret.Mask(field, d.key, e)))
		}
	}
	for _, e := range was {
		if !slices.Contains(is, e) {
			parts = append(parts, "-"+quoteControls(secret.Mask(field, d.key, e)))
		}
	}
	if len(parts) == 0 {
		return "in another order"
	}
	return strings.Join(parts, " ")
}

// asList returns a value as a list of strings, nil as an empty one.
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

// element returns an element of a list as text. An object becomes its values.
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

// value returns a value of a field as text of one line.
func (d describer) value(field string, v any) string {
	if v == nil {
		return "default"
	}
	text := []rune(quoteControls(secret.Mask(field, d.key, fmt.Sprint(v))))
	if len(text) > maxValue {
		return string(text[:maxValue]) + "…"
	}
	return string(text)
}

// quoteControls quotes text that has control characters, such as line breaks.
func quoteControls(text string) string {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return strconv.Quote(text)
	}
	return text
}
