package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/statefile"
)

// A base is the last known state of system and manifest: items, each with its
// installation.
type base[T Item[T]] struct {
	Version int         `json:"version"`
	Items   []agreed[T] `json:"items"`
}

type agreed[T any] struct {
	Installation string `json:"installation,omitempty"`
	Item         T      `json:"item"`
}

// baseVersion is the version of the format of the base.
const baseVersion = 1

// withoutBase is what happens without the base file of a domain.
const withoutBase = "without it, bkt compares as on a new machine, and removes nothing"

// readBase reads a base. The error of a text that bkt cannot use is a [statefile.Problem].
func readBase[T Item[T]](at string, text []byte) (base[T], error) {
	if text == nil {
		return base[T]{Version: baseVersion}, nil
	}
	var header struct{ Version int }
	if err := json.Unmarshal(text, &header); err == nil && header.Version > baseVersion {
		return base[T]{}, statefile.Newer(at, header.Version, baseVersion)
	}
	b, _, err := manifest.Decode[base[T]](at, text)
	switch {
	case err != nil: // the first error is enough: nobody edits this file
		err = errors.New(hint.Split(err)[0].Error())
	case b.Version != baseVersion:
		err = fmt.Errorf("%s: has no version", at)
	}
	return b, statefile.Damaged(at, err, withoutBase)
}

// without returns the items that are not among the declared ones.
func (b base[T]) without(declared map[string]T) []T {
	var items []T
	for _, a := range b.Items {
		if _, ok := declared[a.Item.Key()]; !ok {
			items = append(items, a.Item)
		}
	}
	return items
}

// of returns the items of the observed installation, by key.
func (b base[T]) of(o Snapshot[T]) map[string]T {
	items := map[string]T{}
	for _, a := range b.Items {
		if a.Installation == o.identity(a.Item) {
			items[a.Item.Key()] = a.Item
		}
	}
	return items
}

func (o Snapshot[T]) identity(item T) string {
	if o.Identity == nil {
		return ""
	}
	return o.Identity(item)
}

func (o Snapshot[T]) hides(item T) bool { return o.Hidden != nil && o.Hidden(item) }
