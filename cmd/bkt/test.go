package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/hook/rehearse"
	"bkt/internal/host"
	"bkt/internal/imagerule"
	"bkt/internal/imagetest"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

type testCmd struct {
	Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox" help:"Which to test: system or toolbox (default: those that the repository has)."`

	sourceFlags `embed:""`
	Built       bool          `help:"Test the image that lies in build/IMAGE, and build none."`
	JUnit       string        `name:"junit" placeholder:"FILE" help:"Write the results to FILE, too, as JUnit XML."`
	Timeout     time.Duration `default:"1m" placeholder:"TIME" help:"End a check that takes longer than TIME (1m)."`
}

// Run builds the images and runs the checks that follow from the manifests in
// them. Nothing is kept of what is built.
func (c *testCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	recipes, err := c.options(a).Recipes(a, r, pipeline.Images(r, c.Images))
	if err != nil {
		return err
	}
	b, err := c.options(a).Builder(r)
	if err != nil {
		return err
	}
	var all []testResult
	var outdated []gen.Image
	for _, s := range recipes {
		results, old, err := c.image(ctx, a, r, b, s)
		if err != nil {
			return s.Blame(err)
		}
		all = append(all, results...)
		if old {
			outdated = append(outdated, s.Image)
		}
	}
	if c.JUnit != "" {
		if err := writeJUnit(ctx, c.JUnit, all); err != nil {
			return err
		}
	}
	return errors.Join(a.printTests(all, outdated), failures(all))
}

// A testResult is what came of a check of an image.
type testResult struct {
	imagetest.Result
	image gen.Image
}

// image builds an image and tests it. It reports whether the image is older than
// what it is built from, which one that was built before may be.
func (c *testCmd) image(ctx context.Context, a *app, r repo.Repo, b buildkit.Builder, s pipeline.Recipe) (all []testResult, outdated bool, err error) {
	derive := imagerule.SystemChecks
	if s.Image == gen.Toolbox {
		derive = imagerule.ToolboxChecks
	}
	checks, err := derive(r.FS())
	if err != nil {
		return nil, false, err
	}
	hooks, err := hooksOf(r, s.Image)
	if err != nil {
		return nil, false, err
	}
	outdated, err = c.look(ctx, a, r, b, s, func(ctx context.Context, l buildkit.Inspection) error {
		results, err := imagetest.Run(ctx, l, checks, c.Timeout)
		for _, one := range results {
			all = append(all, testResult{one, s.Image})
		}
		if err != nil || len(hooks) == 0 {
			return err
		}
		found, err := rehearseHooks(ctx, l, rehearse.None, hooks)
		all = append(all, asTests(hooks, found)...)
		return err
	})
	return all, outdated, err
}

// look builds an image, unless it is to be there, and looks into it.
func (c *testCmd) look(ctx context.Context, a *app, r repo.Repo, b buildkit.Builder, s pipeline.Recipe, look func(context.Context, buildkit.Inspection) error) (outdated bool, err error) {
	if c.Built {
		l, release, err := pipeline.BuiltImage(ctx, a, r, s.Image)
		if err != nil {
			return false, err
		}
		defer release()
		return pipeline.IsOutdated(ctx, a, r, s.Image, l), b.InspectLayout(ctx, l, s.Inspected(), a.Err, look)
	}
	spec, err := pipeline.Verify(ctx, s.Inspected())
	if err != nil {
		return false, err
	}
	return false, b.Inspect(ctx, spec, buildkit.ExtraMount{}, a.Err, look)
}

// asTests returns what a rehearsal of hooks, which are all of one container, has
// found as results of checks: one for each hook, and one more for what is of none
// that is known.
func asTests(hooks []boxHook, found []hookFinding) []testResult {
	byHook := map[manifest.Position][]hookFinding{}
	for _, f := range found {
		byHook[f.at] = append(byHook[f.at], f)
	}
	var all []testResult
	for _, h := range hooks {
		all = append(all, asTest("hook of "+h.container+": "+h.Run, h.At(0), append(h.lint(), byHook[h.At(0)]...)))
	}
	if unknown := byHook[manifest.Position{}]; len(unknown) > 0 {
		all = append(all, asTest("hooks of "+hooks[0].container+": it is not known which", manifest.Position{}, unknown))
	}
	return all
}

// asTest returns what was found of a hook as the result of a check.
func asTest(name string, at manifest.Position, found []hookFinding) testResult {
	t := testResult{image: gen.Toolbox}
	t.Name, t.Entry, t.Status = name, manifest.Entry{File: manifest.DistroboxPath, Position: at}, imagetest.Passed
	var lines []string
	for _, f := range found {
		lines = append(lines, fmt.Sprintf("%s: %s [%s]", f.Verdict, f.Reason, f.Rule), "instead: "+f.Use)
	}
	if len(lines) > 0 {
		t.Status, t.Output = imagetest.Failed, strings.Join(lines, "\n")
	}
	return t
}

// hooksOf returns the hooks to test with an image.
func hooksOf(r repo.Repo, k gen.Image) ([]boxHook, error) {
	if k != gen.Toolbox {
		return nil, nil
	}
	all, err := readHooks(r, nil)
	if err != nil {
		return nil, err
	}
	return toRehearse(r, all)
}

// failures returns an error if something has failed.
func failures(all []testResult) error {
	failed := 0
	for _, t := range all {
		if t.Status == imagetest.Failed {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return hint.Add(fmt.Errorf("%d of %d checks failed", failed, len(all)), "each says which entry of a manifest it follows from")
}

// testJSON is a result in the output of --json.
type testJSON struct {
	Image   gen.Image        `json:"image"`
	Name    string           `json:"name"`
	Status  imagetest.Status `json:"status"`
	At      string           `json:"at"` // what it follows from: file:line:column
	Command string           `json:"command,omitempty"`
	Code    int              `json:"code,omitempty"`
	Output  string           `json:"output,omitempty"`
	Seconds float64          `json:"seconds"`
}

// printTests prints a line for each result, and more of those that failed.
func (a *app) printTests(all []testResult, outdated []gen.Image) error {
	if a.JSON {
		results := []testJSON{}
		for _, t := range all {
			results = append(results, testJSON{t.image, t.Name, t.Status, t.Entry.String(), t.Command, t.Code, t.Output, t.Took.Seconds()})
		}
		return a.PrintJSON(struct {
			Version  int         `json:"version"`
			Checks   []testJSON  `json:"checks"`
			Outdated []gen.Image `json:"outdated,omitempty"` // images that are older than what they are built from
		}{1, results, outdated})
	}
	var out strings.Builder
	for _, t := range all {
		if t.Status == imagetest.Failed || !a.Quiet {
			a.writeTest(&out, t)
		}
	}
	_, err := a.Out.Write([]byte(out.String()))
	return err
}

func (a *app) writeTest(out *strings.Builder, t testResult) {
	switch t.Status {
	case imagetest.Passed:
		fmt.Fprintf(out, "%s %s: %s\n", a.Paint(a.Out, ui.Green, "ok  "), t.image, t.Name)
	case imagetest.Skipped:
		fmt.Fprintf(out, "%s %s: %s: does not apply\n", a.Paint(a.Out, ui.Yellow, "skip"), t.image, t.Name)
	case imagetest.Failed:
		fmt.Fprintf(out, "%s %s: %s\n", a.Paint(a.Out, ui.Red, "FAIL"), t.image, t.Name)
		for line := range strings.Lines(t.detail()) {
			out.WriteString("     " + strings.TrimRight(line, "\n") + "\n")
		}
	}
}

// detail says what a check that failed did, and where it comes from.
func (t testResult) detail() string {
	lines := []string{"from " + t.Entry.String()}
	if t.Command != "" {
		lines = append(lines, "$ "+t.Command)
	}
	if t.Output != "" {
		lines = append(lines, t.Output)
	}
	if t.Hung {
		lines = append(lines, fmt.Sprintf("ended after %v", t.Took.Round(time.Second)))
	}
	if t.Command != "" {
		lines = append(lines, fmt.Sprintf("exit code %d", t.Code))
	}
	return strings.Join(lines, "\n")
}

// asCase returns the result for JUnit XML.
func (t testResult) asCase() finding.Case {
	c := finding.Case{Suite: string(t.image), Name: t.Name, Took: t.Took}
	switch t.Status {
	case imagetest.Failed:
		c.Failure, c.Output = fmt.Sprintf("exit code %d", t.Code), t.detail()
	case imagetest.Skipped:
		c.Skipped = "does not apply"
	}
	return c
}

// writeJUnit writes a report, which replaces one of before.
func writeJUnit(ctx context.Context, name string, all []testResult) error {
	var cases []finding.Case
	for _, t := range all {
		cases = append(cases, t.asCase())
	}
	text, err := finding.ToJUnit(cases)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return patherr.Trim(err)
	}
	return host.Executor{}.Execute(ctx, plan.Rewrite(name, name, old, text), func(plan.Change, error) {})
}
