package buildkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/crash"
	"bkt/internal/dockerfile"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/moby/buildkit/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A StepError says which step of a Containerfile is at fault.
type StepError struct {
	File     string // as the [Spec] has it
	Line     int    // where the step begins; 0 if that is not known
	Last     int    // where it ends
	Step     string // its text, on one line and cut short; empty if it did not run
	ExitCode int    // of its command; 0 if it was not a command that failed
	Source   string // the step and the lines around it, with their numbers
	Err      error  // what went wrong
}

// Error returns "file:line: step: what".
func (e *StepError) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	if e.ExitCode != 0 {
		return fmt.Sprintf("%s: %s: exit code %d", where, e.Step, e.ExitCode)
	}
	return fmt.Sprintf("%s: %s", where, engineclient.Message(e.Err))
}

// Unwrap returns what went wrong.
func (e *StepError) Unwrap() error { return e.Err }

// explain turns the error of a build of file into words.
func explain(ctx context.Context, c *client.Client, cfg engineclient.Config, file string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, bug := errors.AsType[*crash.Error](err); bug {
		return err
	}
	if sources := errdefs.Sources(err); len(sources) > 0 {
		return advise(stepError(file, sources[len(sources)-1], err))
	}
	if !engineclient.Answers(ctx, c) {
		err = errors.New("the engine stopped during the build")
		if cfg.Address != engineclient.Own {
			return hint.Add(err, "see whether %s is still there", cfg.Address)
		}
		return hint.Add(err, "run the command again; %s may say why", contract.LogFile(cfg.Root))
	}
	told := errors.New(engineclient.Message(err))
	if _, foreign := errors.AsType[foreignError](err); foreign {
		return foreignError{told}
	}
	return told
}

// advise says what to do about an image that no registry has given.
func advise(e *StepError) error {
	text := e.Err.Error()
	asked := strings.Contains(text, "failed to resolve source metadata") || strings.Contains(text, "failed to do request")
	if e.ExitCode != 0 || !asked {
		return e
	}
	return hint.Add(e, "log in with \"podman login\" if it is private, or read it from a folder with --build-context NAME=oci-layout://DIR")
}

// atFault names the folder or the platform that err, of a build of s, comes
// from, where the engine could not know it.
func (b Builder) atFault(s Spec, err error) error {
	err = ofPlatform(s, err)
	for _, l := range s.Images {
		if isDamaged(l, err.Error()) {
			return fmt.Errorf("%s: a blob in it is damaged: %w", l.Dir, err)
		}
	}
	root, errRoot := filepath.Abs(s.Context)
	if errRoot != nil {
		return err
	}
	for _, folder := range b.Exclude {
		rel, errRel := filepath.Rel(resolve(root), resolve(folder))
		if errRel == nil && strings.Contains(err.Error(), `"/`+rel+`/`) && strings.HasSuffix(err.Error(), ": not found") {
			return hint.Add(err, "%s is left out of what a build may COPY", rel)
		}
	}
	return err
}

// isDamaged says whether text is about a blob of l that has not its digest.
func isDamaged(l ocilayout.Image, text string) bool {
	_, rest, found := strings.Cut(text, "unexpected commit digest ")
	_, rest, expected := strings.Cut(rest, "expected sha256:")
	name, _, _ := strings.Cut(rest, ":")
	_, err := os.Stat(filepath.Join(l.Dir, ocispec.ImageBlobsDir, "sha256", name))
	return found && expected && err == nil
}

// stepError turns BuildKit's account of where a step is into ours.
func stepError(file string, s *errdefs.Source, err error) *StepError {
	e := &StepError{File: file, Err: err}
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		e.ExitCode = int(exit.ExitCode)
	}
	for _, r := range s.Ranges {
		if e.Line == 0 || int(r.Start.Line) < e.Line {
			e.Line = int(r.Start.Line)
		}
		e.Last = max(e.Last, int(r.Start.Line), int(r.End.Line))
	}
	var source strings.Builder
	_ = s.Print(&source) // a strings.Builder takes everything
	e.Source = source.String()
	if s.Info != nil {
		e.Step = summary(string(s.Info.Data), e.Line, e.Last)
	}
	return e
}

// summary returns the lines first to last of text as one, cut short.
func summary(text string, first, last int) string {
	const longest = 72
	lines := strings.Split(text, "\n")
	if first < 1 || last > len(lines) {
		return ""
	}
	var words []string
	for _, line := range lines[first-1 : last] {
		words = append(words, strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), `\`))...)
	}
	short := []rune(strings.Join(words, " "))
	if len(short) > longest {
		return string(short[:longest]) + "…"
	}
	return string(short)
}

// located returns a [dockerfile.Error] in the text of file, with its line and those
// around it.
func located(file string, text []byte, err error) error {
	at, ok := errors.AsType[*dockerfile.Error](err)
	if !ok || len(at.Ranges) == 0 {
		return &StepError{File: file, Err: err}
	}
	source := errdefs.Source{Info: &pb.SourceInfo{Filename: file, Data: text}}
	for _, r := range at.Ranges {
		source.Ranges = append(source.Ranges, &pb.Range{
			Start: &pb.Position{Line: int32(r.Start.Line)}, End: &pb.Position{Line: int32(r.End.Line)}})
	}
	return stepError(file, &source, err)
}
