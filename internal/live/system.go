// Package live reconciles the running system with the manifests: it looks at the
// domains, decides what happens to each difference, plans, executes, verifies, and
// saves the last known state. It prints nothing and asks nothing: callers do that
// between the steps.
//
//	s, err := live.FindDesktop(nil)
//	domains, err := s.Look(ctx, nil)
//	items := live.Items(domains, live.DecideCapture(live.NoSide))
//	p, err := s.PlanCapture(items)
//	err = live.ExecuteCapture(ctx, p, items)
//	err = s.SaveBases(ctx, domains, items)
package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"bkt/internal/crash"
	"bkt/internal/domains"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/strictjson"
	"bkt/internal/workspace"
	"bkt/packaging"
)

// domainTimeout limits how long one domain may take to answer.
const domainTimeout = 30 * time.Second

// ownUnits is a pattern that is always ignored: each computer chooses for itself
// which repositories auto-capture serves.
const ownUnits = "services:user/" + packaging.Prefix + "*"

// A System is a workspace with what reconciling it needs.
type System struct {
	workspace.Workspace
	Cache   *domains.Cache
	ignored map[string]reconcile.Ignore // by name of the domain
}

// Find returns the system of the repository that has the current folder. If only its
// ignore file is wrong, the System is valid apart from that. links are those of [repo.Repo].
func Find(links repo.Links) (System, error) { return newSystem(workspace.Find(links)) }

// FindDesktop is [Find] for commands about the user's own desktop. It fails if bkt
// runs as root for another user.
func FindDesktop(links repo.Links) (System, error) { return newSystem(workspace.FindDesktop(links)) }

func newSystem(w workspace.Workspace, err error) (System, error) {
	if err != nil {
		return System{}, err
	}
	s := System{Workspace: w, Cache: &domains.Cache{}}
	text, err := fs.ReadFile(w.Repo.FS(), workspace.IgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, patherr.TrimOp(err)
	}
	s.ignored, err = reconcile.ParseIgnore(workspace.IgnoreFile, text, s.DomainNames(), ownUnits)
	return s, err
}

func (s System) reconcilers() []reconcile.Reconciler {
	return domains.All(s.Folders, s.Repo.FS(), s.Cache)
}

// DomainNames returns the names of all domains, in the order in which they are applied.
func (s System) DomainNames() []string {
	var names []string
	for _, r := range s.reconcilers() {
		names = append(names, r.Name())
	}
	return names
}

// A Domain is a domain as Look found it.
type Domain struct {
	reconcile.Reconciler
	Comparison reconcile.Comparison // nil if Err is set
	Err        error
	Needed     bool // the user asked for it, or the manifests declare something in it

	LostBase bool // its last known state was damaged, and moved away

	only *reconcile.Ignore // the keys of the items that the user asked for; nil: all

	basePath string
	base     []byte // content of basePath; nil if it does not exist
}

// Look compares system and manifests in the domains that asked names, or in all,
// concurrently. asked is as for choose. The error of a domain is in its Err; Look itself
// fails only for a name or a key that does not exist, or if ctx ends.
func (s System) Look(ctx context.Context, asked []string) ([]*Domain, error) {
	chosen, err := s.choose(asked)
	if err != nil {
		return nil, err
	}
	found, err := s.lookAtAll(ctx, chosen, func(int) bool { return len(asked) > 0 })
	if err != nil {
		return found, err
	}
	return found, checkKeys(found, asked)
}

// LookAgain looks at the same domains, and the same items in them, as they are now.
func (s System) LookAgain(ctx context.Context, domains []*Domain) ([]*Domain, error) {
	var same []chosen
	for _, d := range domains {
		same = append(same, chosen{d.Reconciler, d.only})
	}
	return s.lookAtAll(ctx, same, func(n int) bool { return domains[n].Needed })
}

// lookAtAll looks at domains concurrently. asked reports for an index whether the user asked
// for the domain.
func (s System) lookAtAll(ctx context.Context, all []chosen, asked func(int) bool) ([]*Domain, error) {
	found := make([]*Domain, len(all))
	var wg crash.Group
	for i, c := range all {
		wg.Go(func() {
			found[i] = s.lookAt(ctx, c.Reconciler, asked(i))
			found[i].only = c.only
		})
	}
	wg.Wait()
	return found, context.Cause(ctx)
}

// CheckNames returns an error if one of the names matches no domain.
func (s System) CheckNames(asked []string) error {
	_, err := s.choose(asked)
	return err
}

// has reports whether the user asked for the item with this key.
func (d *Domain) has(key string) bool { return d.only == nil || d.only.Has(key) }

// UpToDate returns the number of items without a difference that the user asked for.
func (d *Domain) UpToDate() int {
	if d.only == nil {
		return d.Comparison.UpToDate()
	}
	n := 0
	for _, key := range d.Comparison.Keys() {
		if d.has(key) {
			n++
		}
	}
	for _, difference := range d.Comparison.Differences() {
		if d.has(difference.Key) {
			n--
		}
	}
	return n
}

func unknownDomain(name string, names []string) error {
	groups := []string{}
	for _, n := range names {
		if first, _, ok := strings.Cut(n, "-"); ok && !slices.Contains(groups, first) {
			groups = append(groups, first) // flatpak selects several
		}
	}
	return strictjson.Suggest(fmt.Errorf("unknown domain %q", name), name, slices.Concat(groups, names),
		"the domains are "+strings.Join(names, ", "))
}

func (s System) lookAt(ctx context.Context, r reconcile.Reconciler, asked bool) *Domain {
	d := &Domain{Reconciler: r, basePath: s.BasePath(r.Name()), Needed: asked}
	d.base, d.Err = plainfile.Read(d.basePath, plainfile.MaxText)
	d.LostBase = errors.Is(d.Err, fs.ErrNotExist) && lostBase(d.basePath)
	switch {
	case d.Err == nil, errors.Is(d.Err, fs.ErrNotExist):
		d.Comparison, d.Err = s.compare(ctx, d)
		d.Err = maskUnavailable(d.Err)
	default:
		d.Err = patherr.TrimOp(d.Err)
	}
	if d.IsUnavailable() && !asked {
		declares, err := r.Declares(s.Repo.FS(), s.Host)
		d.Needed, d.Err = declares, errors.Join(d.Err, err)
	}
	return d
}

func (s System) compare(ctx context.Context, d *Domain) (reconcile.Comparison, error) {
	late := &reconcile.Unavailable{Reason: fmt.Errorf("timed out after %s", domainTimeout)}
	ctx, cancel := context.WithTimeoutCause(ctx, domainTimeout, late)
	defer cancel()
	return d.Compare(ctx, reconcile.Input{
		System: host.Query{},
		Repo:   s.Repo.FS(),
		Host:   s.Host,
		Base:   d.base,
		BaseAt: d.basePath,
		Ignore: s.ignored[d.Name()],
	})
}

// IsUnavailable reports whether the system, not a manifest, is the reason that the
// domain could not be read.
func (d *Domain) IsUnavailable() bool {
	_, ok := errors.AsType[*reconcile.Unavailable](d.Err)
	return ok
}

// Problem returns why a needed domain is unavailable, or nil. A domain without declared
// items may be unavailable.
func (d *Domain) Problem() error {
	switch {
	case d.Err == nil, d.IsUnavailable() && !d.Needed:
		return nil
	case d.IsUnavailable():
		return fmt.Errorf("%s: unavailable: %w", d.Name(), d.Err)
	}
	return d.Err
}

// Problems joins the problems of all domains, and of their parts. Domains that share a
// manifest can have the same one, which is reported once.
func Problems(domains []*Domain) error {
	var errs []error
	reported := map[string]bool{}
	for _, d := range domains {
		for _, err := range append(d.partProblems(), d.Problem()) {
			if err != nil && !reported[err.Error()] {
				errs = append(errs, err)
				reported[err.Error()] = true
			}
		}
	}
	return errors.Join(errs...)
}

// Names returns the names of domains.
func Names(domains []*Domain) []string {
	var names []string
	for _, d := range domains {
		names = append(names, d.Name())
	}
	return names
}
