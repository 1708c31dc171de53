package lint_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"bkt/internal/finding"
	"bkt/internal/hook/hooktest"
)

// rulesBroken returns the rules that the hooks break, without warnings.
func rulesBroken(c hooktest.Container) []string {
	var rules []string
	for _, f := range checkAs(c.User, c.Hooks...) {
		if f.Level == finding.Error {
			rules = append(rules, strings.TrimPrefix(f.Rule, "hook/"))
		}
	}
	return rules
}

// maxMissed is how many bad containers neither lint nor running them may find. The tests in
// e2e/images check what running them finds.
const maxMissed = 0

// TestJudged compares the verdict of lint with that of a person, and prints how many of
// each verdict lint rejects, how many it leaves to running the hooks, and which neither
// finds.
func TestJudged(t *testing.T) {
	type count struct{ all, rejected, left, missed int }
	counts := map[string]*count{}
	for _, j := range hooktest.Read(t) {
		c := counts[j.Verdict]
		if c == nil {
			c = &count{}
			counts[j.Verdict] = c
		}
		rules := rulesBroken(j)
		c.all++
		switch {
		case len(rules) > 0:
			c.rejected++
		case !j.IsGood() && j.Result == "reject":
			c.left++
		case !j.IsGood():
			c.missed++
		}
		if ok := j.Rule == "-" && len(rules) == 0 || slices.Contains(rules, j.Rule); !ok {
			t.Errorf("%q: %s (%s): lint reports %q, not %q", j.Hooks, j.Verdict, j.Reason, rules, j.Rule)
		}
	}
	missed := 0
	table := fmt.Sprintf("%-28s %5s %9s %12s %7s\n", "verdict", "all", "rejected", "left to run", "missed")
	for _, verdict := range slices.Sorted(maps.Keys(counts)) {
		c := counts[verdict]
		missed += c.missed
		table += fmt.Sprintf("%-28s %5d %9d %12d %7d\n", verdict, c.all, c.rejected, c.left, c.missed)
	}
	t.Log("\n" + table)
	if missed > maxMissed {
		t.Errorf("%d bad containers are found neither by lint nor by running them", missed)
	}
}
