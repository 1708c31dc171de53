// Package reconcile compares what a running system has with what the manifests
// declare, by way of what both last agreed on.
//
// A [Domain] says what the system has and how to change it; the comparison, and
// what capture, apply and drift make of it, is written once, here, for all of
// them. The package computes: what it returns are new texts of manifests, plans
// and new texts of the base. It asks the system through [System] and changes
// nothing.
package reconcile

import (
	"context"
	"fmt"
	"io/fs"

	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// An Item is one thing that a domain has: an app, a setting. T is its own type.
type Item[T any] interface {
	// Key names the item among those of its domain, in the user's words.
	Key() string
	// OnlyOn returns the computers that the item is declared for.
	OnlyOn() manifest.Hosts
	// WithHosts returns the item declared for these computers.
	WithHosts(manifest.Hosts) T
}

// A Domain is one kind of thing that a running system has.
type Domain[T Item[T]] interface {
	// Observe returns what the system has. known are the items that the
	// manifest and the base have: they say how far to look where there is no
	// end to it, and an item that is known keeps its key, its comment, its
	// hosts and all else that the system cannot tell.
	//
	// A tool that is missing or broken is an *[Unavailable] error, never an
	// empty list.
	Observe(ctx context.Context, sys System, known []T) (Observation[T], error)
	// Same reports whether two values of an item, which have the same key, are
	// the same to the system.
	Same(a, b T) bool
	// Plan turns every Have into its Want (nil: not there), all of the domain
	// at once, so that forty installs are one command. Each change names in
	// Targets the keys that it is about. It is pure.
	Plan(diffs []Diff[T]) []plan.Change
}

// A Merger is a domain of items that are lists. Merge adds to ours what theirs
// has and base does not, and takes out what base has and theirs does not. It
// reports whether that is possible.
type Merger[T any] interface {
	Merge(base, ours, theirs T) (T, bool)
}

// A Reporter is a domain of items of which some is only ever captured: it tells
// what the system has, and cannot be brought about. Applicable returns an item
// without that. Two items that differ in nothing else have been changed on the
// system.
type Reporter[T any] interface {
	Applicable(T) T
}

// An Observation is what a system has.
type Observation[T any] struct {
	Items []T
	// Identity tells the installation that an item is part of, or would be,
	// from an earlier one in its place. Nil: there can be but one.
	Identity func(T) string
	// Hidden reports whether an item could not be looked at, which takes no part
	// then: a domain may have parts of which one is out of order, and a note on
	// that. Nil: none.
	Hidden func(T) bool
	// Given reports whether an item is as it is without anyone's wish. Such an
	// item is there only as long as it is declared. Nil: none.
	Given func(T) bool
	// Resolve returns what an item that is declared means on this system, such as
	// which file a name stands for. It is what the system is compared with and is
	// to become; the manifest stays as it is. Nil: just what the manifest says.
	Resolve func(T) T
	// Notes are what the user should know of the domain as a whole, and no
	// manifest says.
	Notes []string
}

// A Diff is an item as the system has it and as it should be. Nil: it is not
// there. Base is what both sides last agreed on; nil: nothing is known of that.
type Diff[T any] struct{ Have, Want, Base *T }

// A System answers questions.
type System interface {
	// Output returns the standard output of a command.
	Output(ctx context.Context, r plan.Run) ([]byte, error)
}

// Unavailable is the error of a domain that cannot be looked at: it takes no
// part, which is not the same as having nothing.
type Unavailable struct {
	Reason error
}

func (u *Unavailable) Error() string { return u.Reason.Error() }

func (u *Unavailable) Unwrap() error { return u.Reason }

// Unavailablef returns an *[Unavailable], formatted like [fmt.Errorf].
func Unavailablef(format string, args ...any) error {
	return &Unavailable{fmt.Errorf(format, args...)}
}

// A Reconciler is a domain and where its items are declared, whatever their type. The
// kinds are those that [New] returns.
type Reconciler interface {
	// Name is what users call the domain, such as "flatpak-apps".
	Name() string
	// Declares reports whether the manifests declare something for the host.
	Declares(repo fs.FS, host string) (bool, error)
	// Compare looks at the system and compares. Its errors are those of
	// manifests, of the base, and *[Unavailable].
	Compare(ctx context.Context, in Input) (Comparison, error)
}

// Input is what a comparison needs.
type Input struct {
	System System
	Repo   fs.FS  // the repository of the manifests
	Host   string // the name of this computer
	Base   []byte // what [Comparison.Base] returned last time; nil: there is none
	BaseAt string // where that is kept, for errors
	Ignore Ignore // of this domain
}

// New returns the domain d, called name, whose items are declared in store.
func New[T Item[T]](name string, d Domain[T], store Store[T]) Reconciler {
	return reconciler[T]{name, d, store}
}

type reconciler[T Item[T]] struct {
	name   string
	domain Domain[T]
	store  Store[T]
}

func (k reconciler[T]) Name() string { return k.name }

func (k reconciler[T]) Declares(repo fs.FS, host string) (bool, error) {
	items, err := k.store.Load(repo)
	for _, item := range items {
		if item.OnlyOn().Include(host) {
			return true, nil
		}
	}
	return false, err
}

func (k reconciler[T]) Compare(ctx context.Context, in Input) (Comparison, error) {
	declared, err := k.store.Load(in.Repo)
	if err != nil {
		return nil, err
	}
	base, err := readBase[T](in.BaseAt, in.Base)
	if err != nil {
		return nil, err
	}
	here, elsewhere := byHost(declared, in.Host)
	observed, err := k.domain.Observe(ctx, in.System, append(values(here), base.unknown(here)...))
	if err != nil {
		return nil, err
	}
	c := &comparison[T]{reconciler: k, in: in, declared: declared, elsewhere: elsewhere, observed: observed, base: base}
	c.compare(here)
	return c, nil
}
