package rehearse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
	"bkt/internal/printable"
)

// A runner runs the hooks of one container, and collects what that shows.
type runner struct {
	Options
	in        buildkit.Inspection
	env       map[string]string
	container string
	hooks     []*hook.Declared // that have not failed yet
	noNetwork bool             // a hook had none, in a new container
	found     []hook.Finding
	ignored   map[string]Ignored                 // by path
	blames    map[*run]map[string]*hook.Declared // by the first of the runs, see [runner.blame]
}

// result returns what is known.
func (r *runner) result() Result {
	var ignored []Ignored
	for _, name := range slices.Sorted(maps.Keys(r.ignored)) {
		ignored = append(ignored, r.ignored[name])
	}
	return Result{r.found, ignored}
}

// A run is one run of a hook, with the container before and after it.
type run struct {
	hook          *hook.Declared
	before, after container
}

// runsOf are the runs of hooks, one after the other.
type runsOf []run

func (r runsOf) before() container { return r[0].before }
func (r runsOf) after() container  { return r[len(r)-1].after }

// A stage is a run of all hooks.
type stage struct {
	name string
	rule rule // that a hook breaks if it fails
	copy bool // hooks can read the copy of a home

	skipped *hook.Declared // a hook that does not run; nil: all do
}

// Where a hook's script writes what is known about it.
const (
	resultDir  = "/bkt-hook"
	reasonFile = resultDir + "/reason"
)

// script runs a hook as distrobox does: as root, with the user's home, in a shell that
// exits at the first error and at an unset variable. It always succeeds, because the
// engine keeps no results of a command that fails. The first line of the result has the
// exit code, and the seconds that the hook took; the second one says why it cannot be run
// here; the output follows. It is also printed while the hook runs. It is read by its
// descriptor, because hooks can delete the file. The hook's background processes, which may
// keep the output open, end with it; what the hook itself has printed has been read long
// before, also on a busy machine. It starts few programs, because there are many hooks.
const script = `umask 0
: >` + reasonFile + `
umask 022
up=0
seconds() { read -r up idle </proc/uptime; up=${up%.*}; }
seconds
start=$up
took() { seconds; took=$((up - start)); }
limit=
if test -n "$BKT_LIMIT" && command -v timeout >/dev/null; then limit="timeout -k 2 $BKT_LIMIT"; fi
output=` + resultDir + `/output
pipe=` + resultDir + `/pipe
exec 3>>"$output" 4<"$output" 5<"$output"
hook() {
	(unset BKT_LIMIT; exec $limit /bin/sh -c 'set -o errexit; set -o nounset; hook=$BKT_HOOK; unset BKT_HOOK; eval $hook') </dev/null 2>&1 3>&- 4<&- 5<&-
}
if command -v tee >/dev/null && mkfifo "$pipe"; then
	tee -a /dev/fd/3 <"$pipe" &
	reader=$!
	hook >"$pipe"
	code=$?
	took
	(sleep 10; kill $reader) >/dev/null 2>&1 &
	wait $reader 2>/dev/null
else
	hook >&3
	code=$?
	took
	cat <&4
fi
reason=
if test -f ` + reasonFile + `; then IFS= read -r reason <` + reasonFile + `; fi
if test -e ` + resultDir + `/result || test -L ` + resultDir + `/result; then rm -rf ` + resultDir + `/result; fi
{
	echo "$code $took"
	printf '%s\n' "$reason"
	tail -c 1048576 <&5
} >` + resultDir + `/result
exit 0`

// An outcome is how a hook has ended.
type outcome struct {
	code   int
	took   time.Duration // to the second
	output string        // its end
	reason string        // why it cannot be run here, by a stand-in; empty: it can
}

// run runs the hooks in a container, each in what the one before has left. A hook that
// fails is a finding. Those after it do not run, as in distrobox; but those after a hook
// that cannot be run here do.
func (r *runner) run(ctx context.Context, c container, s stage) (runsOf, error) {
	var all runsOf
	skipped := s.skipped
	for i, h := range r.hooks {
		if c.incomplete && !h.Pre {
			c = r.complete(c)
		}
		after, o, err := r.runOne(ctx, c, s, i)
		if err != nil {
			return nil, err
		}
		switch failed := r.judge(s, h, o, skipped); {
		case failed == nil:
			all = append(all, run{h, c, after})
			c = after
		case failed.Verdict == hook.NotRun:
			r.found = append(r.found, *failed)
			skipped = cmp.Or(skipped, h)
		default:
			r.found = append(r.found, *failed)
			for _, later := range r.hooks[i+1:] {
				r.found = append(r.found, later.NotRunBecause("an earlier hook of the container fails in its "+s.name))
			}
			return all, nil
		}
	}
	return all, nil
}

// runOne runs a hook in a container.
func (r *runner) runOne(ctx context.Context, c container, s stage, i int) (container, outcome, error) {
	h := r.hooks[i]
	text := hook.Wrap(h.Hook)
	if h.Pre {
		text = hook.WrapPre(h.Run)
	}
	values := map[string]string{"BKT_HOOK": text, "BKT_LIMIT": ""}
	if r.Limit > 0 {
		values["BKT_LIMIT"] = strconv.FormatFloat(r.Limit.Seconds(), 'f', -1, 64)
	}
	root, mounts := c.root.Run(buildkit.Command{
		Name:    fmt.Sprintf("[%s] %s, %d of %d: %s", r.container, s.name, i+1, len(r.hooks), short(h.Title())),
		Args:    r.shell(script),
		Env:     r.with(values),
		Dir:     "/",
		Mounts:  map[string]*buildkit.Tree{homes: c.home, resultDir: c.root.Empty()},
		Offline: s.copy && r.Old.isOffline(),
	})
	o, err := readOutcome(ctx, mounts[resultDir])
	if code, ok := buildkit.ExitCode(err); ok && code != 0 {
		// A hook has left a container in which not even script can run.
		return c, outcome{code: code, output: "the container has no shell that works, or its shell was ended"}, nil
	}
	return container{root, mounts[homes], c.incomplete}, o, err
}

// readOutcome reads what script has written.
func readOutcome(ctx context.Context, results *buildkit.Tree) (o outcome, err error) {
	text, err := results.ReadFile(ctx, "result")
	if err != nil {
		return o, err
	}
	first, rest, _ := strings.Cut(string(text), "\n")
	reason, output, _ := strings.Cut(rest, "\n")
	code, took, _ := strings.Cut(first, " ")
	o.output, o.reason = output, strings.TrimSpace(reason)
	if o.code, err = strconv.Atoi(code); err != nil {
		return o, fmt.Errorf("cannot parse the result of a hook: %q", first)
	}
	if seconds, err := strconv.Atoi(took); err == nil { // without /proc, it is unknown
		o.took = time.Duration(seconds) * time.Second
	}
	return o, nil
}

// The exit codes of timeout(1) for a command that took too long. The one of BusyBox becomes
// the command, and ends with its signal.
var timedOut = []int{124, 128 + 15, 128 + 9}

// judge returns a finding if a hook has failed, or if its run shows nothing; otherwise nil.
// skipped is the first hook before it that has not run, or nil: without what that one does,
// the failure of another shows nothing.
func (r *runner) judge(s stage, h *hook.Declared, o outcome, skipped *hook.Declared) *hook.Finding {
	var f hook.Finding
	switch {
	case o.reason != "":
		f = h.NotRunBecause(o.reason)
	case lacksNetwork(o.output), o.code != 0 && r.isOffline(s) && downloads.MatchString(h.Run): // curl -s says nothing
		r.noNetwork = r.noNetwork || !s.copy
		f = r.unreached(s, h)
	case o.code == 0:
		return nil
	case skipped != nil:
		f = h.NotRunBecause(fmt.Sprintf("its %s ends with exit code %d, after a hook that was not run: %s", s.name, o.code, short(skipped.Title())))
	case slices.Contains(timedOut, o.code) && r.Limit > 0 && o.took >= r.Limit-time.Second:
		f = s.rule.At(h, 0, h.Run, fmt.Sprintf("its %s takes longer than %v", s.name, r.Limit))
		f.Fix = []string{"if it needs more time: run it again with --timeout"}
	default:
		f = r.failure(s, h, o)
	}
	f.Output = lastLines(o.output)
	return &f
}

// isOffline reports whether hooks have no network at all in a stage.
func (r *runner) isOffline(s stage) bool { return r.in.Offline || s.copy && r.Old.isOffline() }

// unreached returns the finding for a hook that had no network.
func (r *runner) unreached(s stage, h *hook.Declared) hook.Finding {
	if s.copy && r.Old.isOffline() {
		return h.NotRunBecause("no network in the old home, because hooks can read your files there", "if it needs a network: run it again with --network=default")
	}
	return h.NotRunBecause("no network", "run it again where it reaches its servers; --network and the proxies of the environment say how")
}

// dropUnproven removes the runs of hooks that seem to have passed, although they download
// something and there is no network.
func (r *runner) dropUnproven(all runsOf) runsOf {
	if !r.noNetwork && !r.in.Offline {
		return all
	}
	var proven runsOf
	for _, run := range all {
		if downloads.MatchString(run.hook.Run) {
			r.found = append(r.found, r.unreached(stage{}, run.hook))
			continue
		}
		proven = append(proven, run)
	}
	return proven
}

// downloads matches a command that downloads something, whose errors a hook can hide.
var downloads = regexp.MustCompile(`\b(curl|wget|git +(-C +\S+ +)?(clone|pull|fetch|ls-remote))\b`)

// mayNeedNetwork matches a command that may ask a server for something.
var mayNeedNetwork = regexp.MustCompile(`\b(curl|wget|git|install|update|upgrade|add|sync|refresh|get)\b`)

// noNetworkSigns are what programs print, in lower case, if they have no network.
var noNetworkSigns = []string{
	"could not resolve", "couldn't resolve", "unable to resolve host", "unable to resolve address", "name resolution", "name or service not known",
	"temporary failure resolving", "failed to lookup address", "no such host", "bad address", "eai_again", "enotfound", "enetunreach",
	"network is unreachable", "no route to host", "connection timed out",
	"unknownhostexception", "temporary error (try again later)", "dns: transient error", "server misbehaving", // of Java, apk, and Go
}

// lacksNetwork reports whether a program says that it has no network. sudo says so about
// the name of the machine, and goes on.
func lacksNetwork(output string) bool {
	for line := range strings.Lines(strings.ToLower(output)) {
		if !strings.HasPrefix(line, "sudo: ") && slices.ContainsFunc(noNetworkSigns, func(sign string) bool { return strings.Contains(line, sign) }) {
			return true
		}
	}
	return false
}

// failure returns the finding for a hook that ends with an exit code other than 0.
func (r *runner) failure(s stage, h *hook.Declared, o outcome) hook.Finding {
	reason := fmt.Sprintf("its %s ends with exit code %d", s.name, o.code)
	if o.code == 127 && strings.Contains(o.output, "sudo: ") && strings.Contains(o.output, "not found") {
		reason += "; the image has no sudo, which distrobox installs when it sets up a container"
	}
	if !s.copy {
		return s.rule.At(h, 0, h.Run, reason)
	}
	if r.Old.isOffline() {
		reason += "; it has no network there, because it can read your files"
	}
	lacks := r.Old.Copy.Named(h.Run)
	if len(lacks) > 0 {
		reason += "; the copy of the home lacks " + strings.Join(lacks, ", ")
	}
	return r.advise(s.rule.At(h, 0, h.Run, reason), lacks...)
}

// advise adds to a finding in the copy of a home how to give hooks what they lack there.
func (r *runner) advise(f hook.Finding, lacks ...string) hook.Finding {
	if r.Old.isOffline() {
		f.Fix = append(f.Fix, "if it needs a network: run it again with --network=default")
	}
	for _, name := range lacks {
		f.Fix = append(f.Fix, "if it needs ~/"+name+": run it again with --old-home-with="+name)
	}
	return f
}

// lastLines returns the last lines of an output that say something.
func lastLines(output string) []string {
	const most = 5
	var lines []string
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line[strings.LastIndex(strings.TrimRight(line, "\r\n"), "\r")+1:]); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-most):]
}

// short returns the beginning of a hook.
func short(run string) string {
	const longest = 50 // characters
	return printable.Cut(run, longest)
}
