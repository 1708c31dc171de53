package lint_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/gen/lint"
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
