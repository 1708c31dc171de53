package buildkit

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/hint"

	"github.com/moby/buildkit/client"
)

// unrunnable is what the kernel says of a program for another kind of machine.
const unrunnable = "exec format error"

// foreignError is that of a build in which there was such a program.
type foreignError struct{ error }

func (e foreignError) Unwrap() error { return e.error }

// isUnrunnable says whether a step tells of such a program. The engine does not
// tell it from others that end with 1.
func isUnrunnable(s *client.SolveStatus) bool {
	return slices.ContainsFunc(s.Logs, func(l *client.VertexLog) bool { return bytes.Contains(l.Data, []byte(unrunnable)) })
}

// ofPlatform says which platform the engine cannot run, if that is why the
// build of s failed.
func ofPlatform(s buildspec.Spec, err error) error {
	own := "linux/" + runtime.GOARCH
	others := slices.DeleteFunc(slices.Clone(s.Platforms), func(p string) bool { return p == own })
	if _, foreign := errors.AsType[foreignError](err); !foreign || len(others) == 0 {
		return err
	}
	what := "the engine cannot run programs for " + strings.Join(others, ", ")
	if step, ok := errors.AsType[*buildspec.StepError](err); ok {
		step.ExitCode, step.Message, step.Err = 0, "", fmt.Errorf("%s: %s", step.Step, what)
	} else {
		err = fmt.Errorf("%s: %s", s.Containerfile, what)
	}
	err = hint.Add(err, "\"bkt build --platform %s\" builds for this machine alone", own)
	return hint.Add(err, "name an engine that can, as in --engine %s=ADDRESS, or install qemu-user-static where the engine is", others[0])
}
