package strictjson_test

import (
	"strings"
	"testing"

	"bkt/internal/strictjson"
)

// TestConflictsAreRefused checks the error for each kind of value that is in conflict, and
// that an object that is only called conflict is none.
func TestConflictsAreRefused(t *testing.T) {
	conflict := func(value string) string {
		return `{ "conflict": {"ours": ` + value + `, "theirs": null, "base": null}}`
	}
	tests := []struct{ data, err string }{
		{`{"name": ` + conflict(`"x"`) + `}`, `f.json:1:10: name is in conflict: two sides of a merge changed it`},
		{`{"ports": [1, ` + conflict(`2`) + `]}`, `f.json:1:15: an item of ports is in conflict: two sides of a merge changed it (/ports/1)`},
		{`{"parts": {"a": ` + conflict(`{"path": ""}`) + `}}`, `f.json:1:17: a is in conflict: two sides of a merge changed it (/parts/a)`},
		{`{"keyed": [` + conflict(`{"path": "/x", "unknown": 1}`) + `]}`, `f.json:1:12: an item of keyed (/x) is in conflict: two sides of a merge changed it (/keyed/0)`},
		{`{"free": ` + conflict(`1`) + `}`, `f.json:1:10: free is in conflict: two sides of a merge changed it`},
		{`{"parts": {"conflict": {"path": "x"}}}`, ``},
		{`{"free": {"conflict": {"ours": 1, "theirs": 2}}}`, ``},
		{`{"free": {"conflict": {"ours": 1, "theirs": 2, "base": 3, "more": 4}}}`, ``},
		{`{"free": {"conflict": {"ours": 1, "theirs": 2, "base": 3}, "more": 4}}`, ``},
		{`{"free": {"conflict": {"ours": 1, `, `f.json:1:35: the file ends too early (/free/conflict)`},
	}
	for _, tt := range tests {
		_, _, err := strictjson.Decode[mergedSample]("f.json", []byte(tt.data), nil)
		got := ""
		if err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != tt.err {
			t.Errorf("%s: %q, not %q", tt.data, got, tt.err)
		}
	}
}

// A mergedSample has items with a key.
type mergedSample struct {
	sample
	Keyed []keyedPart `json:"keyed,omitempty"`
}

type keyedPart part

func (p keyedPart) Key() string { return p.Path }
