package creation

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestVariable checks that a variable has its value after distrobox's create, a shell
// script, has passed its command line to a shell again.
func TestVariable(t *testing.T) {
	for _, value := range []string{"plain", "x  y   z    ", "it's  two   'three'", "  $HOME  `x` \"q\" \\ *  ", ""} {
		flag, err := variable("A", value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := exec.Command("sh", "-c", `command="printf %s $1"; eval ${command}`, "sh", flag).Output()
		if diff := cmp.Diff("--env=A="+value, string(got)); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
}

// TestEntryOfALabel checks that a container is read back from its label, and that other labels
// are refused.
func TestEntryOfALabel(t *testing.T) {
	for _, label := range []string{"", "x", "e30", "bm9uc2Vuc2U"} {
		if _, b, ok := ParseLabel(label); ok {
			t.Errorf("%q: %v", label, b)
		}
	}
}
