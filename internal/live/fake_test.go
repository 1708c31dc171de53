package live

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"bkt/internal/domains"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/workspace"
)

// A fakeComparison has the differences of a test.
type fakeComparison struct {
	reconcile.Comparison
	differences    []reconcile.Difference
	hidden         []string
	hiddenDeclared []string
	unread         []reconcile.Unread
	leftOut        []reconcile.LeftOut
	total          int
	change         plan.Plan // of Apply
	removal        plan.Plan
	base           string // that Base returns, with the keys that it receives
}

func (c fakeComparison) Differences() []reconcile.Difference         { return c.differences }
func (c fakeComparison) Unread() []reconcile.Unread                  { return c.unread }
func (c fakeComparison) HiddenDeclared() []string                    { return c.hiddenDeclared }
func (c fakeComparison) LeftOut() []reconcile.LeftOut                { return c.leftOut }
func (c fakeComparison) Hidden() []string                            { return c.hidden }
func (c fakeComparison) Total() int                                  { return c.total }
func (c fakeComparison) Notes() []string                             { return nil }
func (c fakeComparison) Apply([]string, bool) (change, rm plan.Plan) { return c.change, c.removal }
func (c fakeComparison) Capture(*reconcile.Edits, []string) error    { return nil }

func (c fakeComparison) Base(captured, merged []string) ([]byte, bool, error) {
	text := c.base + " captured " + strings.Join(captured, " ") + " merged " + strings.Join(merged, " ") + "\n"
	return []byte(text), c.base != "", nil
}

// A fakeReconciler is a domain that is compared with a result of the test.
type fakeReconciler struct {
	name string
	now  reconcile.Comparison
	err  error
}

func (r fakeReconciler) Name() string                             { return r.name }
func (r fakeReconciler) Declares(fs.FS, string) (bool, error)     { return false, nil }
func (r fakeReconciler) Declared(fs.FS, string) ([]string, error) { return nil, nil }
func (r fakeReconciler) CheckBase(string, []byte) error           { return nil }
func (r fakeReconciler) Compare(context.Context, reconcile.Input) (reconcile.Comparison, error) {
	return r.now, r.err
}

// fakeDomain returns a domain that has read c; now is what it reads later.
func fakeDomain(name string, c fakeComparison, now reconcile.Comparison) *Domain {
	return &Domain{Reconciler: fakeReconciler{name: name, now: now}, Comparison: c}
}

// fakeSystem returns a system in temporary folders.
func fakeSystem(t *testing.T) System {
	return System{Cache: &domains.Cache{}, Workspace: workspace.Workspace{
		Repo:    repo.Repo{Root: t.TempDir()},
		Folders: workspace.Folders{State: t.TempDir()},
		Host:    "here",
	}}
}

func differ(key string, c reconcile.Case, base, live, manifest string) reconcile.Difference {
	value := func(text string) []byte {
		if text == "" {
			return nil
		}
		return []byte(text)
	}
	return reconcile.Difference{Key: key, Case: c, Base: value(base), Live: value(live), Manifest: value(manifest)}
}
