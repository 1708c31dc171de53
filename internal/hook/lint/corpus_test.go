package lint_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"bkt/internal/finding"
)

// A judged container has hooks, and the verdict of a person about them. Its fields are
// those of hooks.tsv, which describes them.
type judged struct {
	hooks                            []string
	user, verdict, reason, rule, run string
}

// readJudged returns the containers of hooks.tsv.
func readJudged(t *testing.T) []judged {
	t.Helper()
	text, err := os.ReadFile("../testdata/hooks.tsv")
	must(t, err)
	var all []judged
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || fields[0] == "hooks" {
			continue
		}
		if len(fields) != 6 {
			t.Fatalf("%d fields: %s", len(fields), line)
		}
		j := judged{nil, fields[1], fields[2], fields[3], fields[4], fields[5]}
		must(t, json.Unmarshal([]byte(fields[0]), &j.hooks))
		all = append(all, j)
	}
	return all
}

// check returns the rules that the hooks break, without warnings.
func (j judged) check() []string {
	var rules []string
	for _, f := range checkAs(j.user, j.hooks...) {
		if f.Level == finding.Error {
			rules = append(rules, strings.TrimPrefix(f.Rule, "hook/"))
		}
	}
	return rules
}

// maxMissed is how many bad containers neither lint nor running them in an image with only
// sh and coreutils may find.
const maxMissed = 0

// TestJudged compares the verdict of lint with that of a person, and prints how many of
// each verdict lint rejects, how many it leaves to running the hooks, and which neither
// finds.
func TestJudged(t *testing.T) {
	type count struct{ all, rejected, left, missed int }
	counts := map[string]*count{}
	for _, j := range readJudged(t) {
		c := counts[j.verdict]
		if c == nil {
			c = &count{}
			counts[j.verdict] = c
		}
		rules := j.check()
		c.all++
		switch {
		case len(rules) > 0:
			c.rejected++
		case j.verdict != "good" && j.run == "sh":
			c.left++
		case j.verdict != "good":
			c.missed++
		}
		if ok := j.rule == "-" && len(rules) == 0 || slices.Contains(rules, j.rule); !ok {
			t.Errorf("%q: %s (%s): lint reports %q, not %q", j.hooks, j.verdict, j.reason, rules, j.rule)
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
