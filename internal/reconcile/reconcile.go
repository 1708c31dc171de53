// Package reconcile compares what a running system has with what the manifests
// declare, and with the last known state of both.
//
// A [Domain] says what the system has and how to change it; the comparison, and what
// capture, apply and drift derive from it, is written once, here, for all domains. The
// package computes: its results are new texts of manifests, plans and new texts of the
// last known state. It asks the system through [System] and changes nothing.
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

// A Domain is one kind of thing that a running system has. It is a value: what it
// has observed is in the [Snapshot], not in the domain.
type Domain[T Item[T]] interface {
	// Observe reads the system. declared are the items of the manifest, and then
	// those of the last known state that the manifest does not have. They say how
	// far to look where the system has no end, and an observed item that is
	// declared keeps its key, its comment, its hosts and every other field that the
	// system cannot know.
	//
	// A tool that is missing or broken is an *[Unavailable] error, never an empty
	// list.
	Observe(ctx context.Context, sys System, declared []T) (Snapshot[T], error)
	// Same reports whether two values of an item, which have the same key, are
	// the same to the system.
	Same(a, b T) bool
}

// A Merger is a domain whose items are lists. Merge adds to ours the elements that
// theirs has and base does not, and removes those that base has and theirs does not.
// It reports whether the items can be merged.
type Merger[T any] interface {
	Merge(base, ours, theirs T) (T, bool)
}

// A Reporter is a domain whose items have a part that is captured and never applied:
// only the system can know it. Applicable returns an item without that part. Two
// items that differ in nothing else have changed on the system.
type Reporter[T any] interface {
	Applicable(T) T
}

// A Snapshot is what a system had when it was observed, and plans from that alone.
type Snapshot[T any] struct {
	Items []T
	// Plan returns the changes that turn every Have into its Want, the whole domain
	// at once, so that forty installs are one command. Each change names in Targets
	// the keys of its items. Plan is pure: all it needs was read by Observe.
	Plan func(diffs []Diff[T]) []plan.Change
	// Identity names the installation that an item is part of, or would be, so that
	// a later one in its place has another name. Nil: there can be only one.
	Identity func(T) string
	// Hidden reports whether an item could not be read and therefore takes no part,
	// while the rest of the domain could. Notes say why. Nil: none is.
	Hidden func(T) bool
	// IsDefault reports whether nobody has set the item. Such an item counts only
	// if it is declared. Nil: none is.
	IsDefault func(T) bool
	// Resolve returns what a declared item means on this system, such as the file
	// that a name refers to. The system is compared with that and changed to that;
	// the manifest stays as it is. Nil: every item means what it says.
	Resolve func(T) T
	// Notes are what the user should know about the domain as a whole.
	Notes []string
}

// A Diff is an item as the system has it and as it should be; nil: it does not
// exist. Base is its last known state; nil: there is no such state.
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

// A Reconciler is a domain and the place where its items are declared, without the
// type of its items. [New] returns one.
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
