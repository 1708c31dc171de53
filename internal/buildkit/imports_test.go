package buildkit_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoEngineIsLinked checks that the package stays light: of BuildKit's inner
// parts it links only those with types that messages are made of.
func TestNoEngineIsLinked(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "bkt/internal/buildkit").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.Lines(string(out)) {
		pkg = strings.TrimSpace(pkg)
		for _, inner := range []string{"worker", "control", "cache", "snapshot", "executor/oci", "executor/runcexecutor", "solver/bboltcachestorage", "solver/llbsolver/ops"} {
			path := "github.com/moby/buildkit/" + inner
			if pkg == path || strings.HasPrefix(pkg, path+"/") || pkg == "github.com/moby/buildkit/solver/llbsolver" || pkg == "bkt/internal/engine" {
				t.Errorf("%s is linked", pkg)
			}
		}
	}
}
