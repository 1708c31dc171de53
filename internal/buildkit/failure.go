package buildkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/crash"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/stepfailure"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/progress/progressui"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// explain turns the error of a build of file into one for users.
func (b Builder) explain(ctx context.Context, c *client.Client, file string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, bug := errors.AsType[*crash.Error](err); bug {
		return err
	}
	if sources := errdefs.Sources(err); len(sources) > 0 {
		return b.explainStep(ctx, buildspec.NewStepError(file, sources[len(sources)-1], err))
	}
	if !engineclient.Answers(ctx, c) {
		err = errors.New("the engine stopped during the build")
		if b.Config.Address != engineclient.Own {
			return hint.Add(err, "check whether %s is still running", b.Config.Address)
		}
		return hint.Add(err, "run the command again; %s may say why", contract.LogFile(b.Config.Root))
	}
	plain := errors.New(engineclient.Message(err))
	loud, _ := errors.AsType[loudError](err)
	if t := b.trouble(ctx, plain.Error(), loud.output); t != nil {
		return t
	}
	if _, ok := errors.AsType[platformError](err); ok {
		return platformError{plain}
	}
	return plain
}

// explainStep turns the error of a step into one for users.
func (b Builder) explainStep(ctx context.Context, step *buildspec.StepError) error {
	step.Message = engineclient.Message(step.Err)
	if loud, ok := errors.AsType[loudError](step.Err); ok && step.ExitCode != 0 {
		step.Output = loud.output
		step.Known = stepfailure.Near(stepfailure.Unmatched(step.Output), b.packages.get())
	}
	if b.isSilent() {
		step.Tail = stepfailure.Tail(step.Output)
	}
	t := b.trouble(ctx, step.Message, step.Output)
	switch _, broken := t.(brokenRecordError); {
	case t == nil:
		return advise(step)
	case broken:
		return brokenRecordError{step.Error()}
	}
	what := t.Error()
	if step.ExitCode != 0 {
		what = step.Step + ": " + what
	}
	step.ExitCode, step.Message, step.Explained = 0, what, true
	return hint.Copy(step, t)
}

// isSilent reports whether the progress does not show the output of a step that fails.
func (b Builder) isSilent() bool {
	mode := progressui.DisplayMode(b.Progress)
	return mode == progressui.QuietMode || mode == progressui.RawJSONMode
}

// advise adds a hint to the error of an image that cannot be read from a registry.
func advise(e *buildspec.StepError) error {
	text := e.Err.Error()
	asked := strings.Contains(text, "failed to resolve source metadata") || strings.Contains(text, "failed to do request")
	switch {
	case e.ExitCode != 0 || !asked:
		return e
	case isUnreachable(text):
		return hint.Add(e, "check the name of the registry and the network; or read the image from a folder with --build-context NAME=oci-layout://DIR")
	case isGone(text):
		return e
	}
	return hint.Add(e, "if the image is private, log in with \"podman login\"; or read it from a folder with --build-context NAME=oci-layout://DIR")
}

// isUnreachable reports whether an error says that no server answers.
func isUnreachable(text string) bool {
	for _, sign := range []string{"no such host", "server misbehaving", "connection refused", "network is unreachable", "no route to host", "i/o timeout", "connection reset", "TLS handshake timeout", "name resolution"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// isGone reports whether an error says that a registry does not have the digest of an
// image.
func isGone(text string) bool {
	return strings.Contains(text, "@sha256:") && strings.HasSuffix(text, ": not found")
}

// IsGone reports whether a step failed because a registry does not have the image of its
// digest, any more.
func IsGone(e *buildspec.StepError) bool { return e.ExitCode == 0 && isGone(e.Err.Error()) }

// withCause adds the folder or the platform to err, of a build of s, where the
// engine cannot know it.
func (b Builder) withCause(s buildspec.Spec, err error) error {
	err = withPlatform(s, err)
	for _, l := range s.Images {
		if isDamaged(l, err.Error()) {
			return fmt.Errorf("%s: it has a damaged blob: %w", l.Dir, err)
		}
	}
	root, errRoot := filepath.Abs(s.Context)
	if errRoot != nil {
		return err
	}
	for _, folder := range b.Exclude {
		rel, errRel := filepath.Rel(buildspec.Resolve(root), buildspec.Resolve(folder))
		if errRel == nil && strings.Contains(err.Error(), `"/`+rel+`/`) && strings.HasSuffix(err.Error(), ": not found") {
			return hint.Add(err, "a build cannot COPY from %s", rel)
		}
	}
	return err
}

// isDamaged reports whether text is about a blob of l that does not match its
// digest.
func isDamaged(l ocilayout.Image, text string) bool {
	_, rest, found := strings.Cut(text, "unexpected commit digest ")
	_, rest, expected := strings.Cut(rest, "expected sha256:")
	name, _, _ := strings.Cut(rest, ":")
	_, err := os.Stat(filepath.Join(l.Dir, ocispec.ImageBlobsDir, "sha256", name))
	return found && expected && err == nil
}
