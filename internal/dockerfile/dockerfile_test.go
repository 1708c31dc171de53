package dockerfile_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"bkt/internal/dockerfile"

	"github.com/google/go-cmp/cmp"
)

func mustParse(t *testing.T, text string) *dockerfile.File {
	t.Helper()
	f, err := dockerfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestErrorsHaveTheirLine(t *testing.T) {
	for _, test := range []struct {
		text string
		line int
		want string
	}{
		{"FROM a\nNONSENSE x\n", 2, "unknown instruction: NONSENSE"},
		{"FROM a\n\nCOPY\n", 3, "COPY requires at least two arguments, but only one was provided. Destination could not be determined"},
		{"FROM a\nRUN " + strings.Repeat("x", 1<<16), 2, "the line is longer than BuildKit reads: the maximum is 65535 bytes"},
		{"FROM a\nENV x=${y\n", 2, "missing '}'"},
		{"FROM ${x/}\n", 1, "missing '/' in ${}"},
		{"", 0, "file with no instructions"},
	} {
		f, err := dockerfile.Parse([]byte(test.text))
		if err == nil {
			err = f.CheckVariables()
		}
		e, ok := errors.AsType[*dockerfile.Error](err)
		if !ok || e.Line() != test.line || !strings.Contains(e.Error(), test.want) {
			t.Errorf("%.20q: %v, want line %d: %s", test.text, err, test.line, test.want)
		}
	}
}

func TestReferences(t *testing.T) {
	const text = `ARG TAG=1
FROM quay.io/a/b:$TAG AS Builder
FROM builder AS second
COPY --from=docker.io/library/alpine:latest /x /x
COPY --from=0 /y /y
RUN --mount=from=ghcr.io/c/d,target=/d true
FROM scratch
`
	for _, test := range []struct {
		options dockerfile.Options
		base    string
	}{
		{dockerfile.Options{}, "quay.io/a/b:1"},
		{dockerfile.Options{Args: map[string]string{"TAG": "2"}}, "quay.io/a/b:2"},
	} {
		got, err := mustParse(t, text).References(test.options)
		want := dockerfile.References{"alpine", "builder", "ghcr.io/c/d", test.base, "second"}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v: %v, -want +got:\n%s", test.options, err, diff)
		}
	}
}

func TestReferencesOfEachPlatform(t *testing.T) {
	got, err := mustParse(t, "FROM base-$TARGETARCH\n").References(dockerfile.Options{Platforms: []string{"linux/amd64", "linux/arm64"}})
	if diff := cmp.Diff(dockerfile.References{"base-amd64", "base-arm64"}, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got:\n%s", err, diff)
	}
}

func TestMatching(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	refs := dockerfile.References{"fedora", "quay.io/a/b:1" + digest, "quay.io/a/b:2"}
	for name, want := range map[string][]string{
		"docker.io/library/fedora:latest": {"fedora"},
		"fedora:43":                       nil,
		"quay.io/a/b:1":                   {"quay.io/a/b:1" + digest},
		"quay.io/a/b" + digest:            {"quay.io/a/b:1" + digest},
		"quay.io/a/b:2" + digest:          {"quay.io/a/b:1" + digest, "quay.io/a/b:2"},
	} {
		if diff := cmp.Diff(want, refs.Matching(name)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	sorted := refs.SortExactLast([]string{"fedora", "quay.io/a/b:1"})
	if diff := cmp.Diff([]string{"quay.io/a/b:1", "fedora"}, sorted); diff != "" {
		t.Errorf("sorted: -want +got:\n%s", diff)
	}
}

func TestFinalBase(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"FROM a\n", "a"},
		{"FROM a AS x\nFROM b\n", "b"},
		{"FROM a AS x\nFROM b AS y\nFROM X\n", "a"},
		{"FROM x AS x\n", "x"},
		{"FROM scratch\n", ""},
		{"FROM folder\n", ""},
		{"FROM base-$TARGETARCH\n", "base-" + runtime.GOARCH},
		{"ARG X=a\nFROM $X AS s\nFROM s\n", "a"},
	} {
		got := mustParse(t, test.text).FinalBase(dockerfile.Options{}, func(name string) bool { return name == "folder" })
		if got != test.want {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func TestContextPatterns(t *testing.T) {
	for _, test := range []struct {
		instruction string
		want        []string
	}{
		{"COPY a /b/c /x/", []string{"a", "b/c"}},
		{"COPY --from=other a /x/", nil},
		{"ADD dir/*.txt /x/", []string{"dir"}},
		{"COPY $dir/a /x/", []string{"**"}},
		{"COPY . /x/", []string{"**"}},
		{"RUN --mount=type=bind,source=scripts,target=/s true", []string{"scripts"}},
		{"RUN --mount=type=cache,target=/s true", nil},
		{`COPY ["a [b]", "/x/"]`, []string{"**"}},
	} {
		got := mustParse(t, "FROM a\n"+test.instruction+"\n").ContextPatterns()
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", test.instruction, diff)
		}
	}
}

func TestReadStagesOfABrokenFile(t *testing.T) {
	const text = `ARG BASE=quay.io/a/b
FROM --platform=linux/amd64 $BASE AS Tools
RUN <<EOF
FROM none
EOF
NONSENSE
FROM tools \
  AS last
# a section
FROM anything
# its end
FROM $UNKNOWN
`
	s := dockerfile.ReadStages(text, dockerfile.Section{Start: 8, End: 10, Stages: dockerfile.Stages{
		All: []dockerfile.Stage{{Line: 9, Last: 9, Image: "generated", Section: "S"}}}})
	want := []dockerfile.Stage{
		{Line: 1, Last: 1, Flags: []string{"--platform=linux/amd64"}, Image: "$BASE", Name: "Tools"},
		{Line: 6, Last: 7, Image: "tools", Name: "last"},
		{Line: 9, Last: 9, Image: "generated", Section: "S"},
		{Line: 11, Last: 11, Image: "$UNKNOWN"},
	}
	if diff := cmp.Diff(want, s.All); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	if base, known := s.Base(0); base != "quay.io/a/b" || !known {
		t.Errorf("base of the first: %q, %v", base, known)
	}
	if base, known := s.Base(3); base != "$UNKNOWN" || known {
		t.Errorf("base of the last: %q, %v", base, known)
	}
	if got := s.Lineage(1); !cmp.Equal(got, []int{1, 0}) || s.Origin(1) != 0 || s.Parent(0) != -1 {
		t.Errorf("lineage: %v", got)
	}
	if s.At(0) != -1 || s.At(4) != 0 || s.At(8) != 1 || s.Final() != 3 || s.Named("tools") != 0 || s.LastIn("S") != 2 {
		t.Errorf("stages: %d %d %d %d %d %d", s.At(0), s.At(4), s.At(8), s.Final(), s.Named("tools"), s.LastIn("S"))
	}
}

func TestParsePairs(t *testing.T) {
	keyword, pairs, ok := dockerfile.ParsePairs(`ENV A="b c" D=$A`, dockerfile.Backslash)
	want := []dockerfile.Pair{{Name: "A", Value: `"b c"`}, {Name: "D", Value: "$A"}}
	if diff := cmp.Diff(want, pairs); !ok || keyword != "env" || diff != "" {
		t.Errorf("%s, %v, -want +got:\n%s", keyword, ok, diff)
	}
	if _, _, ok := dockerfile.ParsePairs("ENV A", dockerfile.Backslash); ok {
		t.Error("a variable without a value is no error")
	}
}

func TestExpand(t *testing.T) {
	for _, test := range []struct {
		word, want string
		ok         bool
	}{
		{`"a b"`, "a b", true},
		{"$A/x", "value/x", true},
		{"${B:-none}", "", false},
		{"$B", "", false},
		{"${A", "", false},
	} {
		got, ok := dockerfile.Expand(test.word, dockerfile.Backslash, map[string]string{"A": "value"})
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: %q, %v", test.word, got, ok)
		}
	}
}
