// Package imagetest runs checks in an image that has been built: all of them in one
// container, because starting one takes longer than most checks, but those that leave files
// behind in another one, so that the others find the image as it is.
//
// Package imagerule derives the checks from the manifests.
package imagetest

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/imagerule"
)

// The exit codes of timeout(1) for a command that took too long.
const (
	codeTimedOut = 124
	codeKilled   = 137
)

// script runs each of the checks in /checks, as many at a time as there are processors,
// and writes their results to /results. It always succeeds, even if checks fail: a
// script that fails has no results.
const script = `umask 022
cd /checks
limit="timeout -k 2 $BKT_LIMIT"
command -v timeout >/dev/null || limit=
export BKT_PACKAGES=/results/packages
if command -v rpm >/dev/null; then rpm -qa --qf '%{NAME}\n' >"$BKT_PACKAGES" || rm -f "$BKT_PACKAGES"; fi
run() {
	start=$(date +%s%N 2>/dev/null)
	(cd / && exec $limit sh -c "$(cat "/checks/$1")") </dev/null >"/results/all-$1" 2>&1
	code=$?
	tail -c 4000 "/results/all-$1" >"/results/$1"
	rm -f "/results/all-$1"
	echo "$1 $code $start $(date +%s%N 2>/dev/null)" >>/results/codes
}
workers=$(nproc 2>/dev/null || echo 1)
worker=0
while test $worker -lt $workers; do
	(
		turn=0
		for check in *; do
			if test $((turn % workers)) = $worker; then run "$check"; fi
			turn=$((turn + 1))
		done
	) &
	worker=$((worker + 1))
done
wait
rm -f "$BKT_PACKAGES"`

// Run runs checks in the inspected image, and ends each that takes longer than limit.
// Results are in the order of checks. An error says that checks could not be run.
func Run(ctx context.Context, in buildkit.Inspection, image gen.Image, checks []imagerule.Check, limit time.Duration) ([]Result, error) {
	results := make([]Result, len(checks))
	for i, c := range checks {
		results[i] = Result{Image: image, Check: c}
		if c.Label != "" {
			results[i].checkLabel(in.Labels)
		}
	}
	for _, leaves := range []bool{false, true} {
		files := map[string]string{}
		for i, c := range checks {
			if c.Label == "" && c.Leaves == leaves {
				files["/"+name(i)] = c.Command
			}
		}
		if len(files) == 0 {
			continue
		}
		if err := readResults(ctx, start(in, files, limit), results); err != nil {
			return results, err
		}
	}
	return results, checkComplete(results)
}

// start returns the results of the commands in files, which run in one container when they
// are read.
func start(in buildkit.Inspection, files map[string]string, limit time.Duration) *buildkit.Tree {
	env := map[string]string{"BKT_LIMIT": strconv.FormatFloat(limit.Seconds(), 'f', -1, 64), "BKT_TIME": strconv.FormatInt(time.Now().UnixNano(), 10)}
	for name, value := range in.Env {
		env[name] = value
	}
	_, mounts := in.Root.Run(buildkit.Command{
		Name:   fmt.Sprintf("[checks] %d of them", len(files)),
		Args:   []string{"/bin/sh", "-c", script},
		Env:    env,
		Mounts: map[string]*buildkit.Tree{"/checks": in.Root.Empty().With(files), "/results": in.Root.Empty().With(map[string]string{"/codes": ""})},
	})
	return mounts["/results"]
}

// name returns the name of the file of check i, which sorts as i does.
func name(i int) string { return fmt.Sprintf("%06d", i) }

// checkLabel compares a label of the image with the value that the check wants.
func (r *Result) checkLabel(labels map[string]string) {
	value, ok := labels[r.Label]
	switch {
	case !ok:
		r.fail(1, "the image has no such label")
	case value != r.Value:
		r.fail(1, fmt.Sprintf("it is %q, not %q", value, r.Value))
	default:
		r.Status = Passed
	}
}

// readResults adds the script's output to results.
func readResults(ctx context.Context, tree *buildkit.Tree, results []Result) error {
	codes, err := tree.ReadFile(ctx, "/codes")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(codes)) {
		i, o, err := parseOutcome(line, len(results))
		if err != nil {
			return err
		}
		var text []byte
		if o.status() == Failed {
			if text, err = tree.ReadFile(ctx, path.Join("/", name(i))); err != nil {
				return err
			}
		}
		results[i].record(o, strings.TrimSpace(string(text)))
	}
	return nil
}

// An outcome is a line of the script's results.
type outcome struct {
	code int
	took time.Duration
}

// parseOutcome parses a line: the name of the check, its exit code, and when it
// started and ended. It returns which of n checks it is about.
func parseOutcome(line string, n int) (i int, o outcome, err error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return 0, o, fmt.Errorf("cannot parse a result of the checks: %q", line)
	}
	i, errName := strconv.Atoi(fields[0])
	code, errCode := strconv.Atoi(fields[1])
	if errName != nil || errCode != nil || i < 0 || i >= n {
		return 0, o, fmt.Errorf("cannot parse a result of the checks: %q", line)
	}
	return i, outcome{code, took(fields[2:])}, nil
}

// status returns the meaning of the exit code.
func (o outcome) status() Status {
	switch o.code {
	case 0:
		return Passed
	case imagerule.NotApplicable:
		return Skipped
	}
	return Failed
}

// record adds a result. output is the output of a failed check.
func (r *Result) record(o outcome, output string) {
	r.Took, r.Code, r.Status = o.took, o.code, o.status()
	if r.Status == Failed {
		r.fail(o.code, output)
		r.TimedOut = o.code == codeTimedOut || o.code == codeKilled
	}
}

// checkComplete returns an error if a check has no result: the script did not finish.
func checkComplete(results []Result) error {
	for _, r := range results {
		if r.Status == "" {
			return fmt.Errorf("check %q has no result", r.Name)
		}
	}
	return nil
}

// took returns the time between two outputs of date; 0 if date knows no
// nanoseconds.
func took(times []string) time.Duration {
	if len(times) != 2 {
		return 0
	}
	start, errStart := strconv.ParseInt(times[0], 10, 64)
	end, errEnd := strconv.ParseInt(times[1], 10, 64)
	if errStart != nil || errEnd != nil {
		return 0
	}
	return time.Duration(end - start)
}
