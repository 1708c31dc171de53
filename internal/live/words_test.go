package live

import (
	"errors"
	"math"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// TestExplain has the words for each case.
func TestExplain(t *testing.T) {
	const one, two, three = `{"key":"k","value":"1"}`, `{"key":"k","value":"2"}`, `{"key":"k","value":"3"}`
	for want, d := range map[string]reconcile.Difference{
		"not in the manifest":                                                differ("k", reconcile.CaseNew, "", one, ""),
		"missing on this system":                                             differ("k", reconcile.CaseMissing, "", "", one),
		"changed on this system: 1 → 2":                                      differ("k", reconcile.CaseLive, one, two, one),
		"removed from this system":                                           differ("k", reconcile.CaseLive, one, "", one),
		"changed in the manifest: 1 → 2":                                     differ("k", reconcile.CaseManifest, one, one, two),
		"upstream renamed it: 1 → 2":                                         differ("k", reconcile.CaseRenamed, "", two, one),
		"removed from the manifest":                                          differ("k", reconcile.CaseManifest, one, one, ""),
		"differs from the manifest: 1 → 2":                                   differ("k", reconcile.CaseNoBase, "", one, two),
		"cannot be captured: no manifest does":                               {Case: reconcile.CaseUncapturable, Why: errors.New("no manifest does")},
		"conflict: changed on this system: 1 → 2; removed from the manifest": differ("k", reconcile.CaseConflict, one, two, ""),
		"changed on this system: 1 → 2; changed in the manifest: 1 → 3":      differ("k", reconcile.CaseMerge, one, two, three),
		"conflict: removed from this system; changed in the manifest: 1 → 3": differ("k", reconcile.CaseConflict, one, "", three),
	} {
		if got := Explain(d); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// TestRemedy has a command for every item that the other direction would change.
func TestRemedy(t *testing.T) {
	for want, i := range map[string]Item{
		"no longer in the manifest; run \"bkt apply --prune\" to remove it":                                   {Result: Listed},
		"missing on this system; run \"bkt apply\" to add it":                                                 {Result: Kept, Difference: differ("k", reconcile.CaseMissing, "", "", "1")},
		"changed in the manifest; run \"bkt apply\" to change it on this system":                              {Result: Kept, Difference: differ("k", reconcile.CaseManifest, "1", "1", "2")},
		"not in the manifest; run \"bkt capture\" to add it":                                                  {Result: Kept, Difference: differ("k", reconcile.CaseNew, "", "1", "")},
		"changed on this system; run \"bkt capture\" to accept that, or \"bkt apply --restore\" to undo it":   {Result: Kept, Difference: differ("k", reconcile.CaseLive, "1", "2", "1")},
		"removed from this system; run \"bkt capture\" to accept that, or \"bkt apply --restore\" to undo it": {Result: Kept, Difference: differ("k", reconcile.CaseLive, "1", "", "1")},
		"skipped": {Result: Kept, Difference: differ("k", reconcile.CaseConflict, "1", "2", "3")},
		"":        {Result: Refused, Difference: differ("k", reconcile.CaseConflict, "1", "2", "3")},
	} {
		if got := Remedy(i); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	pruned := Item{Result: Kept, Difference: differ("k", reconcile.CaseManifest, "1", "1", "")}
	if got := Remedy(pruned); !strings.Contains(got, "--prune") {
		t.Errorf("of a capture: %q", got)
	}
}

// TestDescribe has differences of all shapes that a manifest has.
func TestDescribe(t *testing.T) {
	long := strings.Repeat("ä", maxValue+1)
	for _, tt := range []struct{ name, have, want, text string }{
		{"field", `{"id":"a","branch":"1"}`, `{"id":"a","branch":"2"}`, "branch 1 → 2"},
		{"two fields", `{"a":1,"b":true}`, `{"a":2}`, "a 1 → 2, b true → default"},
		{"what no system has", `{"comment":"x","hosts":["a"]}`, `{"comment":"y"}`, ""},
		{"an id", `"a"`, `"b"`, "id a → b"},
		{"a list", `{"flags":["x","y"]}`, `{"flags":["y","z"]}`, "flags +z -x"},
		{"a list that is new", `{}`, `{"flags":["x"]}`, "flags +x"},
		{"a list in another order", `{"flags":["x","y"]}`, `{"flags":["y","x"]}`, "flags in another order"},
		{"a list of objects", `{"found":[]}`, `{"found":[{"name":"n","path":"p"}]}`, "found +n p"},
		{"an object", `{"bins":{"to":"a","also":["x"]}}`, `{"bins":{"to":"b","also":["x"]}}`, "bins.to a → b"},
		{"an object that is new", `{}`, `{"bins":{"to":"b"}}`, "bins.to default → b"},
		{"a setting", `{"key":"k","value":"'a'"}`, `{"key":"k","value":"'b'"}`, "'a' → 'b'"},
		{"two lines", `{"a":"x"}`, `{"a":"x\ny"}`, `a x → "x\ny"`},
		{"a long value", `{"a":"x"}`, `{"a":"` + long + `"}`, "a x → " + long[:2*maxValue] + "…"},
		{"a secret", `{"flags":[]}`, `{"flags":["--env=DB_PASSWORD=apple1234"]}`, "flags +--env=DB_PASSWORD=***"},
	} {
		if got := describe([]byte(tt.have), []byte(tt.want)); got != tt.text {
			t.Errorf("%s: %q, not %q", tt.name, got, tt.text)
		}
	}
}

// TestNotes checks that items with the same text share a note, in order, and that a
// note names no more than it may.
func TestNotes(t *testing.T) {
	a, b := fakeDomain("a", fakeComparison{}, nil), fakeDomain("b", fakeComparison{}, nil)
	items := []Item{item(a, "1", ""), item(a, "2", ""), item(a, "3", ""), item(a, "silent", ""), item(b, "4", "")}
	remedy := func(i Item) string {
		if i.Key == "silent" {
			return ""
		}
		return "x"
	}
	if diff := cmp.Diff([]string{"a: 1, 2 and 1 more: x", "b: 4: x"}, Notes(items, 2, remedy)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a: 1, 2, 3: x", "b: 4: x"}, Notes(items, math.MaxInt, remedy)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRefusals checks that items with the same error and hints share it.
func TestRefusals(t *testing.T) {
	d := fakeDomain("d", fakeComparison{}, nil)
	items := []Item{item(d, "1", ""), item(d, "2", ""), item(d, "3", ""), item(d, "4", ""), item(d, "fine", "")}
	for n := range 3 {
		items[n].Refuse(errors.New("no"))
	}
	items[3].Refuse(hint.Add(errors.New("no"), "do this"))
	if got, want := Refusals(items, 2).Error(), "d: 1, 2 and 1 more: no\nd: 4: no"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if err := Refusals(items[4:], 2); err != nil {
		t.Errorf("without a refusal: %v", err)
	}
}
