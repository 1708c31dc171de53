package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/hook/lint"
	"bkt/internal/manifest"
	"bkt/internal/repo"
	"bkt/internal/strictjson"
	"bkt/internal/version"
)

// hookCmd are the commands on what boxes run when they start. The hook that git
// runs at a commit is installed by init.
type hookCmd struct {
	Check hookCheckCmd `cmd:"" help:"Look for what a hook must not do, as it runs at every start."`
}

type hookCheckCmd struct {
	Containers []string `arg:"" optional:"" name:"container" help:"Containers of manifests/distrobox.json (default: all)."`
	SARIF      bool     `name:"sarif" help:"Print what is found in the format of code scanners."`

	ToRun       bool   `name:"run" help:"Run the hooks in the toolbox image, too: once and again must be the same."`
	OldHome     string `placeholder:"OLD" help:"With --run: a home like the folder OLD, or one that the hooks have made in the image oci-layout://DIR, must come out like a fresh one."`
	sourceFlags `embed:""`
}

// Run says which hooks break which rules.
func (c *hookCheckCmd) Run(ctx context.Context, a *app) error {
	r, err := repo.Find(".")
	if err != nil {
		return err
	}
	hooks, err := readHooks(r, c.Containers)
	if err != nil {
		return err
	}
	var found []hookFinding
	for _, h := range hooks {
		found = append(found, h.lint()...)
	}
	if c.ToRun {
		ran, err := c.rehearse(ctx, a, r, hooks)
		if err != nil {
			return err
		}
		found = append(found, ran...)
	}
	return c.report(a, len(hooks), found)
}

// A boxHook is a hook of a container.
type boxHook struct {
	manifest.PlacedHook
	container string
}

// readHooks returns the hooks of the containers that the user has named, or of all.
func readHooks(r repo.Repo, containers []string) ([]boxHook, error) {
	boxes, err := manifest.Read[manifest.Boxes](r.FS(), manifest.DistroboxPath)
	if err != nil {
		return nil, err
	}
	known := slices.Sorted(maps.Keys(boxes.Content.Containers))
	if len(containers) == 0 {
		containers = known
	}
	var hooks []boxHook
	for i, name := range containers {
		if !slices.Contains(known, name) {
			return nil, noContainer(name, known)
		}
		if slices.Contains(containers[:i], name) {
			continue
		}
		for _, h := range boxes.Content.Hooks(name, boxes.Source) {
			hooks = append(hooks, boxHook{h, name})
		}
	}
	return hooks, nil
}

func noContainer(name string, known []string) error {
	err := fmt.Errorf("%s has no container %q", manifest.DistroboxPath, name)
	if near, ok := strictjson.Nearest(name, known); ok {
		err = fmt.Errorf("%w (did you mean %q?)", err, near)
	}
	return err
}

// A hookFinding is something that is wrong with a hook.
type hookFinding struct {
	lint.Finding
	container string
	at        manifest.Position // of the hook, or in it; zero: it is not known which hook it is
}

func (h boxHook) lint() []hookFinding {
	var all []hookFinding
	for _, f := range lint.Check(h.Hook) {
		all = append(all, hookFinding{f, h.container, h.At(f.Offset)})
	}
	return all
}

// err returns the finding as an error, with the command that it is about.
func (f hookFinding) err() error {
	finding := finding.Finding{
		Rule: "hook/" + f.Rule, Level: finding.Error, Place: finding.Place{File: manifest.DistroboxPath, Line: f.at.Line, Column: f.at.Column},
		Subject: f.container, Message: fmt.Sprintf("%s: %s", f.Verdict, f.Reason),
	}
	if f.ofNoHook() {
		finding.Message = fmt.Sprintf("a hook of %s, and it is not known which: %s", f.container, finding.Message)
		return hint.Add(fmt.Errorf("%w [%s]", finding, f.Rule), "instead: %s", f.Use)
	}
	return hint.Add(fmt.Errorf("%w [%s]\n    %s", finding, f.Rule, f.Source), "instead: %s", f.Use)
}

// ofNoHook reports whether it is not known which hook the finding is about.
func (f hookFinding) ofNoHook() bool { return f.at == manifest.Position{} }

// hookFindingJSON is a finding in the output of --json.
type hookFindingJSON struct {
	finding.Finding
	Container string       `json:"container"`
	Verdict   hook.Verdict `json:"verdict"`
	Source    string       `json:"source"` // the command
}

// report prints what has been found in so many hooks. Anything is an error.
func (c *hookCheckCmd) report(a *app, hooks int, found []hookFinding) error {
	var errs []error
	for _, f := range found {
		errs = append(errs, f.err())
	}
	return errors.Join(append([]error{c.print(a, hooks, found, finding.From(finding.Error, errs...))}, errs...)...)
}

func (c *hookCheckCmd) print(a *app, hooks int, found []hookFinding, findings []finding.Finding) error {
	switch {
	case c.SARIF:
		return a.PrintJSON(finding.ToSARIF(version.String(), findings))
	case a.JSON:
		detailed := []hookFindingJSON{}
		for i, f := range found {
			detailed = append(detailed, hookFindingJSON{findings[i], f.container, f.Verdict, f.Source})
		}
		return a.PrintJSON(struct {
			Version  int               `json:"version"`
			Hooks    int               `json:"hooks"` // that were looked at
			Findings []hookFindingJSON `json:"findings"`
		}{1, hooks, detailed})
	case a.Quiet:
		return nil
	}
	_, err := fmt.Fprintf(a.Out, "hooks checked: %d, problems: %d\n", hooks, len(found))
	return err
}
