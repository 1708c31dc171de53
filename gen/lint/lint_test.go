package lint_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/gen/lint"
	"bkt/internal/hint"

	"github.com/google/go-cmp/cmp"
)

// TestLintTakesInstructions checks that the linter, which has no engine here, accepts
// all instructions that engines support, and still finds errors.
func TestLintTakesInstructions(t *testing.T) {
	tests := []struct{ instruction, want string }{
		{"RUN --network=host true", ""},
		{"RUN --network=none --security=insecure true", ""},
		{"RUN --device=vendor.com/x=all,required true", ""},
		{"RUN --mount=type=bind,rw,target=/x true", ""},
		{"RUN --mount=type=bind,readonly=false,from=o,target=/x true", ""},
		{"RUN --mount=type=bind,from=0,readwrite,target=/x true", ""},
		{"RUN --mount=type=cache,target=/c,from=o,source=/x,sharing=private,mode=0700,uid=1 true", ""},
		{"RUN --mount=type=secret,id=x,env=A,required true", ""},
		{"RUN --mount=type=ssh true", ""},
		{"RUN --mount=type=tmpfs,target=/t,size=10m true", ""},
		{"RUN <<A <<B\na\nA\nb\nB", ""},
		{"COPY <<A <<\"B\" /x/\na\nA\n$b\nB", ""},
		{"COPY --parents --exclude=*.md a/b c/./d /x/", ""},
		{"COPY --link --chmod=0644 --from=o a /x", ""},
		{"COPY --chmod=u+x a /x", ""},
		{"ADD --checksum=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef https://example.org/x /x", ""},
		{"ADD --keep-git-dir=true https://github.com/moby/buildkit.git#v0.10.1 /x", ""},
		{"ADD --unpack=true --link --chown=1:2 https://example.org/x.tar /x", ""},
		{"ONBUILD RUN --mount=type=bind,rw,target=/x true", ""},
		{"HEALTHCHECK --interval=5s --start-interval=1s CMD true", ""},
		{"SHELL [\"/bin/bash\", \"-c\"]\nRUN --mount=type=bind,rw,target=/x true", ""},
		{"ARG SOURCE_DATE_EPOCH=1\nRUN true", ""},
		{"ARG X=/x\nRUN --mount=type=bind,rw,target=$X true", ""},
		{"FROM --platform=$BUILDPLATFORM fedora:43 AS later\nRUN --mount=from=o,rw,target=/x true", ""},
		{"# check=skip=all\nRUN cd /x; true", ""},
		{"# check=skip=WorkdirRelativePath;error=true\nWORKDIR x", ""},
		{"# check=nonsense\nRUN true", ""},
		{"# check=skip=StageNameCasing\nWORKDIR x", "WorkdirRelativePath"},
		{"# check=skip=all\nFROM fedora:43 AS Later\n# check=skip=all\nARG X=1", ""},
		{"RUN --network=nowhere true", `Containerfile:3: invalid network mode "nowhere"`},
		{"RUN --mount=type=bind,rw true", `Containerfile:3: invalid mount target`},
	}
	for _, tt := range tests {
		t.Run(tt.instruction, func(t *testing.T) {
			text := "FROM fedora:43 AS o\nFROM fedora:43\n" + tt.instruction + "\n"
			res, err := gen.Render("Containerfile", []byte(text), fstest.MapFS{})
			if err != nil {
				t.Fatal(err)
			}
			findings, err := lint.Check(t.Context(), "Containerfile", res)
			var got []string
			if err != nil {
				got = append(got, err.Error())
			}
			for _, f := range findings {
				got = append(got, f.Error())
			}
			all := strings.Join(got, "\n")
			if tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
				t.Errorf("got %q, want %q", all, tt.want)
			}
		})
	}
}

// check returns what the linter says of a file without sections.
func check(t *testing.T, text string) (findings []error, err error) {
	t.Helper()
	res, err := gen.Render("Containerfile", []byte(text), fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	return lint.Check(t.Context(), "Containerfile", res)
}

// TestHeredocsWithCR checks that a heredoc of a file with CRLF is a warning, unless a
// section brings it.
func TestHeredocsWithCR(t *testing.T) {
	text := "FROM fedora:43\nRUN <<EOF\necho hello\nEOF\nCOPY <<A <<B /x/\n#!/bin/sh\nA\nB\nRUN true\n# === KERNEL_ARGUMENTS (managed by bkt) ===\n# === END KERNEL_ARGUMENTS ===\n"
	for ending, want := range map[string]string{
		"\n":   "",
		"\r\n": "Containerfile:2: the lines of this heredoc end in CRLF, and their CR gets into the image\nContainerfile:5: the lines of this heredoc end in CRLF, and their CR gets into the image",
	} {
		findings, err := check(t, strings.ReplaceAll(text, "\n", ending))
		if got := errors.Join(findings...); err != nil || got == nil && want != "" || got != nil && got.Error() != want {
			t.Errorf("%q: %v, %v", ending, got, err)
		}
	}
}

// TestGroup checks that people see each rule of the linter once, below all else.
func TestGroup(t *testing.T) {
	findings, err := check(t, "FROM fedora:43 as a\nWORKDIR x\nFROM fedora:43 as b\nCOPY a /opt/a\nCOPY --from=a a /a\nFROM b as c\nWORKDIR y\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, err := range lint.Group(findings) {
		got = append(got, strings.Join(append([]string{err.Error()}, hint.Of(err)...), "; "))
	}
	want := []string{
		"Containerfile:4: /opt leads to /var or cannot be written to on the machine; put the file below /usr/lib/opt and let tmpfiles.d link it",
		"Containerfile:1: FromAsCasing: 'as' and 'FROM' keywords' casing do not match (and 2 more)",
		"Containerfile:2: WorkdirRelativePath: Relative workdir \"x\" can have unexpected results if the base image changes (and 1 more); run \"bkt containerfile check --json\" to see all",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(findings) != 6 {
		t.Errorf("%d findings in all", len(findings))
	}
}

// TestFirstError checks that of several errors that BuildKit finds at the same time, the
// first by line is reported, and that warnings about one line have an order.
func TestFirstError(t *testing.T) {
	tests := []struct{ text, want string }{
		{"FROM fedora AS a\nFROM A:::x\nFROM B:::y\nFROM C:::z\nFROM D:::z\n", `Containerfile:2: failed to parse stage name "A:::x": invalid reference format: repository name (library/A) must be lowercase`},
		{"ARG X\nFROM fedora:$X\nFROM B:::y\nFROM C:::z\n", `Containerfile:3: failed to parse stage name "B:::y": invalid reference format: repository name (library/B) must be lowercase`},
		{"FROM fedora\nENV A=$Z B=$Y C=$X D=$W\n", "Containerfile:2: UndefinedVar: Usage of undefined variable '$W'\nContainerfile:2: UndefinedVar: Usage of undefined variable '$X'\nContainerfile:2: UndefinedVar: Usage of undefined variable '$Y'\nContainerfile:2: UndefinedVar: Usage of undefined variable '$Z'"},
	}
	for _, tt := range tests {
		for range 20 {
			findings, err := check(t, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if all := errors.Join(findings...).Error(); !strings.HasPrefix(all, tt.want) {
				t.Errorf("got %s\nwant %s", all, tt.want)
				break
			}
		}
	}
}
