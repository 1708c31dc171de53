// Package doctor checks this machine and the repository for problems, and plans
// how to fix them. A check that cannot read what it needs reports that it could not
// look, and never that there is no problem. The package changes and prints nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"

	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/workspace"
)

// A Problem is a finding about this machine or the repository.
type Problem struct {
	finding.Finding // its subject is the name of the check

	Plan       plan.Plan // fixes the problem without data loss; nil: only the user can
	NotChecked bool      // the check could not look, and the finding is the reason
}

// A Target is the machine and the repository to check.
type Target struct {
	live.System // outside of a repository, Repo.Root is ""

	RepositoryErr error          // why there is no usable repository
	Elsewhere     error          // why this is not the user's system; nil: it is
	Domains       []*live.Domain // none if they cannot be read here

	States map[string]StateCheck          // of other packages, by the patterns of their files in bkt's folder for state
	Units  func() ([]OtherProblem, error) // checks the units of auto-capture
}

// An OtherProblem is a problem that another package has found.
type OtherProblem struct {
	Err error
	Fix plan.Plan // nil: only the user can
}

// FindTarget reads the repository that has the current folder, if there is one, and the
// running system, if it is the user's own desktop. elsewhere is a further reason why it is
// not; nil: none. links are those of [repo.Repo].
func FindTarget(ctx context.Context, links repo.Links, elsewhere error) (*Target, error) {
	t := &Target{Elsewhere: errors.Join(workspace.CheckDesktop(), elsewhere)}
	t.System, t.RepositoryErr = live.Find(links)
	var err error
	switch {
	case t.Repo.Root == "":
		t.Folders, err = workspace.FindFolders()
	case t.Elsewhere == nil:
		t.Domains, err = t.Look(ctx, nil)
	}
	return t, err
}

// errNoRepository is the error of a check that needs a repository outside of one.
var errNoRepository = errors.New("not in a repository")

// A check looks for problems of one kind. An error means that it could not look at
// something; the problems returned with it are those that it found anyway.
type check struct {
	name string
	look func(context.Context, *Target) ([]Problem, error)
}

// checks returns all checks, in the order in which their problems are fixed.
func checks() []check {
	return []check{
		{"place", inContainer},                // where bkt runs
		{"host", sharedName},                  //
		{"repository", unreadableRepository},  // files that bkt reads
		{"manifests", brokenManifests},        //
		{"schemas", outdatedSchemas},          //
		{"ignored", uselessPatterns},          //
		{"context", unreadIgnore},             // files that builds read
		{"git", missingPreCommit},             // the means that keep sections up to date
		{"merge", missingMergeDriver},         // the means that keep manifests valid in a merge
		{"hooks", missingPrograms},            // programs that other files name
		{"units", brokenUnits},                //
		{"domains", unavailableDomains},       // requirements that the system lacks
		{"flatpak", undeclaredRemotes},        //
		{"path", shadowedExports},             // exports of containers
		{"exports", strayWrappers},            //
		{"engine", staleSocket},               // leftovers of bkt
		{"leftovers", leftovers},              //
		{"state", damagedStates},              //
		{"base", statesOfMissingRepositories}, //
	}
}

// Examine returns all problems, in the order of the checks. The error is that of ctx.
func Examine(ctx context.Context, t *Target) ([]Problem, error) {
	var all []Problem
	for _, c := range checks() {
		found, err := c.look(ctx, t)
		if err != nil && !errors.Is(err, errNoRepository) {
			found = append(found, notChecked(err)...)
		}
		for _, p := range found {
			p.Rule, p.Subject = "doctor/"+c.name, c.name
			all = append(all, p)
		}
	}
	return all, context.Cause(ctx)
}

// notChecked returns a problem for each reason why a check could not look.
func notChecked(err error) []Problem {
	var all []Problem
	for _, e := range hint.Split(err) {
		found := finding.From(finding.Warning, fmt.Errorf("not checked: %w", e))
		all = append(all, Problem{Finding: found[0], NotChecked: true})
	}
	return all
}

// unfixable returns a problem for each of joined errors, none of which bkt can fix.
func unfixable(err error) []Problem {
	var all []Problem
	for _, f := range finding.From(finding.Error, hint.Split(err)...) {
		all = append(all, Problem{Finding: f})
	}
	return all
}

// note returns something to know that is no problem.
func note(err error) Problem {
	return Problem{Finding: finding.From(finding.Note, err)[0]}
}

// IsNote reports whether this is no problem, but only something to know.
func (p Problem) IsNote() bool { return p.Level == finding.Note }

// fixable returns a problem that a plan fixes.
func fixable(err error, fix plan.Plan) Problem {
	found := finding.From(finding.Error, hint.Add(err, `run "bkt doctor --fix"`))
	return Problem{Finding: found[0], Plan: fix}
}

// removal plans to delete a file or folder.
func removal(path string) plan.Plan {
	return plan.Plan{{Op: plan.Remove, Targets: []string{path}, Steps: []plan.Step{plan.Delete{Path: path}}}}
}
