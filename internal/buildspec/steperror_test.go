package buildspec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
)

// TestLongStep checks that a step of hundreds of lines is cut in the excerpt, and a
// short one is not.
func TestLongStep(t *testing.T) {
	step := func(packages int) *StepError {
		text := "FROM x\nRUN dnf install \\\n"
		for i := range packages {
			text += fmt.Sprintf("    package-%d \\\n", i)
		}
		text += "    && true\nRUN next\n"
		r := &pb.Range{Start: &pb.Position{Line: 2}, End: &pb.Position{Line: int32(packages + 3)}}
		return NewStepError("Containerfile", &errdefs.Source{Info: &pb.SourceInfo{Filename: "Containerfile", Data: []byte(text)}, Ranges: []*pb.Range{r}}, fmt.Errorf("failed"))
	}
	short := step(10).Source
	if n := strings.Count(short, "package-"); n != 10 || strings.Contains(short, "more lines") {
		t.Errorf("of 10 packages, %d are shown:\n%s", n, short)
	}
	long := step(300)
	for _, want := range []string{">>> RUN dnf install", "package-6 \\\n     … 291 more lines\n 301 | >>>     package-298 \\\n", ">>>     && true\n", "RUN next"} {
		if !strings.Contains(long.Source, want) {
			t.Errorf("no %q in\n%s", want, long.Source)
		}
	}
	if !long.Has(2) || !long.Has(303) || long.Has(1) || long.Has(304) || long.Lines[1] != "    package-0 \\" {
		t.Errorf("its lines are %d from %d", len(long.Lines), long.Line)
	}
}
