package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/imagetest"
	"bkt/internal/pipeline"
	"bkt/internal/ui"
)

type testCmd struct {
	Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox" help:"Images to test: system or toolbox (default: those that the repository has)."`

	sourceFlags `embed:""`
	Built       bool           `help:"Test the image in build/IMAGE instead of building one."`
	JUnit       string         `name:"junit" placeholder:"FILE" help:"Also write the results to FILE, as JUnit XML."`
	Timeout     *time.Duration `placeholder:"TIME" help:"Time limit for each check, and for each run of a hook (default: 1m for a check, 5m for a hook)."`
}

// Run builds the images and runs the checks that follow from the manifests in
// them. It keeps nothing of what it builds.
func (c *testCmd) Run(ctx context.Context, a *app) error {
	r, err := a.images()
	if err != nil {
		return err
	}
	a.noteRepo(r, !a.Verbose)
	o := pipeline.TestOptions{Options: c.options(a), Built: c.Built, Timeout: time.Minute, Limit: pipeline.HookLimit}
	if c.Timeout != nil {
		o.Timeout, o.Limit = *c.Timeout, max(*c.Timeout, 0)
	}
	recipes, err := o.Recipes(a, r, pipeline.Images(r, c.Images))
	if err != nil {
		return err
	}
	b, err := o.Builder(r)
	if err != nil {
		return err
	}
	var all []imagetest.Result
	var outdated []gen.Image
	for _, s := range recipes {
		results, isOld, err := o.Test(ctx, a, r, b, s)
		if err != nil {
			return s.Blame(err)
		}
		all = append(all, results...)
		if isOld {
			outdated = append(outdated, s.Image)
		}
	}
	if c.JUnit != "" {
		if err := pipeline.WriteJUnit(ctx, r, c.JUnit, all); err != nil {
			return err
		}
	}
	return errors.Join(a.printTests(all, outdated), imagetest.Err(all))
}

// testsJSON is the output of --json.
type testsJSON struct {
	Version  int           `json:"version"`
	Checks   []testJSON    `json:"checks"`
	Outdated []gen.Image   `json:"outdated,omitempty"` // images that are older than their inputs
	Warnings []warningJSON `json:"warnings,omitempty"`
}

// testJSON is a result in the output of --json.
type testJSON struct {
	Image   gen.Image        `json:"image"`
	Name    string           `json:"name"`
	Status  imagetest.Status `json:"status"`
	At      string           `json:"at"` // the entry that it follows from: file:line:column
	Command string           `json:"command,omitempty"`
	Code    int              `json:"code,omitempty"`
	Output  string           `json:"output,omitempty"`
	Seconds float64          `json:"seconds"`
}

// printTests prints a line for each result, and more for those that failed.
func (a *app) printTests(all []imagetest.Result, outdated []gen.Image) error {
	results := []testJSON{}
	var text strings.Builder
	for _, t := range all {
		results = append(results, testJSON{t.Image, t.Name, t.Status, t.Entry.String(), t.Command, t.Code, t.Output, t.Took.Seconds()})
		if t.Status == imagetest.Failed || !a.Quiet {
			a.writeTest(&text, t)
		}
	}
	return a.PrintResult(testsJSON{1, results, outdated, a.warnings}, text.String())
}

func (a *app) writeTest(out *strings.Builder, t imagetest.Result) {
	switch t.Status {
	case imagetest.Passed:
		fmt.Fprintf(out, "%s %s: %s\n", a.Paint(a.Out, ui.Green, "ok  "), t.Image, t.Name)
	case imagetest.Skipped:
		fmt.Fprintf(out, "%s %s: %s: does not apply\n", a.Paint(a.Out, ui.Yellow, "skip"), t.Image, t.Name)
	case imagetest.Failed:
		fmt.Fprintf(out, "%s %s: %s\n", a.Paint(a.Out, ui.Red, "FAIL"), t.Image, t.Name)
		for line := range strings.Lines(t.Detail()) {
			out.WriteString("     " + strings.TrimRight(line, "\n") + "\n")
		}
	}
}
