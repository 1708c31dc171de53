package engineclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// containerOf finds a running BuildKit among the containers of podman or docker,
// which one quick process of theirs lists.
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
		return "", errors.New("no container named buildkitd or buildx_buildkit_… runs")
	}
}

// isBuildkitd says whether a container's name is that of a BuildKit: one of
// those that buildx makes, or the one by which people call theirs.
func isBuildkitd(name string) bool {
	return name == "buildkitd" || strings.HasPrefix(name, "buildx_buildkit_")
}

// runningContainers returns the names of the containers that run.
func runningContainers(ctx context.Context, program string) ([]string, error) {
	most := AnswerTimeout
	within, cancel := context.WithTimeoutCause(ctx, most, fmt.Errorf("%s ps: %w", program, timeoutError(most)))
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(within, program, "ps", "--format", "{{.Names}}")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = most / 10
	err := cmd.Run()
	switch {
	case within.Err() != nil:
		return nil, context.Cause(within)
	case err != nil:
		return nil, fmt.Errorf("%s ps: %w: %s", program, err, lastLine(stderr.String()))
	}
	return strings.Fields(stdout.String()), nil
}

// lastLine returns the last line of what a program has said: its error, which
// warnings may stand before.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
