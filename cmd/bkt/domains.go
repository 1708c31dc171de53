package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bkt/internal/crash"
	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/strictjson"
	"bkt/internal/workspace"
	"bkt/packaging"
)

// patience is how long a domain may take to be looked at.
const patience = 30 * time.Second

// ownUnits has what is ignored beside: which repository is captured into by
// itself is up to each computer.
const ownUnits = "\nservices:user/" + packaging.Prefix + "*\n"

// domainArgs are the domains that a command is about.
type domainArgs struct {
	Domains []string `arg:"" optional:"" name:"domain" help:"Domains, such as flatpak-apps, or flatpak for all that begin with it (all)."`
}

// A domain is one as it was found.
type domain struct {
	kind       reconcile.Reconciler
	comparison reconcile.Comparison // nil where err is not
	err        error
	root       string // of the repository
	basePath   string
	private    string // the folder of bkt's own that it is in
	base       []byte
	needed     bool // it was asked for, or declares something
}

func (d domain) name() string { return d.kind.Name() }

// A system is a workspace with what the commands on its domains need.
type system struct {
	workspace.Workspace
	cache   *domains.Cache
	ignored map[string]reconcile.Ignore
}

// thisSystem returns the one that bkt runs on.
func thisSystem() (system, error) { return systemOf(workspace.Find()) }

// thisDesktop is [thisSystem] for commands about the user's own desktop.
func thisDesktop() (system, error) { return systemOf(workspace.FindDesktop()) }

func systemOf(w workspace.Workspace, err error) (system, error) {
	if err != nil {
		return system{}, err
	}
	s := system{Workspace: w, cache: &domains.Cache{}}
	text, err := fs.ReadFile(w.Repo.FS(), workspace.IgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, patherr.Trim(err)
	}
	s.ignored, err = reconcile.ParseIgnore(workspace.IgnoreFile, append(text, ownUnits...), s.names())
	return s, err
}

func (s system) kinds() []reconcile.Reconciler {
	return domains.All(s.Folders, s.Repo.FS(), s.cache)
}

func (s system) names() []string {
	var names []string
	for _, k := range s.kinds() {
		names = append(names, k.Name())
	}
	return names
}

// look looks at the domains that were asked for, or at all, side by side: none
// waits for another.
func (s system) look(ctx context.Context, asked []string) ([]domain, error) {
	chosen, err := s.choose(asked)
	if err != nil {
		return nil, err
	}
	domains := make([]domain, len(chosen))
	var wg crash.Group
	for i, k := range chosen {
		wg.Go(func() { domains[i] = s.lookAt(ctx, k, len(asked) > 0) })
	}
	wg.Wait()
	return domains, context.Cause(ctx)
}

func (s system) choose(asked []string) ([]reconcile.Reconciler, error) {
	if len(asked) == 0 {
		return s.kinds(), nil
	}
	names, wanted := s.names(), []string{}
	for _, name := range asked {
		matching := reconcile.Matching(name, names)
		if len(matching) == 0 {
			return nil, unknownDomain(name, names)
		}
		wanted = append(wanted, matching...)
	}
	return slices.DeleteFunc(s.kinds(), func(k reconcile.Reconciler) bool { return !slices.Contains(wanted, k.Name()) }), nil
}

func unknownDomain(name string, names []string) error {
	err := fmt.Errorf("there is no domain %q", name)
	if near, ok := strictjson.Nearest(name, names); ok {
		return hint.Add(err, "did you mean %q?", near)
	}
	return hint.Add(err, "the domains are %s", strings.Join(names, ", "))
}

// lookAt looks at one domain. Whatever is wrong is told in the domain's err.
func (s system) lookAt(ctx context.Context, k reconcile.Reconciler, asked bool) domain {
	d := domain{kind: k, root: s.Repo.Root, basePath: s.BasePath(k.Name()), private: s.Private(), needed: asked}
	d.base, d.err = os.ReadFile(d.basePath)
	switch {
	case d.err == nil, errors.Is(d.err, fs.ErrNotExist):
		d.comparison, d.err = s.compare(ctx, k, d.base)
	default:
		d.err = patherr.Trim(d.err)
	}
	if d.unavailable() && !asked {
		declares, err := k.Declares(s.Repo.FS(), s.Host)
		d.needed, d.err = declares, errors.Join(d.err, err)
	}
	return d
}

func (s system) compare(ctx context.Context, k reconcile.Reconciler, base []byte) (reconcile.Comparison, error) {
	late := &reconcile.Unavailable{Reason: fmt.Errorf("there was no answer within %s", patience)}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, late)
	defer cancel()
	return k.Compare(ctx, reconcile.Input{
		System: host.Query{},
		Repo:   s.Repo.FS(),
		Host:   s.Host,
		Base:   base,
		BaseAt: s.BasePath(k.Name()),
		Ignore: s.ignored[k.Name()],
	})
}

// unavailable reports whether the domain could not be looked at for a reason
// that is the system's.
func (d domain) unavailable() bool {
	_, ok := errors.AsType[*reconcile.Unavailable](d.err)
	return ok
}

// trouble is what keeps a domain that is needed from taking part. One of which
// nothing is wanted may be missing.
func (d domain) trouble() error {
	switch {
	case d.err == nil, d.unavailable() && !d.needed:
		return nil
	case d.unavailable():
		return fmt.Errorf("%s: unavailable: %w", d.name(), d.err)
	}
	return d.err
}

// troubles joins those of all domains, and mentions what is unavailable and not
// needed. What is wrong with a manifest that two domains share is said once.
func (a *app) troubles(domains []domain) error {
	var errs []error
	said := map[string]bool{}
	for _, d := range domains {
		if err := d.trouble(); err != nil && !said[err.Error()] {
			errs = append(errs, err)
			said[err.Error()] = true
		}
		if a.Verbose && d.unavailable() && !d.needed {
			a.Note("%s: unavailable: %v", d.name(), d.err)
		}
	}
	return errors.Join(errs...)
}

// repositoryFile says beside bases which repository they are of.
const repositoryFile = "repository"

// signed is the plan that notes there which repository the bases are of.
func (d domain) signed() (plan.Plan, error) {
	path := filepath.Join(filepath.Dir(filepath.Dir(d.basePath)), repositoryFile)
	old, err := os.ReadFile(path)
	if patherr.UnlessMissing(err) != nil {
		return nil, patherr.Trim(err)
	}
	return plan.RewritePrivate(d.private, path, old, []byte(d.root+"\n")), nil
}

// settle writes the bases of the domains: of what is in step, and of what has
// been captured or merged, by the name of the domain.
func settle(ctx context.Context, domains []domain, captured, merged map[string][]string) error {
	var p plan.Plan
	for _, d := range domains {
		if d.comparison == nil {
			continue
		}
		text, differs, err := d.comparison.Base(captured[d.name()], merged[d.name()])
		if err != nil {
			return err
		}
		switch {
		case differs:
			p = append(p, plan.RewritePrivate(d.private, d.basePath, d.base, text)...)
		case host.ReadableByOthers(d.basePath):
			p = append(p, plan.Change{Op: plan.Modify, Targets: []string{d.basePath}, Steps: []plan.Step{plan.Overwrite{Path: d.basePath, Text: d.base, Private: d.private}}})
		}
	}
	if len(p) > 0 {
		signed, err := domains[0].signed()
		if err != nil {
			return err
		}
		p = append(p, signed...)
	}
	err := host.Executor{}.Execute(ctx, p, func(plan.Change, error) {})
	return hint.Add(err, "let bkt write there, and run the command again: it is where bkt notes what both sides agreed on")
}
