package live

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"bkt/internal/plan"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// changeOf returns a change of one item that runs a command.
func changeOf(domain, key, command string) plan.Change {
	return plan.Change{Op: plan.Add, Domain: domain, Targets: []string{key}, Steps: []plan.Step{plan.Run{Argv: []string{command}}}}
}

func item(d *Domain, key string, op plan.Op) Item {
	return Item{Difference: reconcile.Difference{Key: key, Case: reconcile.CaseMissing}, Domain: d, Op: op}
}

// TestPlanApply checks the order of execution: removals from a domain come before
// removals from those that it needs, and after all additions.
func TestPlanApply(t *testing.T) {
	var items []Item
	for _, name := range []string{"remotes", "apps", "overrides"} {
		d := fakeDomain(name, fakeComparison{change: plan.Plan{changeOf(name, "+", "true")}, removal: plan.Plan{changeOf(name, "-", "true")}}, nil)
		items = append(items, item(d, "k", plan.Add))
	}
	items[1].Op = "" // stays unchanged
	var got []string
	for _, c := range Changes(PlanApply(items)) {
		got = append(got, c.Targets[0]+c.Domain)
	}
	if want := []string{"+remotes", "+overrides", "-overrides", "-remotes"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

// TestExecute checks that a failure stops neither the other items nor the other
// domains, and that an item is reported once, even if it takes several changes.
func TestExecute(t *testing.T) {
	one := fakeDomain("one", fakeComparison{change: plan.Plan{changeOf("one", "bad", "false"), changeOf("one", "bad", "true"), changeOf("one", "good", "true"), changeOf("one", "good", "true")}}, nil)
	two := fakeDomain("two", fakeComparison{change: plan.Plan{changeOf("two", "good", "true"), changeOf("two", "late", "true"), changeOf("two", "late", "false")}}, nil)
	items := []Item{item(one, "bad", plan.Add), item(one, "good", plan.Add), item(two, "good", plan.Add), item(two, "late", plan.Add)}
	var events []string
	err := fakeSystem(t).Execute(t.Context(), PlanApply(items), items, func(e Event) {
		if e.Applied != nil {
			events = append(events, e.Applied.Domain.Name()+" "+e.Applied.Key)
		} else {
			events = append(events, "starting "+e.Starting[0].Domain)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"starting one", "one good", "starting two", "two good", "two late"}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for n, failed := range []bool{true, false, false, true} {
		if got := items[n].Result == Failed; got != failed || failed != (items[n].Err != nil) {
			t.Errorf("%s: %q, %v", items[n].Key, items[n].Result, items[n].Err)
		}
	}
}

// TestExecuteInterrupted checks that nothing is executed once the user has interrupted.
func TestExecuteInterrupted(t *testing.T) {
	d := fakeDomain("d", fakeComparison{change: plan.Plan{changeOf("d", "k", "true")}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	items := []Item{item(d, "k", plan.Add)}
	err := fakeSystem(t).Execute(ctx, PlanApply(items), items, func(e Event) { t.Errorf("event %+v", e) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestReplan checks that settings are planned again once extensions, which bring their
// schemas, have changed, and only then.
func TestReplan(t *testing.T) {
	now := fakeComparison{
		differences: []reconcile.Difference{differ("k", reconcile.CaseMissing, "", "", `"1"`)},
		change:      plan.Plan{changeOf("gsettings", "k", "true")},
	}
	for _, first := range []string{"extensions", "flatpak-apps"} {
		other := fakeDomain(first, fakeComparison{change: plan.Plan{changeOf(first, "e", "true")}}, nil)
		settings := fakeDomain("gsettings", fakeComparison{change: plan.Plan{changeOf("gsettings", "k", "false")}}, now)
		items := []Item{item(other, "e", plan.Add), item(settings, "k", plan.Add)}
		if err := fakeSystem(t).Execute(t.Context(), PlanApply(items), items, func(Event) {}); err != nil {
			t.Fatal(err)
		}
		if failed := items[1].Result == Failed; failed != (first != "extensions") {
			t.Errorf("after %s, the plan is an old one: %v", first, failed)
		}
	}
	gone := fakeDomain("gsettings", fakeComparison{change: plan.Plan{changeOf("gsettings", "k", "true")}}, nil)
	gone.Reconciler = fakeReconciler{name: "gsettings", err: reconcile.Unavailablef("no")}
	extensions := fakeDomain("extensions", fakeComparison{change: plan.Plan{changeOf("extensions", "e", "true")}}, nil)
	items := []Item{item(extensions, "e", plan.Add), item(gone, "k", plan.Add)}
	if err := fakeSystem(t).Execute(t.Context(), PlanApply(items), items, func(Event) {}); err != nil || items[1].Err != nil {
		t.Errorf("a domain that cannot be read again: %v, %v", err, items[1].Err)
	}
}

// TestVerify checks the results of changed items for each state of the system
// afterwards.
func TestVerify(t *testing.T) {
	const one, two = `{"id":"1"}`, `{"id":"2"}`
	after := fakeComparison{
		differences: []reconcile.Difference{
			differ("missing", reconcile.CaseMissing, "", "", one),
			differ("there", reconcile.CaseManifest, one, one, ""),
			differ("other", reconcile.CaseManifest, "", one, two),
			differ("merged", reconcile.CaseLive, one, two, one),
			differ("kept", reconcile.CaseNew, "", one, ""),
		},
		hidden: []string{"hidden"},
	}
	d := fakeDomain("d", fakeComparison{}, after)
	still := fakeDomain("still", fakeComparison{}, nil)
	var items []Item
	for _, key := range []string{"fine", "missing", "there", "other", "merged", "hidden", "failed"} {
		items = append(items, item(d, key, plan.Add))
	}
	items[6].Result, items[6].Err = Failed, errors.New("an error of the command")
	items = append(items, Item{Difference: reconcile.Difference{Key: "kept"}, Domain: d, Result: Kept})
	now, err := fakeSystem(t).Verify(t.Context(), []*Domain{still, d}, items)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"fine": "applied", "merged": "applied", "kept": "kept", "failed": "failed an error of the command",
		"missing": "failed is still missing", "there": "failed still exists", "other": "failed still differs: id 1 → 2",
		"hidden": "failed was changed, but the result is unknown: it can no longer be read",
	}
	for _, i := range items {
		got := string(i.Result)
		if i.Err != nil {
			got += " " + i.Err.Error()
		}
		if got != want[i.Key] {
			t.Errorf("%s: %s, not %s", i.Key, got, want[i.Key])
		}
		if i.Domain != now[1] {
			t.Errorf("%s is not in the domain that was looked at", i.Key)
		}
	}
	if now[0] != still || now[1] == d || !slices.Equal(now[1].Comparison.Hidden(), after.hidden) {
		t.Errorf("domains %+v", now)
	}
}

// TestVerifyUnavailable checks that an item is not called applied if nobody can look.
func TestVerifyUnavailable(t *testing.T) {
	d := fakeDomain("d", fakeComparison{}, nil)
	d.Reconciler = fakeReconciler{name: "d", err: reconcile.Unavailablef("it is broken")}
	items := []Item{item(d, "k", plan.Add)}
	now, err := fakeSystem(t).Verify(t.Context(), []*Domain{d}, items)
	if err != nil || !now[0].IsUnavailable() || items[0].Result != Failed || !strings.Contains(fmt.Sprint(items[0].Err), "unknown: it is broken") {
		t.Errorf("%v, %+v, %q %v", err, now[0], items[0].Result, items[0].Err)
	}
}

// TestCheckUnchanged checks that bkt only executes the plan that it showed.
func TestCheckUnchanged(t *testing.T) {
	before := fakeComparison{
		differences: []reconcile.Difference{differ("k", reconcile.CaseManifest, `"1"`, `"1"`, `"2"`), differ("not changed", reconcile.CaseNew, "", `"1"`, "")},
		change:      plan.Plan{changeOf("d", "k", "true")},
	}
	edited, other, alike := before, before, before
	edited.differences = []reconcile.Difference{differ("k", reconcile.CaseManifest, `"1"`, `"1"`, `"3"`)}
	other.change = plan.Plan{changeOf("d", "k", "false")}
	alike.differences = append([]reconcile.Difference{differ("another", reconcile.CaseNew, "", `"1"`, "")}, before.differences[:1]...)
	for name, tt := range map[string]struct {
		now  fakeComparison
		same bool
	}{"same": {before, true}, "other items": {alike, true}, "edited": {edited, false}, "another plan": {other, false}} {
		d := fakeDomain("d", before, tt.now)
		items := []Item{item(d, "k", plan.Modify)}
		err := fakeSystem(t).CheckUnchanged(t.Context(), items, PlanApply(items))
		if tt.same != (err == nil) || err != nil && !errors.Is(err, ErrChangedMeanwhile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSaveBases checks which items enter the last known state, and that a domain that
// was not read keeps its own.
func TestSaveBases(t *testing.T) {
	s := fakeSystem(t)
	d := fakeDomain("d", fakeComparison{base: "state"}, nil)
	same := fakeDomain("same", fakeComparison{}, nil)
	unread := &Domain{Reconciler: fakeReconciler{name: "unread"}, Err: errors.New("no")}
	for _, one := range []*Domain{d, same, unread} {
		one.basePath = s.BasePath(one.Name())
	}
	items := []Item{
		{Difference: reconcile.Difference{Key: "a"}, Domain: d, Op: plan.Add, Result: Captured},
		{Difference: reconcile.Difference{Key: "b", Case: reconcile.CaseMerge}, Domain: d, Op: plan.Modify, Result: Applied},
		{Difference: reconcile.Difference{Key: "c", Case: reconcile.CaseMissing}, Domain: d, Op: plan.Add, Result: Applied},
		{Difference: reconcile.Difference{Key: "e", Case: reconcile.CaseMerge}, Domain: d, Op: plan.Modify, Result: Failed},
		{Difference: reconcile.Difference{Key: "f"}, Domain: d, Result: Kept},
	}
	if err := s.SaveBases(t.Context(), []*Domain{d, same, unread}, items); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, path := range []string{s.BasePath("d"), s.BasePath("same"), s.BasePath("unread"), filepath.Join(s.Private(), "base", s.ID(), RepositoryFile)} {
		if text, err := os.ReadFile(path); err == nil {
			got[filepath.Base(path)] = string(text)
		}
	}
	want := map[string]string{"d.json": "state captured a merged b\n", RepositoryFile: s.Repo.Root + "\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
