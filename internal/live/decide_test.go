package live

import (
	"errors"
	"strings"
	"testing"

	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// TestDecide has what each command does about each case: an operation, or a result.
func TestDecide(t *testing.T) {
	const one, two, three = `{"id":"1"}`, `{"id":"2"}`, `{"id":"3"}`
	differences := map[string]reconcile.Difference{
		"added here":      differ("k", reconcile.CaseNew, "", one, ""),
		"changed here":    differ("k", reconcile.CaseLive, one, two, one),
		"removed here":    differ("k", reconcile.CaseLive, one, "", one),
		"added there":     differ("k", reconcile.CaseMissing, "", "", one),
		"changed there":   differ("k", reconcile.CaseManifest, one, one, two),
		"removed there":   differ("k", reconcile.CaseManifest, one, one, ""),
		"renamed":         differ("k", reconcile.CaseRenamed, "", two, one),
		"first time":      differ("k", reconcile.CaseNoBase, "", one, two),
		"merged":          differ("k", reconcile.CaseMerge, one, two, three),
		"conflict":        differ("k", reconcile.CaseConflict, one, two, three),
		"conflict, gone":  differ("k", reconcile.CaseConflict, one, two, ""),
		"not expressible": {Key: "k", Case: reconcile.CaseUncapturable, Why: errors.New("no"), Live: []byte(one)},
		"declared, not expressible": {
			Key: "k", Case: reconcile.CaseUncapturable, Why: errors.New("no"), Live: []byte(two), Manifest: []byte(one),
		},
		"found here": {Key: "k", Case: reconcile.CaseLive, Reported: true, Base: []byte(one), Live: []byte(two), Manifest: []byte(one)},
	}
	for _, tt := range []struct {
		name    string
		decide  func(*Item)
		results map[string]string // "+", "~", "-", or a result
	}{
		{"capture", DecideCapture(NoSide), map[string]string{
			"added here": "+", "changed here": "~", "removed here": "-",
			"added there": "kept", "changed there": "kept", "removed there": "kept",
			"first time": "~", "merged": "~", "conflict": "refused", "conflict, gone": "refused", "not expressible": "refused",
			"renamed": "~",
		}},
		{"capture --take live", DecideCapture(LiveSide), map[string]string{"conflict": "~", "conflict, gone": "+", "changed there": "kept"}},
		{"capture --take manifest", DecideCapture(ManifestSide), map[string]string{"conflict": "kept", "conflict, gone": "kept", "changed here": "~"}},
		{"apply", DecideApply(NoSide, false), map[string]string{
			"added here": "kept", "changed here": "kept", "removed here": "kept",
			"added there": "+", "changed there": "~", "removed there": "listed",
			"first time": "~", "merged": "~", "conflict": "refused", "conflict, gone": "refused", "not expressible": "kept",
			"renamed": "kept",
		}},
		{"apply --prune", DecideApply(NoSide, true), map[string]string{"removed there": "-", "added here": "kept", "conflict, gone": "refused"}},
		{"apply --take manifest", DecideApply(ManifestSide, false), map[string]string{"conflict": "~", "conflict, gone": "listed"}},
		{"apply --take manifest --prune", DecideApply(ManifestSide, true), map[string]string{"conflict, gone": "-"}},
		{"apply --take live", DecideApply(LiveSide, true), map[string]string{"conflict": "kept", "conflict, gone": "kept"}},
		{"apply", DecideApply(NoSide, false), map[string]string{"declared, not expressible": "kept", "found here": "kept"}},
		{"apply --restore", DecideRestore(false), map[string]string{
			"added here": "kept", "changed here": "~", "removed here": "+",
			"added there": "+", "changed there": "~", "removed there": "listed",
			"first time": "~", "merged": "~", "conflict": "~", "conflict, gone": "listed",
			"not expressible": "kept", "declared, not expressible": "~", "found here": "kept",
		}},
		{"apply --restore --prune", DecideRestore(true), map[string]string{
			"added here": "kept", "removed there": "-", "conflict, gone": "-", "not expressible": "kept",
		}},
		{"auto-capture", DecideAutoCapture, map[string]string{
			"added here": "+", "changed here": "~", "removed here": "-", "added there": "kept", "changed there": "kept",
			"first time": "kept", "merged": "kept", "conflict": "kept", "not expressible": "kept",
		}},
	} {
		for name, want := range tt.results {
			i := Item{Difference: differences[name], Domain: fakeDomain("d", fakeComparison{}, nil)}
			tt.decide(&i)
			if got := string(i.Op) + string(i.Result); got != want {
				t.Errorf("%s, %s: %s, not %s", tt.name, name, got, want)
			}
			if (i.Err != nil) != (i.Result == Refused) {
				t.Errorf("%s, %s: error %v", tt.name, name, i.Err)
			}
		}
	}
}

// TestRestored checks which items of a restore need a question, and which items an apply
// without it leaves as someone changed them.
func TestRestored(t *testing.T) {
	const one, two, three = `{"id":"1"}`, `{"id":"2"}`, `{"id":"3"}`
	d := fakeDomain("d", fakeComparison{differences: []reconcile.Difference{
		differ("added here", reconcile.CaseNew, "", one, ""),
		differ("added there", reconcile.CaseMissing, "", "", one),
		differ("changed here", reconcile.CaseLive, one, two, one),
		differ("changed there", reconcile.CaseManifest, one, one, two),
		differ("conflict", reconcile.CaseConflict, one, two, three),
		differ("first time", reconcile.CaseNoBase, "", one, two),
		differ("merged", reconcile.CaseMerge, one, two, three),
		differ("removed here", reconcile.CaseLive, one, "", one),
		differ("removed, changed here", reconcile.CaseConflict, one, two, ""),
	}}, nil)
	var restored []string
	for _, i := range Restored(Items([]*Domain{d}, DecideRestore(true))) {
		restored = append(restored, i.Line(ToSystem))
	}
	want := []string{"~ changed here: id 2 → 1", "~ conflict: id 2 → 3", "~ first time: id 1 → 2", "~ merged: id 2 → 3", "+ removed here"}
	if diff := cmp.Diff(want, restored); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := Undoable(Items([]*Domain{d}, DecideApply(NoSide, false))); n != 2 {
		t.Errorf("apply leaves %d items that a restore would undo, not 2", n)
	}
	if n := Undoable(Items([]*Domain{d}, DecideRestore(false))); n != 0 {
		t.Errorf("a restore leaves %d items", n)
	}
}

// TestTooMany checks which removals from a manifest need a question.
func TestTooMany(t *testing.T) {
	for _, tt := range []struct {
		total, removed, added int
		want                  bool
	}{
		{total: 100, removed: 0, want: false},
		{total: 100, removed: 5, want: false},  // few
		{total: 100, removed: 20, want: false}, // one in five
		{total: 100, removed: 21, want: true},
		{total: 20, removed: 5, want: false},
		{total: 20, removed: 6, want: true},
		{total: 1, removed: 1, want: true}, // all
		{total: 5, removed: 5, want: true},
		{total: 5, removed: 5, added: 1, want: false}, // something remains
		{total: 6, removed: 6, added: 1, want: true},
	} {
		d, other := fakeDomain("d", fakeComparison{total: tt.total}, nil), fakeDomain("d", fakeComparison{}, nil)
		items := []Item{{Domain: other, Op: plan.Remove}, {Domain: d}}
		for range tt.removed {
			items = append(items, Item{Domain: d, Op: plan.Remove})
		}
		for range tt.added {
			items = append(items, Item{Domain: d, Op: plan.Add})
		}
		if got := d.TooMany(items); (got != "") != tt.want {
			t.Errorf("%+v: %q", tt, got)
		}
	}
	unavailable := &Domain{Err: errors.New("no")}
	if got := unavailable.TooMany(nil); got != "" {
		t.Errorf("of a domain that was not read: %q", got)
	}
}

// TestRefuseSecrets checks that a secret is refused only if it would be captured and is
// new to the repository.
func TestRefuseSecrets(t *testing.T) {
	const secret = `{"app":"a","flags":["--env=DB_PASSWORD=apple1234"]}`
	d := fakeDomain("flatpak-overrides", fakeComparison{}, nil)
	items := []Item{
		{Difference: differ("new", reconcile.CaseNew, "", secret, ""), Domain: d, Op: plan.Add},
		{Difference: differ("kept", reconcile.CaseNew, "", secret, ""), Domain: d},
		{Difference: differ("known", reconcile.CaseLive, "", secret, secret), Domain: d, Op: plan.Modify},
		{Difference: differ("plain", reconcile.CaseNew, "", `{"app":"a","flags":[]}`, ""), Domain: d, Op: plan.Add},
	}
	RefuseSecrets(items)
	for _, i := range items {
		if got := i.Result == Refused; got != (i.Key == "new") {
			t.Errorf("%s: %q, %v", i.Key, i.Result, i.Err)
		}
	}
	if err := items[0].Err; err == nil || strings.Contains(err.Error(), "apple") {
		t.Errorf("error %v", err)
	}
	if m := MaskDifference(items[0].Difference); strings.Contains(string(m.Live), "apple") {
		t.Errorf("masked: %s", m.Live)
	}
	if m := MaskDifference(items[2].Difference); !strings.Contains(string(m.Live), "apple") {
		t.Errorf("what the manifest has is masked: %s", m.Live)
	}
}
