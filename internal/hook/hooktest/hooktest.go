// Package hooktest reads the judged hooks of internal/hook/testdata/hooks.tsv for tests.
package hooktest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/testkit"
)

// A Container has hooks, and the verdict of a person about them. Its fields are those of
// hooks.tsv, which describes them.
type Container struct {
	Hooks                               []string
	User, Verdict, Reason, Rule, Result string
	Needs                               string // the field run
	Quick                               bool   // "make test" runs its hooks, too
}

// IsGood reports whether nothing is wrong with the hooks.
func (c Container) IsGood() bool { return c.Verdict == "good" }

// Read returns the containers of hooks.tsv.
func Read(t testing.TB) []Container {
	t.Helper()
	root, err := testkit.Root()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "internal", "hook", "testdata", "hooks.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var all []Container
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || fields[0] == "hooks" {
			continue
		}
		if len(fields) != 7 {
			t.Fatalf("%d fields: %s", len(fields), line)
		}
		result, quick := strings.CutSuffix(fields[6], " *")
		c := Container{User: fields[1], Verdict: fields[2], Reason: fields[3], Rule: fields[4], Needs: fields[5], Result: result, Quick: quick}
		if err := json.Unmarshal([]byte(fields[0]), &c.Hooks); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, c)
	}
	return all
}
