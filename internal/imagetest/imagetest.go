// Package imagetest runs checks in an image that has been built: all of them in
// one container, as starting one takes longer than most checks do.
//
// Package imagerule says which checks.
package imagetest

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/imagerule"
)

// Status is what came of a check.
type Status string

// What can come of a check.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped" // it does not apply to this image
)

// A Result is what came of a check.
type Result struct {
	imagerule.Check
	Status Status
	Code   int           // exit code
	Output string        // its last lines, if it failed
	Took   time.Duration // as far as the image's clock can tell
	Hung   bool          // it was ended because it took too long
}

// The exit codes of timeout(1) for a command that it has ended.
const (
	codeEnded  = 124
	codeKilled = 137
)

// script runs each of the checks in /checks, as many at a time as there are
// processors, and writes what comes of it to /results. It ends well whatever
// they do, so that it always has results.
const script = `umask 022
cd /checks
limit="timeout -k 2 $BKT_LIMIT"
command -v timeout >/dev/null || limit=
export BKT_PACKAGES=/tmp/.bkt-packages
if command -v rpm >/dev/null; then rpm -qa --qf '%{NAME}\n' >"$BKT_PACKAGES" || rm -f "$BKT_PACKAGES"; fi
run() {
	start=$(date +%s%N 2>/dev/null)
	(cd / && exec $limit sh -c "$(cat "/checks/$1")") </dev/null >"/tmp/.bkt-$1" 2>&1
	code=$?
	tail -c 4000 "/tmp/.bkt-$1" >"/results/$1"
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
wait`

// Run runs checks in the image of l, and ends each that takes longer than limit.
func Run(ctx context.Context, l buildkit.Inspection, checks []imagerule.Check, limit time.Duration) ([]Result, error) {
	files := map[string]string{}
	for i, c := range checks {
		if c.Label == "" {
			files["/"+name(i)] = c.Command
		}
	}
	results := make([]Result, len(checks))
	for i, c := range checks {
		results[i] = Result{Check: c}
		if c.Label != "" {
			results[i].compare(l.Labels)
		}
	}
	if len(files) == 0 {
		return results, nil
	}
	env := map[string]string{"BKT_LIMIT": strconv.FormatFloat(limit.Seconds(), 'f', -1, 64), "BKT_TIME": strconv.FormatInt(time.Now().UnixNano(), 10)}
	for name, value := range l.Env {
		env[name] = value
	}
	_, mounts := l.Root.Run(buildkit.Command{
		Name:   fmt.Sprintf("[checks] %d of them", len(files)),
		Args:   []string{"/bin/sh", "-c", script},
		Env:    env,
		Mounts: map[string]*buildkit.Tree{"/checks": l.Root.Empty().With(files), "/results": l.Root.Empty().With(map[string]string{"/codes": ""})},
	})
	return results, read(ctx, mounts["/results"], results)
}

// name is the file of check i, in the order of the checks.
func name(i int) string { return fmt.Sprintf("%06d", i) }

// compare has a check of a label looked up.
func (r *Result) compare(labels map[string]string) {
	r.Status = Passed
	value, ok := labels[r.Label]
	switch {
	case !ok:
		r.Status, r.Code, r.Output = Failed, 1, "the image has no such label"
	case value != r.Value:
		r.Status, r.Code, r.Output = Failed, 1, fmt.Sprintf("it is %q, not %q", value, r.Value)
	}
}

// read fills in what the script has written.
func read(ctx context.Context, tree *buildkit.Tree, results []Result) error {
	codes, err := tree.ReadFile(ctx, "/codes")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(codes)) {
		fields := strings.Fields(line)
		i, err := strconv.Atoi(fields[0])
		if err != nil || i >= len(results) || len(fields) < 2 {
			return fmt.Errorf("the results of the checks: %q", line)
		}
		r := &results[i]
		if r.Code, err = strconv.Atoi(fields[1]); err != nil {
			return err
		}
		r.Took = took(fields[2:])
		r.judge()
		if r.Status == Failed {
			text, err := tree.ReadFile(ctx, path.Join("/", fields[0]))
			if err != nil {
				return err
			}
			r.Output = strings.TrimSpace(string(text))
		}
	}
	return complete(results)
}

// judge says what the exit code means.
func (r *Result) judge() {
	switch r.Code {
	case 0:
		r.Status = Passed
	case imagerule.NotApplicable:
		r.Status = Skipped
	default:
		r.Status = Failed
		r.Hung = r.Code == codeEnded || r.Code == codeKilled
	}
}

// complete returns an error if the script has not come to its end.
func complete(results []Result) error {
	for _, r := range results {
		if r.Status == "" {
			return fmt.Errorf("check %q has no result", r.Name)
		}
	}
	return nil
}

// took returns the time between two of date's, if it knows nanoseconds.
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
