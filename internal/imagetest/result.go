package imagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/imagerule"
)

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped" // it does not apply to this image
)

// A Result is the outcome of a check, or of running a hook.
type Result struct {
	Image gen.Image
	imagerule.Check
	Status   Status
	Code     int           // exit code
	Output   string        // its last lines, if it failed
	Took     time.Duration // by the clock of the image; 0: unknown
	TimedOut bool
	Findings []finding.Finding // why it failed
}

// fail records that the check failed.
func (r *Result) fail(code int, output string) {
	r.Status, r.Code, r.Output = Failed, code, output
	r.Findings = []finding.Finding{{
		Rule: "check", Level: finding.Error, Place: r.Entry.Place(), Subject: string(r.Image), Message: fmt.Sprintf("exit code %d", code),
	}}
}

// FromHooks returns a result for each hook, all of one container, and one more
// for findings in unknown hooks if there are any.
func FromHooks(hooks []*hook.Declared, found []hook.Finding) []Result {
	byHook := map[*hook.Declared][]hook.Finding{}
	for _, f := range found {
		byHook[f.Hook] = append(byHook[f.Hook], f)
	}
	var all []Result
	for _, h := range hooks {
		all = append(all, fromHook("hook of "+h.Container+": "+h.Title(), h.Place(0), byHook[h]))
	}
	if unknown := byHook[nil]; len(unknown) > 0 {
		all = append(all, fromHook("an unknown hook of "+unknown[0].Container, unknown[0].Place, unknown))
	}
	return all
}

func fromHook(name string, at finding.Place, found []hook.Finding) Result {
	r := Result{Image: gen.Toolbox, Status: Passed}
	r.Name = name
	r.Entry.File, r.Entry.Position.Line, r.Entry.Column = at.File, at.Line, at.Column
	var lines []string
	for _, f := range found {
		if f.Level != finding.Error {
			continue // bkt hook check prints it
		}
		r.Status, r.Findings = Failed, append(r.Findings, f.Finding)
		lines = slices.Concat(lines, []string{f.Text()}, f.Details(), f.Fix)
	}
	r.Output = strings.Join(lines, "\n")
	return r
}

// Detail returns the command and the output of a failed check, and its manifest entry.
func (r Result) Detail() string {
	lines := []string{"from " + r.Entry.String()}
	if r.Command != "" {
		lines = append(lines, "$ "+shortened(r.Command))
	}
	if r.Output != "" {
		lines = append(lines, r.Output)
	}
	if r.TimedOut {
		lines = append(lines, fmt.Sprintf("timed out after %v", r.Took.Round(time.Second)))
	}
	if r.Command != "" {
		lines = append(lines, fmt.Sprintf("exit code %d", r.Code))
	}
	return strings.Join(lines, "\n")
}

// Case returns the result for JUnit XML.
func (r Result) Case() finding.Case {
	c := finding.Case{Suite: string(r.Image), Name: r.Name, Took: r.Took}
	switch r.Status {
	case Failed:
		c.Failure, c.Output = r.Findings[0].Message, r.Detail()
	case Skipped:
		c.Skipped = "does not apply"
	}
	return c
}

// Err returns an error if checks have failed.
func Err(all []Result) error {
	failed := 0
	for _, r := range all {
		if r.Status == Failed {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return hint.Add(fmt.Errorf("%d of %d checks failed", failed, len(all)), "each names the manifest entry that it follows from")
}

// maxShown is how many lines of a command are shown. The check of a folder has one for each
// of its files, and its output names those that differ.
const maxShown = 4

func shortened(command string) string {
	lines := strings.Split(strings.TrimSpace(command), "\n")
	if len(lines) <= 2*maxShown {
		return command
	}
	return fmt.Sprintf("%s\n… (%d more lines)", strings.Join(lines[:maxShown], "\n"), len(lines)-maxShown)
}
