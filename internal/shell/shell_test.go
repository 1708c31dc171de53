package shell_test

import (
	"testing"

	"bkt/internal/shell"
)

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{"a": "a", "": "''", "a b": "'a b'", "it's": `"it's"`, "$x": "'$x'"} {
		if got, err := shell.Quote(word); got != want || err != nil {
			t.Errorf("%q: %s, %v", word, got, err)
		}
		if got := shell.Show(word); got != want {
			t.Errorf("shown: %q: %s", word, got)
		}
	}
	for _, word := range []string{"a\x00b", "a\nb\x01"} {
		if got, err := shell.Quote(word); err == nil {
			t.Errorf("%q: %s", word, got)
		}
	}
	if got := shell.Show("a\x00b"); got != `"a\x00b"` {
		t.Errorf("shown: %s", got)
	}
}
