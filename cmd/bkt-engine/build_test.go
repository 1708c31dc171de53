package main_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/google/go-cmp/cmp"
)

func TestBuildAgainIsTheSameImage(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`, `RUN ["/init", "write", "/etc/made", "by a RUN"]`)
	first, _ := w.mustBuild(t)
	second, log := w.mustBuild(t)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("-first +second:\n%s", diff)
	}
	if !strings.Contains(log, "CACHED") {
		t.Errorf("nothing was cached:\n%s", log)
	}
	read, err := ocilayout.Find(first.Dir, "")
	if err != nil || read != first {
		t.Errorf("ReadLayout: %v, %v; want %v", read, err, first)
	}
}

func TestLayoutHoldsOnlyTheLastImage(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN ["/init", "write", "/etc/made", "1"]`)
	w.mustBuild(t)
	before := blobs(t, w)
	w.containerfile(t, `RUN ["/init", "write", "/etc/made", "2"]`)
	w.mustBuild(t)
	after := blobs(t, w)
	if len(before) != len(after) || slices.Equal(before, after) {
		t.Errorf("before: %v\nafter: %v", before, after)
	}
}

func blobs(t *testing.T, w world) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(w.Dir, "out", "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFailingStep(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`)
	first, _ := w.mustBuild(t)
	w.containerfile(t, `COPY input /input`, `RUN ["/init", \`, `  "fail", "7"]`)
	_, err := w.build(t.Context(), &bytes.Buffer{})
	step, ok := errors.AsType[*buildspec.StepError](err)
	if !ok {
		t.Fatalf("%v is no StepError", err)
	}
	if want := `Containerfile:3: RUN ["/init", "fail", "7"]: exit code 7`; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
	if step.Last != 4 || !strings.Contains(step.Source, ">>> RUN") {
		t.Errorf("step: %+v", step)
	}
	kept, err := ocilayout.Find(first.Dir, "")
	if err != nil || kept != first {
		t.Errorf("the image before is gone: %v, %v", kept, err)
	}
}

func TestMistakesInContainerfile(t *testing.T) {
	w := newWorld(t)
	tests := []struct{ name, step, want string }{
		{"unknown instruction", "RUNN x", "Containerfile:2: unknown instruction: RUNN (did you mean RUN?)"},
		{"missing file", "COPY missing /", `Containerfile:2: "/missing": not found`},
		{"bad mount", "RUN --mount=type=nonsense true", `Containerfile:2: unsupported mount type "nonsense"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.containerfile(t, tt.step)
			_, err := w.build(t.Context(), &bytes.Buffer{})
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("error is %v, want %q", err, tt.want)
			}
		})
	}
}

func TestOutputIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN --mount=type=bind,target=/tmp ["/init", "list", "/tmp"]`)
	b := buildkit.Builder{Config: w.config(), Progress: "plain"}
	var log bytes.Buffer
	for range 2 {
		w.write(t, "context/input", log.String())
		log.Reset()
		if _, err := b.Build(t.Context(), w.spec(), filepath.Join(w.Dir, "context", "out"), &log); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(log.String(), "entry input") || strings.Contains(log.String(), "entry out") {
		t.Errorf("the output was sent:\n%s", log.String())
	}
}

// TestCacheBehindALinkIsNotSent builds from a folder that contains the engine's cache,
// by the path of a link.
func TestCacheBehindALinkIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN --mount=type=bind,target=/tmp ["/init", "list", "/tmp"]`)
	if err := os.Symlink(w.Dir, filepath.Join(w.Dir, "link")); err != nil {
		t.Fatal(err)
	}
	s := w.spec()
	s.Context, s.Containerfile = filepath.Join(w.Dir, "link"), "context/Containerfile"
	var log bytes.Buffer
	b := buildkit.Builder{Config: w.config(), Progress: "plain"}
	if _, err := b.Build(t.Context(), s, filepath.Join(w.Dir, "out"), &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	if strings.Contains(log.String(), "entry root") || !strings.Contains(log.String(), "entry context") {
		t.Errorf("the cache was sent:\n%s", log.String())
	}
}

func TestContainerfileThatLeadsAway(t *testing.T) {
	w := newWorld(t)
	w.write(t, "elsewhere/Containerfile", "FROM scratch\n")
	if err := os.Symlink("../elsewhere/Containerfile", filepath.Join(w.Dir, "context", "Containerfile")); err != nil {
		t.Fatal(err)
	}
	_, err := w.build(t.Context(), &bytes.Buffer{})
	if err == nil || !strings.HasSuffix(err.Error(), "/Containerfile: a link to ../elsewhere/Containerfile, which is outside of "+w.Dir+"/context") {
		t.Errorf("error is %v", err)
	}
}

func TestFolderAsNamedContext(t *testing.T) {
	w := newWorld(t)
	w.write(t, "extra/file", "x")
	w.containerfile(t, `COPY --from=extra file /file`)
	s := w.spec()
	s.Folders = map[string]string{"extra": filepath.Join(w.Dir, "extra")}
	b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
	if _, err := b.Build(t.Context(), s, filepath.Join(w.Dir, "out"), &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestDigestsOfTheBase(t *testing.T) {
	w := newWorld(t)
	digest := w.Base.Digest.String()
	tests := []struct{ name, from, image string }{
		{"same", "example.org/base:1", "example.org/base:1"},
		{"tag left out", "example.org/base", "example.org/base:latest"},
		{"docker's own", "base", "docker.io/library/base:latest"},
		{"digest in FROM", "example.org/base:1@" + digest, "example.org/base:1"},
		{"digest in the name", "example.org/base:1", "example.org/base:1@" + digest},
		{"tag in one", "example.org/base@" + digest, "example.org/base:1@" + digest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.write(t, "context/Containerfile", "ARG BASE="+tt.from+"\nFROM ${BASE}\nCOPY input /\n")
			s := w.spec()
			clear(s.Images)
			s.Images[tt.image] = w.Base
			b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
			if _, err := b.Build(t.Context(), s, filepath.Join(w.Dir, "out"), &bytes.Buffer{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnread(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY --from=example.org/tools x /`, `RUN --mount=from=more,target=/x y`)
	s := w.spec()
	s.Images["example.org/bsae"] = w.Base
	s.Folders = map[string]string{"more": w.Dir, "mroe": w.Dir}
	unread, reads, err := s.Unread()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"example.org/bsae", "mroe"}, unread); diff != "" {
		t.Errorf("unread: -want +got:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"example.org/base", "example.org/tools", "more"}, reads); diff != "" {
		t.Errorf("reads: -want +got:\n%s", diff)
	}
}

// TestUmaskOfWhoeverStartsTheEngine checks that the umask does not change the image.
func TestUmaskOfWhoeverStartsTheEngine(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `WORKDIR /made/here`, `RUN ["/init", "mode", "/made"]`)
	old := syscall.Umask(0o077)
	_, log := w.mustBuild(t)
	syscall.Umask(old)
	if !strings.Contains(log, "mode drwxr-xr-x") {
		t.Errorf("not readable for all:\n%s", log)
	}
}

func TestBaseForAnotherPlatform(t *testing.T) {
	w := newWorld(t)
	other := map[string]string{"amd64": "arm64"}[runtime.GOARCH]
	if other == "" {
		other = "amd64"
	}
	b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
	out := filepath.Join(w.Dir, "out")
	s := w.spec()
	s.Platforms = []string{"linux/" + other}
	w.containerfile(t, `COPY input /input`)
	_, err := b.Build(t.Context(), s, out, &bytes.Buffer{})
	want := "image example.org/base: " + w.Base.Dir + ": it is for linux/" + runtime.GOARCH + ", not for linux/" + other
	if err == nil || err.Error() != want || len(hint.Of(err)) == 0 {
		t.Errorf("error is %v, want %s", err, want)
	}
	w.write(t, "context/Containerfile", "FROM --platform=$BUILDPLATFORM example.org/base AS made\nFROM scratch\nCOPY --from=made /init /\n")
	if _, err := b.Build(t.Context(), s, out, &bytes.Buffer{}); err != nil {
		t.Errorf("built on one platform for another: %v", err)
	}
}

func TestDamagedLayer(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN ["/init", "write", "/etc/made", "x"]`)
	blobs, err := filepath.Glob(filepath.Join(w.Base.Dir, "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, blob := range blobs {
		if info, err := os.Stat(blob); err == nil && info.Size() > 1<<20 {
			err = os.WriteFile(blob, make([]byte, info.Size()), 0o644)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	_, err = w.build(t.Context(), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), w.Base.Dir+": it has a damaged blob") {
		t.Errorf("error is %v", err)
	}
}

func TestCopyOfWhatIsLeftOut(t *testing.T) {
	w := newWorld(t)
	w.write(t, "context/build/file", "x")
	w.containerfile(t, `COPY build/file /`)
	b := buildkit.Builder{Config: w.config(), Progress: "quiet", Exclude: []string{filepath.Join(w.Dir, "context", "build")}}
	_, err := b.Build(t.Context(), w.spec(), filepath.Join(w.Dir, "out"), &bytes.Buffer{})
	if hints := strings.Join(hint.Of(err), ""); hints != "a build cannot COPY from build" {
		t.Errorf("%v, hints %q", err, hints)
	}
}

func TestSeveralPlatforms(t *testing.T) {
	w := newWorld(t)
	w.write(t, "context/Containerfile", "FROM scratch\nCOPY input /\n")
	s := w.spec()
	s.Images = nil
	s.Platforms = []string{"linux/amd64", "linux/arm64"}
	b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
	l, err := b.Build(t.Context(), s, filepath.Join(w.Dir, "out"), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(l.Dir, "blobs", "sha256", l.Digest.Encoded()))
	if err != nil || !strings.Contains(string(data), `"architecture": "arm64"`) {
		t.Errorf("no index with arm64: %v\n%s", err, data)
	}
}

// TestForeignLayoutIsKept checks that a build does not overwrite an image that another
// program has written, or its own base image.
func TestForeignLayoutIsKept(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `COPY input /input`)
	b := buildkit.Builder{Config: w.config(), Progress: "quiet"}
	_, err := b.Build(t.Context(), w.spec(), w.Base.Dir, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "the build reads the image example.org/base from there") {
		t.Errorf("into the base: %v", err)
	}
	other := writeBase(t, filepath.Join(w.Dir, "other"))
	_, err = b.Build(t.Context(), w.spec(), other.Dir, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "it holds an image that bkt has not written") {
		t.Errorf("into another: %v", err)
	}
	for _, l := range []ocilayout.Image{w.Base, other} {
		if read, err := ocilayout.Find(l.Dir, ""); err != nil || read != l {
			t.Errorf("%s: %v, %v", l.Dir, read, err)
		}
	}
}

// TestSyntaxLineAsksNoRegistry checks that a build always uses bkt's own frontend, even
// if the Containerfile names another.
func TestSyntaxLineAsksNoRegistry(t *testing.T) {
	w := newWorld(t)
	w.write(t, "context/Containerfile", "# syntax=docker/dockerfile:1\nFROM example.org/base\nCOPY <<EOF /x\ntext\nEOF\n")
	w.mustBuild(t)
}

// TestCacheIsNotSent checks that the engine's root is not sent to the engine if it is
// in the context.
func TestCacheIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.containerfile(t, `RUN --mount=type=bind,target=/tmp ["/init", "list", "/tmp"]`)
	s := w.spec()
	s.Context, s.Containerfile = w.Dir, "context/Containerfile"
	b := buildkit.Builder{Config: w.config(), Progress: "plain"}
	var log bytes.Buffer
	if _, err := b.Build(t.Context(), s, filepath.Join(w.Dir, "out"), &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "entry context") || strings.Contains(log.String(), "entry root") {
		t.Errorf("the cache was sent:\n%s", log.String())
	}
}
