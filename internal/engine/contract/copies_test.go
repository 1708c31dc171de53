package contract

import (
	"slices"
	"testing"
)

// TestCopyFilters checks that all records that are made from a copy are found, also
// those without its ID, and no others.
func TestCopyFilters(t *testing.T) {
	records := []Record{
		{"base", "pulled from example.org", nil},
		{"root", "mount / from exec sh", []string{"base"}},
		{"source", "local source for " + CopyPrefix + "1", nil},
		{"home", "mount /home from exec sh\n# " + CopyPrefix + "1", nil},
		{"merge", "", []string{"diff", "root"}},
		{"diff", `diff "a" -> "b"`, []string{"home", "base"}},
		{"other", "local source for " + CopyPrefix + "2", nil},
		{"below", "diff", []string{"merge"}},
	}
	for id, want := range map[string][]string{
		CopyPrefix + "1": {`id=="below"`, `id=="diff"`, `id=="home"`, `id=="merge"`, `id=="source"`},
		CopyPrefix + "2": {`id=="other"`},
		CopyPrefix:       {`id=="below"`, `id=="diff"`, `id=="home"`, `id=="merge"`, `id=="other"`, `id=="source"`},
		CopyPrefix + "3": nil,
	} {
		list := func(...string) ([]Record, error) { return records, nil }
		if got, err := CopyFilters(list, id); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", id, got, err)
		}
	}
}
