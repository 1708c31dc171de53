package engine

import (
	"errors"
	"os"
	"testing"

	"bkt/internal/engine/contract"
)

// TestReserve checks that an engine reserves space that is free when it starts
// again.
func TestReserve(t *testing.T) {
	root := t.TempDir()
	giveUpReserve(root) // it does not exist yet
	keepReserve(root)
	keepReserve(root)
	u, err := contract.Measure(reserveFile(root))
	if err != nil || u.Bytes < reserveSize || u.Bytes > 2*reserveSize {
		t.Errorf("the reserve takes %d bytes, error %v", u.Bytes, err)
	}
	write(t, contract.LockFile(root)) // of an engine before
	f, err := lock(root)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.Stat(reserveFile(root)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an engine that starts has no room: %v", err)
	}
}
