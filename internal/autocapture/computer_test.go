package autocapture

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestDeriveID checks that computers and checkouts have different ids, that an id stays
// the same, and that it does not reveal the machine's.
func TestDeriveID(t *testing.T) {
	const one, other = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcde0"
	seen := map[string]string{}
	for _, machine := range []string{one, other, "ONCE GENERATED"} {
		for _, checkout := range []string{"/home/a/ws", "/home/b/ws"} {
			got := deriveID(machine, checkout)
			if before, ok := seen[got]; ok || len(got) != 8 || strings.Contains(machine, got) {
				t.Errorf("%s %s is %q, as is %s", machine, checkout, got, before)
			}
			seen[got] = machine + " " + checkout
			if again := deriveID(machine, checkout); again != got {
				t.Errorf("%s and then %s", got, again)
			}
		}
	}
}

// TestComputerWithoutID checks that a computer without a machine id gets one that it
// keeps, and that no other computer gets the same.
func TestComputerWithoutID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	for text, want := range map[string]string{
		id + "\n": id, "": "", "uninitialized\n": "", "0123\n": "", strings.Repeat("0", 32) + "\n": "", strings.Repeat("x", 32): "",
	} {
		file := filepath.Join(t.TempDir(), "machine-id")
		write(t, file, text)
		if got := machineID(file); got != want {
			t.Errorf("%q is %q, not %q", text, got, want)
		}
		r := in(t, nil)
		first := r.computerID(file)
		if kept := r.state.Computer != ""; kept != (want == "") || r.computerID(file) != first {
			t.Errorf("%q: %q, kept: %v, then %q", text, first, kept, r.computerID(file))
		}
	}
	one, other := &captureRun{}, &captureRun{}
	if one.computerID("/missing") == other.computerID("/missing") {
		t.Error("two computers without a machine id have the same id")
	}
}
