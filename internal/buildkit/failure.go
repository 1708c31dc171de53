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

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// explain turns the error of a build of file into one for users.
func explain(ctx context.Context, c *client.Client, cfg engineclient.Config, file string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, bug := errors.AsType[*crash.Error](err); bug {
		return err
	}
	if sources := errdefs.Sources(err); len(sources) > 0 {
		step := buildspec.NewStepError(file, sources[len(sources)-1], err)
		step.Message = engineclient.Message(err)
		return advise(step)
	}
	if !engineclient.Answers(ctx, c) {
		err = errors.New("the engine stopped during the build")
		if cfg.Address != engineclient.Own {
			return hint.Add(err, "check whether %s is still running", cfg.Address)
		}
		return hint.Add(err, "run the command again; %s may say why", contract.LogFile(cfg.Root))
	}
	plain := errors.New(engineclient.Message(err))
	if _, ok := errors.AsType[platformError](err); ok {
		return platformError{plain}
	}
	return plain
}

// advise adds a hint to the error of an image that cannot be read from a registry.
func advise(e *buildspec.StepError) error {
	text := e.Err.Error()
	asked := strings.Contains(text, "failed to resolve source metadata") || strings.Contains(text, "failed to do request")
	if e.ExitCode != 0 || !asked {
		return e
	}
	return hint.Add(e, "if the image is private, log in with \"podman login\"; or read it from a folder with --build-context NAME=oci-layout://DIR")
}

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
