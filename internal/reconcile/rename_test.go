package reconcile_test

import (
	"context"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/reconcile"

	"github.com/google/go-cmp/cmp"
)

// renaming is a system on which a.b.old is called a.b.new.
type renaming struct{ overrides }

func (r renaming) Observe(ctx context.Context, sys reconcile.System, known []manifest.FlatpakOverride) (reconcile.Snapshot[manifest.FlatpakOverride], error) {
	s, err := r.overrides.Observe(ctx, sys, known)
	s.Renamed = func(x manifest.FlatpakOverride) (manifest.FlatpakOverride, bool) {
		if x.App != "a.b.old" {
			return x, false
		}
		x.App = "a.b.new"
		return x, true
	}
	return s, err
}

// of returns overrides, written ID=FLAGS.
func of(texts ...string) []manifest.FlatpakOverride {
	var all []manifest.FlatpakOverride
	for _, text := range texts {
		id, flag, _ := strings.Cut(text, "=")
		all = append(all, manifest.FlatpakOverride{App: "a.b." + id, Scope: "user", Flags: []string{"--" + flag}})
	}
	return all
}

// TestRenamedItems checks what capture and apply do with an item that is declared under a
// former name.
func TestRenamedItems(t *testing.T) {
	tests := []struct {
		name                 string
		base, live, declared []string
		cases                []reconcile.Case // of user/a.b.new, or of none
		captured             []string
		applied              string
	}{
		{"on a new system", nil, []string{"new=x=1"}, []string{"old=x=1"}, []reconcile.Case{reconcile.CaseRenamed}, []string{"new=x=1"}, ""},
		{"captured before", []string{"old=x=1"}, []string{"new=x=1"}, []string{"old=x=1"}, []reconcile.Case{reconcile.CaseRenamed}, []string{"new=x=1"}, ""},
		{"with another value", nil, []string{"new=x=2"}, []string{"old=x=1"}, []reconcile.Case{reconcile.CaseNoBase}, []string{"new=x=2"}, "~ user/a.b.new --x=1"},
		{"not on the system", []string{"old=x=1"}, nil, []string{"old=x=1"}, []reconcile.Case{reconcile.CaseMissing}, []string{"old=x=1"}, "+ user/a.b.new --x=1"},
		{"both declared", nil, []string{"new=x=1"}, []string{"new=x=1", "old=x=2"}, []reconcile.Case{reconcile.CaseRenamed}, []string{"new=x=1"}, ""},
		{"renamed in the manifest", []string{"old=x=1"}, []string{"new=x=1"}, []string{"new=x=1"}, nil, []string{"new=x=1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := repository(t, of(tt.declared...))
			in := reconcile.Input{Repo: repo, Base: agreed(t, of(tt.base...), "")}
			c := compare(t, renaming{overrides{has: of(tt.live...)}}, in)
			var cases []reconcile.Case
			var keys []string
			for _, d := range c.Differences() {
				cases = append(cases, d.Case)
				if d.Key != "user/a.b.new" {
					t.Errorf("%s differs", d.Key)
				}
				if d.Case != reconcile.CaseMissing {
					keys = append(keys, d.Key)
				}
			}
			if diff := cmp.Diff(tt.cases, cases); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			edits := reconcile.NewEdits(repo)
			if err := c.Capture(edits, keys); err != nil {
				t.Fatal(err)
			}
			_, got, err := reconcile.ReadManifest[manifest.FlatpakOverrides](edits, file)
			if diff := cmp.Diff(of(tt.captured...), got.Overrides); err != nil || diff != "" {
				t.Errorf("captured %v (-want +got):\n%s", err, diff)
			}
			var applied []string
			if len(tt.cases) > 0 && tt.cases[0] != reconcile.CaseRenamed {
				change, _ := c.Apply([]string{"user/a.b.new"}, false)
				for _, step := range change {
					applied = append(applied, string(step.Op)+" "+strings.Join(step.Targets, " "))
				}
			}
			if got := strings.Join(applied, "; "); got != tt.applied {
				t.Errorf("applied: %q", got)
			}
			text, _, err := c.Base(keys, nil)
			if err != nil || len(keys) > 0 && (strings.Contains(string(text), "a.b.old") || !strings.Contains(string(text), "a.b.new")) {
				t.Errorf("the last known state is %s, %v", text, err)
			}
		})
	}
}
