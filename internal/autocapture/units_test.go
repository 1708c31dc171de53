package autocapture

import (
	"os"
	"path/filepath"
	"testing"
)

// TestUnitsThatCannotBeListed checks that auto-capture is not reported as disabled, and
// its units as unneeded by other repositories, where the enabled units cannot be listed.
func TestUnitsThatCannotBeListed(t *testing.T) {
	w := in(t, nil).system.Workspace
	if links, err := enabledUnits(w); len(links) != 0 || err != nil {
		t.Errorf("without units: %v, %v", links, err)
	}
	if err := os.MkdirAll(userUnits(w), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"loop", "timers.target.wants"} {
		if err := os.Symlink("loop", filepath.Join(userUnits(w), name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := enabledHere(w); err == nil {
		t.Error("enabled or not: no error")
	}
	if p, err := PlanDisable(t.Context(), w); err == nil || len(p) != 0 {
		t.Errorf("disabling: %v, %v", p, err)
	}
	if st := ReadStatus(w); st.Result != Failed || len(st.Problems) == 0 {
		t.Errorf("status: %+v", st)
	}
}
