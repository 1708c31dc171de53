package verdict

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"bkt/internal/live"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// namedDomain is a domain with a name only.
type namedDomain struct{ reconcile.Reconciler }

func (namedDomain) Name() string                         { return "d" }
func (namedDomain) Declares(fs.FS, string) (bool, error) { return false, nil }

// differences returns items with a key and a case each.
func differences(cases ...reconcile.Case) []live.Item {
	d := &live.Domain{Reconciler: namedDomain{}}
	var items []live.Item
	for n, c := range cases {
		i := live.Item{Domain: d, Difference: reconcile.Difference{Key: fmt.Sprint(n + 1), Case: c, Why: errors.New("why")}}
		if c != reconcile.CaseMissing {
			i.Live = []byte(`"x"`)
		}
		if c != reconcile.CaseNew && c != reconcile.CaseUncapturable {
			i.Manifest = []byte(`"y"`)
		}
		items = append(items, i)
	}
	return items
}

// TestAsk has answers, and the decisions that they make: "all remaining" is one
// answer for the rest, and "back" returns to the question before. The answer that someone
// returns to is selected.
func TestAsk(t *testing.T) {
	items := differences(reconcile.CaseNew, reconcile.CaseMissing, reconcile.CaseUncapturable, reconcile.CaseBroken)
	for _, tt := range []struct{ name, answers, asked, want string }{
		{"one by one", "skip capture ignore apply", "1:skip 2:skip 3:skip 4:skip", "skip capture ignore apply"},
		{"all", "all+capture", "1:skip all:skip", "capture capture skip skip"},
		{"all others", "ignore all+apply", "1:skip 2:skip all:skip", "ignore apply apply apply"},
		{"back", "capture back apply ignore skip skip", "1:skip 2:skip 1:capture 2:skip 3:skip 4:skip", "apply ignore skip skip"},
		{"back twice", "capture apply back back skip skip all+ignore", "1:skip 2:skip 3:skip 2:apply 1:capture 2:apply 3:skip all:skip", "skip skip ignore ignore"},
		{"back from all", "capture all+back ignore all+skip", "1:skip 2:skip all:skip 2:skip 3:skip all:skip", "capture ignore skip skip"},
	} {
		answers := strings.Fields(strings.ReplaceAll(tt.answers, "+", " "))
		var asked []string
		all, err := Ask(items, func(q Question) (Verdict, error) {
			number, _, _ := strings.Cut(strings.ToLower(q.Title), " ")
			asked = append(asked, number+":"+string(q.Answer))
			v := Verdict(answers[0])
			if v == "all" {
				v = All
			}
			answers = answers[1:]
			return v, nil
		})
		if err != nil || len(answers) > 0 {
			t.Errorf("%s: not asked for %q: %v", tt.name, answers, err)
		}
		var got []string
		for _, i := range items {
			got = append(got, string(all[nameOf(i)]))
		}
		if diff := cmp.Diff(tt.want+"; "+tt.asked, strings.Join(got, " ")+"; "+strings.Join(asked, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestQuestions checks that each answer says what it does: on an item that only the system
// has, apply removes it.
func TestQuestions(t *testing.T) {
	items := differences(reconcile.CaseNew, reconcile.CaseMissing, reconcile.CaseNoBase, reconcile.CaseUncapturable, reconcile.CaseBroken, reconcile.CaseLive, reconcile.CaseRenamed)
	items[5].Reported = true
	want := []string{
		"1 of 7: d 1: capture: add it to the manifest, apply: remove it from this system, all",
		"2 of 7: d 2: capture: remove it from the manifest, apply: add it to this system, back, all",
		"3 of 7: d 3: capture: change the manifest, apply: change this system, back, all",
		"4 of 7: d 4: apply: remove it from this system, back, all",
		"5 of 7: d 5: apply: repair it on this system, back, all",
		"6 of 7: d 6: capture: change the manifest, back, all",
		"7 of 7: d 7: capture: change the manifest, back",
		"All 7 remaining differences: capture: change the manifests, which removes 1 item, apply: change this system, which removes 2 items, back",
	}
	var got []string
	for n := range items {
		got = append(got, textOfQuestion(questionAbout(items, n, "")))
	}
	got = append(got, textOfQuestion(questionAboutAll(items)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// textOfQuestion returns a question without the answers that are always the same.
func textOfQuestion(q Question) string {
	var all []string
	for _, o := range q.Options {
		switch o.Verdict {
		case Skip, Ignore:
		case Back:
			all = append(all, "back")
		case All:
			all = append(all, "all")
		default:
			all = append(all, string(o.Verdict)+": "+o.Effect)
		}
	}
	return q.Title + ": " + strings.Join(all, ", ")
}
