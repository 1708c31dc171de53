package traced

import (
	"strings"
	"testing"
)

// TestParseEnds checks lines about threads that ended with their process, as strace 6 wrote
// them, and that another line is not passed over.
func TestParseEnds(t *testing.T) {
	const line = `24886<bkt> ???()                        = ?` + "\n"
	if calls, err := parse(strings.NewReader(line), "/"); err != nil || len(calls) != 0 {
		t.Errorf("%v, %v", calls, err)
	}
	if _, err := parse(strings.NewReader("24886<bkt> ???(\n"), "/"); err == nil {
		t.Error("a line that is cut off counts as understood")
	}
}
