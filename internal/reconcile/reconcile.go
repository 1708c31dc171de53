// Package reconcile compares a running system with the manifests, and with the last known
// state of both.
//
// A [Domain] reads the system and plans changes. The comparison, on which capture, apply
// and drift are based, is the same for all domains, and is in this package. The package
// computes: its results are new texts of manifests, plans and new texts of the last known
// state. It asks the system through [System] and changes nothing.
package reconcile

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"bkt/internal/manifest"
	"bkt/internal/plan"
)

// An Item is a thing in a domain, such as an app or a setting. T is its own type.
type Item[T any] interface {
	// Key returns the name of the item, which is unique in its domain, in the user's
	// words.
	Key() string
	// OnlyOn returns the computers that the item is declared for.
	OnlyOn() manifest.Hosts
	// WithHosts returns the item declared for these computers.
	WithHosts(manifest.Hosts) T
}

// A Domain is a kind of items of a running system. It is a value: the observed facts are in
// the [Snapshot], not in the domain.
type Domain[T Item[T]] interface {
	// Observe reads the system. declared are the items of the manifest, and then
	// those of the last known state that the manifest does not have. They limit the
	// search where the system has no list of items, and an observed item that is
	// declared keeps its key, its comment, its hosts and every other field that the
	// system cannot know.
	//
	// If a tool is missing or broken, it returns an *[Unavailable] error, never an
	// empty list.
	Observe(ctx context.Context, sys System, declared []T) (Snapshot[T], error)
	// Same reports whether two values of an item, with the same key, are equal for the
	// system.
	Same(a, b T) bool
}

// A Merger is a domain whose items are lists. Merge adds to ours the elements that
// theirs has and base does not, and removes those that base has and theirs does not.
// It reports whether the items can be merged.
type Merger[T any] interface {
	Merge(base, ours, theirs T) (T, bool)
}

// A Reporter is a domain whose items have a part that only the system can know, which is
// captured and never applied. Applicable returns an item without that part. If two values
// differ only in it, the item has changed on the system.
type Reporter[T any] interface {
	Applicable(T) T
}

// A Repairer is a domain whose declared items, as [Snapshot.Resolve] returns them, say what is
// missing on the system. Declared returns an item without that: it says nothing that a
// capture could write.
type Repairer[T any] interface {
	Declared(T) T
}

// A Snapshot has the facts about a system at the time of observation, and plans from them
// alone.
type Snapshot[T any] struct {
	Items []T
	// Plan returns the changes that turn every Have into its Want, the whole domain
	// at once, so that forty installs are one command. Each change names in Targets
	// the keys of its items. Plan is pure: Observe has read all facts that it needs.
	Plan func(diffs []Diff[T]) []plan.Change
	// Identity identifies the present or future installation of an item. A later
	// installation in the same place has another identity. Nil: there is only one.
	Identity func(T) string
	// Hidden reports whether an item could not be read, although the rest of the domain
	// could, and therefore takes no part. Notes say why. Nil: no item is hidden.
	Hidden func(T) bool
	// IsDefault reports whether nobody has set the item. Such an item counts only
	// if it is declared. Nil: no item is default.
	IsDefault func(T) bool
	// Renamed returns a declared item under the name that its makers have given it since,
	// if it has that name on this system. Nil: items keep their names.
	Renamed func(T) (T, bool)
	// Resolve returns the meaning of a declared item on this system, such as the file
	// that a name refers to. It is used to compare and change the system; the manifest
	// does not change. Nil: items need no resolution.
	Resolve func(T) T
	// Broken says why an item that is as declared must be applied again: a file that bkt
	// wrote for it is gone, or leads to something that is gone. Nil, and a nil error:
	// nothing is broken.
	Broken func(T) error
	// Orphans are files that bkt wrote for items that exist neither on the system nor in
	// the manifest, such as a wrapper of a container that was removed. An apply removes
	// them without a question: they lead to nothing, and bkt can write them again.
	Orphans []Orphan
	// Notes are notes for the user on the domain as a whole.
	Notes []string
	// Unread are parts of the domain that could not be read, although the rest could.
	// Items in them are hidden.
	Unread []Unread
	// LeftOut is what exists on the system and is not an item: a capture does not
	// write it.
	LeftOut []LeftOut
}

// An Orphan is what is left of an item. Its key must not be that of an item.
type Orphan struct {
	Key    string // of the former item
	Why    error  // what is left
	Remove plan.Change
}

// Unread is a part of a domain that could not be read, such as one file of many.
type Unread struct {
	What string // in the user's words, such as "the overrides of org.example.App"
	Err  error
}

// LeftOut is a thing on the system that a capture does not write.
type LeftOut struct {
	Reason string // for all such things: a plural noun, such as "values that programs store"
	What   string // in the user's words, such as a schema and key
}

// A Diff has the present and the wanted value of an item; nil: it does not exist. Base is
// its last known state; nil: unknown.
type Diff[T any] struct{ Have, Want, Base *T }

// A System answers questions.
type System interface {
	// Output returns the standard output of a command.
	Output(ctx context.Context, r plan.Run) ([]byte, error)
}

// Unavailable is the error of a domain that cannot be read. Such a domain takes no part,
// whereas an empty domain does.
type Unavailable struct {
	Reason error
	Absent bool // its tool is not installed, and it has no data: nothing could be read
}

func (u *Unavailable) Error() string { return u.Reason.Error() }

func (u *Unavailable) Unwrap() error { return u.Reason }

// Unavailablef returns an *[Unavailable], formatted like [fmt.Errorf].
func Unavailablef(format string, args ...any) error {
	return &Unavailable{Reason: fmt.Errorf(format, args...)}
}

// Absentf returns the *[Unavailable] of a domain whose tool is not installed. If the
// system has data of the domain all the same, it is not absent, because bkt did not read
// that.
func Absentf(data bool, format string, args ...any) error {
	return &Unavailable{Reason: fmt.Errorf(format, args...), Absent: !data}
}

// A Reconciler is a domain and the place where its items are declared, without the
// type of its items. [New] returns one.
type Reconciler interface {
	// Name returns the user's name of the domain, such as "flatpak-apps".
	Name() string
	// Declares reports whether the manifests declare an item for the host.
	Declares(repo fs.FS, host string) (bool, error)
	// Declared returns the keys of the items that the manifests declare for the host,
	// sorted.
	Declared(repo fs.FS, host string) ([]string, error)
	// Compare reads the system and compares. Its errors are those of manifests and of
	// the base, and *[Unavailable].
	Compare(ctx context.Context, in Input) (Comparison, error)
	// CheckBase returns the error of a base, as Compare does: nil if it is valid. at is
	// the path of its file.
	CheckBase(at string, text []byte) error
}

// Input is the input of a comparison.
type Input struct {
	System System
	Repo   fs.FS  // the repository of the manifests
	Host   string // the name of this computer
	Base   []byte // the last result of [Comparison.Base]; nil: none
	BaseAt string // the path of its file, for errors
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
	keys, err := k.Declared(repo, host)
	return len(keys) > 0, err
}

func (k reconciler[T]) Declared(repo fs.FS, host string) ([]string, error) {
	items, err := k.store.Load(repo)
	here, _ := byHost(items, host)
	return slices.Sorted(maps.Keys(here)), err
}

func (k reconciler[T]) CheckBase(at string, text []byte) error {
	_, err := readBase[T](at, text)
	return err
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
	observed, err := k.domain.Observe(ctx, in.System, append(values(here), base.without(here)...))
	if err != nil {
		return nil, err
	}
	c := &comparison[T]{reconciler: k, in: in, here: here, elsewhere: elsewhere, observed: observed, base: base}
	c.compare()
	return c, nil
}
