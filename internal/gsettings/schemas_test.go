package gsettings

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// A labelled key is a line of testdata/*.tsv.
type labelled struct{ label, schema, folder, name, valueType string }

// readLabels reads a file in the format that the head of testdata/labels.tsv describes.
func readLabels(t *testing.T, name string) []labelled {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []labelled
	var schema, folder string
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case len(fields) != 4:
			t.Fatalf("%s: not four fields: %q", name, line)
		case fields[0] == "schema":
			schema, folder = fields[1], fields[2]
		default:
			all = append(all, labelled{fields[0], schema, folder, fields[1], fields[2]})
		}
	}
	return all
}

// figures count the mistakes that rules make with labelled keys.
type figures struct{ wishesDropped, stateCaptured []string }

func measure(keys []labelled, leavesOut func(labelled) bool) figures {
	var f figures
	for _, k := range keys {
		switch out := leavesOut(k); {
		case k.label == "wish" && out:
			f.wishesDropped = append(f.wishesDropped, k.folder+k.name)
		case (k.label == "state" || k.label == "private") && !out:
			f.stateCaptured = append(f.stateCaptured, k.folder+k.name)
		}
	}
	return f
}

func withTable(k labelled) bool { return leavesOut(k.folder+k.name, k.valueType) != "" }

func withoutTable(k labelled) bool {
	return !strings.HasPrefix(k.folder, extensions) && isCommonState(k.folder, k.name, k.valueType)
}

// sets are the files with labelled keys, and the mistakes that the rules may make with them.
var sets = []struct {
	file, what                   string
	wishesDropped, stateCaptured int // at most
	wishesWithout                int // at most this many wishes dropped without the table
}{
	{"labels.tsv", "Debian's GNOME packages", 5, 20, 5},
	{"extensions.tsv", "ten extensions, unseen before the rules", 5, 20, 5},
	{"programs.tsv", "eight programs, unseen before the rules, then in the table", 5, 20, 5},
}

// "make test-schemas" prints the figures.
func TestSchemas(t *testing.T) {
	for _, set := range sets {
		keys := readLabels(t, set.file)
		with, without := measure(keys, withTable), measure(keys, withoutTable)
		t.Logf("%s: %s", set.what, summary(keys))
		t.Logf("  with the table:    %3d wishes dropped, %3d keys of state or private ones captured", len(with.wishesDropped), len(with.stateCaptured))
		t.Logf("  without the table: %3d wishes dropped, %3d keys of state or private ones captured", len(without.wishesDropped), len(without.stateCaptured))
		if len(with.wishesDropped) > set.wishesDropped || len(without.wishesDropped) > set.wishesWithout {
			t.Errorf("%s: wishes dropped with the table (at most %d): %q, without it (at most %d): %q",
				set.file, set.wishesDropped, with.wishesDropped, set.wishesWithout, without.wishesDropped)
		}
		if len(with.stateCaptured) > set.stateCaptured {
			t.Errorf("%s: state captured (at most %d): %q", set.file, set.stateCaptured, with.stateCaptured)
		}
	}
}

func summary(keys []labelled) string {
	count, schemas := map[string]int{}, map[string]bool{}
	for _, k := range keys {
		count[k.label]++
		schemas[k.schema] = true
	}
	return fmt.Sprintf("%d schemas, %d keys: %d wishes, %d of state, %d private, %d of another domain",
		len(schemas), len(keys), count["wish"], count["state"], count["private"], count["other"])
}

// TestStateTable checks the form of state.tsv, which people edit.
func TestStateTable(t *testing.T) {
	var lines []string
	seen := map[string]bool{}
	for line := range strings.Lines(stateText) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	if !slices.IsSorted(lines) {
		t.Error("the lines are not sorted")
	}
	for _, line := range lines {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) != 6 || slices.Contains(fields, "") {
			t.Errorf("not six fields: %q", line)
			continue
		}
		folder, kind := fields[0], fields[1]
		if !strings.HasPrefix(folder, "/") || !strings.HasSuffix(folder, "/") || strings.Contains(folder, "//") {
			t.Errorf("not a folder of dconf: %q", folder)
		}
		if _, err := path.Match(folder, ""); err != nil || kind != "state" && kind != "private" {
			t.Errorf("a wrong pattern or kind: %q", line)
		}
		if strings.HasPrefix(folder, extensions) && kind == "state" {
			t.Errorf("state of an extension: %q", line)
		}
		for name := range strings.FieldsSeq(fields[2]) {
			if strings.ContainsAny(name, "*?[/") {
				t.Errorf("%s: %q is not the name of a key", folder, name)
			}
			if seen[folder+name] {
				t.Errorf("%s%s is there twice", folder, name)
			}
			seen[folder+name] = true
		}
	}
}
