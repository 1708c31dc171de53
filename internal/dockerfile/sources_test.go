package dockerfile_test

import (
	"fmt"
	"testing"

	"bkt/internal/dockerfile"

	"github.com/google/go-cmp/cmp"
)

// TestSources checks where sources are, and what their values are. Those that depend on what
// only a build has are not known.
func TestSources(t *testing.T) {
	const text = `ARG DIR=conf
ARG NONE
FROM registry.example.org/base AS base
ENV X=1 Y=${X}2
ARG NONE DIR OTHER=a
COPY a.txt \
  dir/./b $DIR/x "$OTHER" /x/
FROM base AS image
COPY [ "c c", "${DIR}", "$X", "/x/" ]
COPY --from=base gone /x/
RUN --mount=type=bind,source=m/n,target=/m --mount=type=bind,from=base,target=/n \
  true m/n
ADD ${NONE}a /é é /x/
FROM base AS unused
COPY unused /
`
	f, err := dockerfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range f.Sources(dockerfile.Options{Target: "image"}) {
		got = append(got, fmt.Sprintf("%d:%d %s %s = %q %v %v", s.Line, s.Column, s.Keyword, s.Text, s.Path, s.Known, s.Default))
	}
	want := []string{
		`6:6 COPY a.txt = "a.txt" true false`,
		`7:3 COPY dir/./b = "dir/b" true false`,
		`7:11 COPY $DIR/x = "conf/x" true true`,
		`7:18 COPY "$OTHER" = "a" true true`,
		`9:9 COPY c c = "c c" true false`,
		`9:16 COPY ${DIR} = "" false false`, // an argument of the stage above
		`9:26 COPY $X = "1" true false`,
		`11:30 RUN --mount m/n = "m/n" true false`,
		`13:5 ADD ${NONE}a = "" false false`,
		`13:14 ADD /é = "é" true false`,
		`13:17 ADD é = "é" true false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
