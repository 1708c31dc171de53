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

// execFormat is the kernel's error for a program for another platform.
const execFormat = "exec format error"

// A platformError is the error of a build that ran such a program.
type platformError struct{ error }

func (e platformError) Unwrap() error { return e.error }

// isUnrunnable reports whether the output of a step is about such a program. The engine
// only knows that it exited with status 1.
func isUnrunnable(s *client.SolveStatus) bool {
	return slices.ContainsFunc(s.Logs, func(l *client.VertexLog) bool { return bytes.Contains(l.Data, []byte(execFormat)) })
}

// withPlatform names the platform that the engine cannot run, if that is why
// the build of s failed.
func withPlatform(s buildspec.Spec, err error) error {
	own := "linux/" + runtime.GOARCH
	others := slices.DeleteFunc(slices.Clone(s.Platforms), func(p string) bool { return p == own })
	if _, ok := errors.AsType[platformError](err); !ok || len(others) == 0 {
		return err
	}
	what := "the engine cannot run programs for " + strings.Join(others, ", ")
	if step, ok := errors.AsType[*buildspec.StepError](err); ok {
		step.ExitCode, step.Message, step.Err = 0, "", fmt.Errorf("%s: %s", step.Step, what)
	} else {
		err = fmt.Errorf("%s: %s", s.Containerfile, what)
	}
	err = hint.Add(err, "\"bkt build --platform %s\" builds for this machine alone", own)
	return hint.Add(err, "name an engine that can with --engine %s=ADDRESS, or install qemu-user-static where the engine runs", others[0])
}
