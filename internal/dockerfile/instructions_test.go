package dockerfile_test

import (
	"testing"

	"bkt/internal/dockerfile"

	"github.com/google/go-cmp/cmp"
)

func TestReadInstructions(t *testing.T) {
	const text = "# a comment\r\n" +
		"from fedora AS base\n" +
		"# === S (managed by bkt) ===\n" +
		"RUN never read <<EOF\n" +
		"# === END S ===\n" +
		"RUN --mount=type=bind,from=ctx,target=/ctx --network=none \\\n" +
		"    # why\n" +
		"\n" +
		"    /ctx/a.sh && \\\n" +
		"    true\n" +
		"COPY --chmod=0644 --from=Base <<A <<-B /x/\n" +
		"RUN text\n" +
		"A\n" +
		"\tB\n" +
		"RUN <<C\n" +
		"last\n"
	got := dockerfile.ReadInstructions(text, dockerfile.Section{Start: 2, End: 4})
	want := []dockerfile.Instruction{
		{Line: 1, Last: 1, Keyword: "FROM", Args: "fedora AS base"},
		{Line: 5, Last: 9, Keyword: "RUN", Args: "--mount=type=bind,from=ctx,target=/ctx --network=none     /ctx/a.sh &&     true"},
		{Line: 10, Last: 13, Keyword: "COPY", Args: "--chmod=0644 --from=Base <<A <<-B /x/", Heredocs: []string{"RUN text\n", ""}},
		{Line: 14, Last: 15, Keyword: "RUN", Args: "<<C", Heredocs: []string{"last\n"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ctx"}, got[1].Sources()); diff != "" {
		t.Errorf("sources, -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Base"}, got[2].Sources()); diff != "" {
		t.Errorf("sources, -want +got:\n%s", diff)
	}
	if _, rest := got[1].Flags(); rest != "/ctx/a.sh &&     true" {
		t.Errorf("rest is %q", rest)
	}
}
