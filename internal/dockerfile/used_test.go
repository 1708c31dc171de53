package dockerfile_test

import (
	"slices"
	"strings"
	"testing"

	"bkt/internal/dockerfile"
)

const severalStages = `ARG KEY=label.of
FROM a AS one
LABEL one=1 "quoted name"=2
COPY one /
FROM b AS tools
LABEL tools=1
ADD tools /
FROM one AS Two
LABEL two=1
RUN --mount=type=bind,source=mounted,target=/m true
COPY --from=tools /x /
COPY --from=below /y /
FROM two AS three
LABEL three=1
COPY --from=extra /in/extra /
RUN --mount=from=extra,source=/also,target=/m true
FROM extra AS four
COPY --from=0 / /
`

// TestFinalStage checks which stage is the image, which labels it has from the file, and
// what the stages that it uses read.
func TestFinalStage(t *testing.T) {
	tests := []struct {
		target string
		final  int
		labels string
		asked  string // of the context
		folder string // of the folder extra
	}{
		{"", 4, "", "one", "**"},
		{"one", 0, "one, quoted name", "one", ""},
		{"TWO", 2, "one, quoted name, two", "mounted, one, tools", ""},
		{"three", 3, "one, quoted name, three, two", "mounted, one, tools", "also, in/extra"},
		{"nosuch", -1, "", "", ""},
	}
	f, err := dockerfile.Parse([]byte(severalStages))
	if err != nil {
		t.Fatal(err)
	}
	text := func(all []string) string {
		slices.Sort(all)
		return strings.Join(all, ", ")
	}
	for _, tt := range tests {
		o := dockerfile.Options{Target: tt.target}
		labels, known := f.Labels(o)
		if final := f.Final(o); final != tt.final || text(labels) != tt.labels || !known {
			t.Errorf("target %q: stage %d, labels %q", tt.target, final, labels)
		}
		if asked := f.AskedPatterns(o, nil); text(asked) != tt.asked {
			t.Errorf("target %q asks for %q", tt.target, asked)
		}
		if folder := f.FolderPatterns(o, func(from string) bool { return from == "extra" }); text(folder) != tt.folder {
			t.Errorf("target %q asks the folder for %q", tt.target, folder)
		}
	}
	if asked := f.AskedPatterns(dockerfile.Options{Target: "two"}, []int{10}); text(asked) != "one, tools" {
		t.Errorf("without the RUN: %q", asked)
	}
	if all := f.ContextPatterns(); text(all) != "mounted, one, tools" {
		t.Errorf("all stages read %q", all)
	}
}

// TestLabelWithVariable checks that a label with a variable in its name makes the names
// unknown.
func TestLabelWithVariable(t *testing.T) {
	for text, want := range map[string]bool{"LABEL a.$X=1": false, "LABEL a=$X": true, `LABEL "a b"=1`: true} {
		f, err := dockerfile.Parse([]byte("FROM a\nARG X\n" + text + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, known := f.Labels(dockerfile.Options{}); known != want {
			t.Errorf("%s: known is %v", text, known)
		}
	}
}
