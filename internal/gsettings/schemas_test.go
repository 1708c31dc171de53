package gsettings

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb/gvdbtest"
	"bkt/internal/manifest"
	"bkt/internal/reconcile"

	gocmp "github.com/google/go-cmp/cmp"
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
	{"programs.tsv", "41 programs, unseen before the rules, then in the table", 5, 20, 5},
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

// TestObserveLabelledKeys sets every labelled key, with a value that is not its default:
// each is captured or named as left out, and what the shell's extensions have is elsewhere.
func TestObserveLabelledKeys(t *testing.T) {
	for _, set := range sets {
		t.Run(set.file, func(t *testing.T) {
			keys := readLabels(t, set.file)
			want := map[string]string{}
			table := gvdbtest.Table{Values: map[string]gvariant.Value{}}
			for _, k := range keys {
				text, _ := sample(k.valueType)
				value, err := gvariant.Parse(k.valueType, text)
				if err != nil {
					t.Fatalf("%s%s: %v", k.folder, k.name, err)
				}
				table.Values[k.folder+k.name] = value
				want[k.folder+" "+k.name] = leavesOut(k.folder+k.name, value.Type())
				if k.label == "other" {
					delete(want, k.folder+" "+k.name)
				}
				if isStoredForNotifications(k.folder+k.name) && k.folder != "/org/gnome/desktop/notifications/" {
					want[k.folder+" "+k.name] = "" // another key of its folder is a wish
				}
			}
			got := map[string]string{}
			snapshot := observeValues(t, table)
			for _, item := range snapshot.Items {
				got[item.Key()] = ""
			}
			for _, l := range snapshot.LeftOut {
				got[l.What] = l.Reason
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// observeValues observes a database, without schemas.
func observeValues(t *testing.T, table gvdbtest.Table) reconcile.Snapshot[manifest.Setting] {
	t.Helper()
	dir := t.TempDir()
	err := os.Mkdir(dir+"/dconf", 0o700)
	if err == nil {
		err = os.WriteFile(dir+"/dconf/user", gvdbtest.File(table), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := Domain{Home: dir, ConfigHome: dir, DataHome: dir, RunDir: dir + "/run", EtcDir: dir + "/etc", Bus: "other:"}
	snapshot, err := d.Observe(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

// sample returns the text of a value of the first type in a text, and the rest of the text.
func sample(types string) (text, rest string) {
	texts := map[byte]string{'b': "true", 's': "'x'", 'o': "'/x'", 'g': "'s'", 'v': "<'x'>"}
	first, rest := types[0], types[1:]
	switch first {
	case 'a':
		text, rest = sample(rest)
		return "[" + text + "]", rest
	case 'm':
		text, rest = sample(rest)
		return "just " + text, rest
	case '(', '{':
		var all []string
		for rest[0] != ')' && rest[0] != '}' {
			text, rest = sample(rest)
			all = append(all, text)
		}
		if first == '{' {
			return "{" + strings.Join(all, ", ") + "}", rest[1:]
		}
		return "(" + strings.Join(all, ", ") + ")", rest[1:]
	}
	return cmp.Or(texts[first], "1"), rest
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
