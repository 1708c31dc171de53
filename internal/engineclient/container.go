package engineclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// containerOf finds a running BuildKit among the containers of program, which
// is podman or docker.
func containerOf(program string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%s is not installed", program)
		}
		names, err := runningContainers(ctx, program)
		if err != nil {
			return "", err
		}
		for _, name := range names {
			if isBuildkitd(name) {
				return program + "-container://" + name, nil
			}
		}
		return "", errors.New("no container called buildkitd or buildx_buildkit_… is running")
	}
}

// isBuildkitd reports whether a container has the name of a BuildKit: one that
// buildx gives, or the usual one.
func isBuildkitd(name string) bool {
	return name == "buildkitd" || strings.HasPrefix(name, "buildx_buildkit_")
}

// runningContainers returns the names of the running containers.
func runningContainers(ctx context.Context, program string) ([]string, error) {
	within, cancel := context.WithTimeoutCause(ctx, AnswerTimeout, fmt.Errorf("%s ps: %w", program, timeoutError(AnswerTimeout)))
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(within, program, "ps", "--format", "{{.Names}}")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = AnswerTimeout / 10
	err := cmd.Run()
	switch {
	case within.Err() != nil:
		return nil, context.Cause(within)
	case err != nil:
		return nil, fmt.Errorf("%s ps: %w: %s", program, err, lastLine(stderr.String()))
	}
	return strings.Fields(stdout.String()), nil
}

// lastLine returns the last line of the output of a program: its error, which may
// follow warnings.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
