package merge

import (
	"bytes"
	"errors"
	"io/fs"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"

	"github.com/go-json-experiment/json/jsontext"
)

// A Conflict is an item of a manifest that both sides of a merge changed.
type Conflict struct {
	Name               string // of the item in the user's words
	Line               int
	Ours, Theirs, Base string // JSON; "": the side does not have it
}

// A Side is the decision about a conflict.
type Side string

// The sides. Base undoes both changes.
const (
	Ours   Side = "ours"
	Theirs Side = "theirs"
	Base   Side = "base"
)

// Find returns the conflicts in the text of the manifest f, in their order. A text that is
// not JSON is an error.
func Find(f manifest.File, text []byte) ([]Conflict, error) {
	var all []Conflict
	_, err := decide(f, text, func(c Conflict) Side {
		all = append(all, c)
		return ""
	})
	return all, err
}

// Decide returns the text of the manifest f after some of its conflicts are decided, in
// canonical form if it can be loaded then. sides are the decisions about the conflicts that
// Find returns; "": undecided.
func Decide(f manifest.File, text []byte, sides []Side) ([]byte, error) {
	i := -1
	n, err := decide(f, text, func(Conflict) Side {
		i++
		return sides[i]
	})
	if err != nil {
		return nil, err
	}
	decided := write(n)
	if formatted, err := f.Format(f.Path, decided); err == nil {
		decided = formatted
	}
	return likeOurs(decided, text), nil
}

// A Manifest is a manifest that has conflicts.
type Manifest struct {
	manifest.File
	Text      []byte
	Conflicts []Conflict
}

// InRepository returns the manifests of a repository that have conflicts, and an error for
// each that has git's conflict markers: git merged its lines, so that no item is in conflict.
// Its items can still be merged. What else is wrong with a manifest does not matter; a file
// that cannot be read is an error.
func InRepository(repo fs.FS) (all []Manifest, marked, err error) {
	for _, f := range manifest.All() {
		text, err := fs.ReadFile(repo, f.Path)
		if patherr.UnlessMissing(err) != nil {
			return nil, nil, patherr.TrimOp(err)
		}
		switch {
		case bytes.HasPrefix(text, []byte(marker)), bytes.Contains(text, []byte("\n"+marker)):
			err := hint.Add(syntaxError(f, f.Path, text), `run "bkt doctor --fix", and then "git checkout --merge -- %s" to merge its items`, f.Path)
			marked = errors.Join(marked, err)
		case bytes.Contains(text, []byte("conflict")): // parsing the others would take longer
			if found, err := Find(f, text); err == nil && len(found) > 0 {
				all = append(all, Manifest{f, text, found})
			}
		}
	}
	return all, marked, nil
}

// marker begins the lines that git puts above our version.
const marker = "<<<<<<< "

// decide returns the content of a manifest with a decision about each conflict.
func decide(f manifest.File, text []byte, about func(Conflict) Side) (*node, error) {
	n, err := parse(text)
	if err != nil {
		return nil, syntaxError(f, f.Path, text)
	}
	return (&decider{about}).value(Rules(nil).shapeOf(f.Type), n, ""), nil
}

type decider struct{ about func(Conflict) Side }

// value returns n, which is called name, after the decisions; nil: it is removed.
func (d *decider) value(s *shape, n *node, name string) *node {
	if sides, ok := parseConflict(n); ok {
		return d.side(n, sides, name)
	}
	decided := *n
	switch n.kind {
	case '{':
		decided.names, decided.fields = nil, map[string]*node{}
		for _, field := range n.names {
			decided.set(field, d.value(s.part(field), n.fields[field], join(name, field)))
		}
	case '[':
		decided.items = nil
		for _, item := range n.items {
			entry := s.entryShape()
			key, _ := entry.key(item)
			decided.items = appendNode(decided.items, d.value(entry, item, join(name, key)))
		}
	}
	return &decided
}

// side returns the side of a conflict that is chosen.
func (d *decider) side(n, sides *node, name string) *node {
	text := func(side string) string {
		value := sides.fields[side]
		if value.kind == 'n' {
			return ""
		}
		text := jsontext.Value(write(value))
		_ = text.Compact() // it is valid
		return string(text)
	}
	side := d.about(Conflict{name, n.line, text("ours"), text("theirs"), text("base")})
	if side == "" {
		return n
	}
	if value := sides.fields[string(side)]; value.kind != 'n' {
		return value
	}
	return nil
}

// join returns the name of a part of what is called name.
func join(name, part string) string {
	if name == "" {
		return part
	}
	return name + " " + part
}
