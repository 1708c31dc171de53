package merge

import (
	"bytes"
	"errors"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// A Result is the merge of three texts of a manifest.
type Result struct {
	Text      []byte
	Conflicts []Conflict // in the text
	// Invalid is the error of a text without conflicts that cannot be loaded, although
	// each side can be: what each has added cannot be together.
	Invalid error
}

// Texts merges three texts of the manifest f. base is empty if the file did not exist.
//
// If all texts can be loaded, so can the merged one, in its canonical form, unless it has
// conflicts or is invalid. A text that is not JSON is an error.
func Texts(f manifest.File, rules Rules, base, ours, theirs []byte) (Result, error) {
	texts, loaded := canonical(f, base, ours, theirs)
	v, err := parseAll(f, texts)
	if err != nil {
		return Result{}, err
	}
	s := rules.shapeOf(f.Type)
	res, err := (&merger{}).text(f, s, v)
	if res.Invalid != nil && loaded {
		res, err = (&merger{wholeItems: true}).text(f, s, v)
	}
	if !loaded { // it may be what one of the texts has already
		res.Invalid = nil
	}
	res.Text = likeOurs(res.Text, ours)
	return res, err
}

// text merges the versions of a manifest.
func (m *merger) text(f manifest.File, s *shape, v versions) (Result, error) {
	merged := m.outcome(m.value(s, v, false), v.base)
	res := Result{Text: write(merged)}
	if m.conflicts > 0 {
		var err error
		res.Conflicts, err = Find(f, res.Text)
		return res, err
	}
	text, err := f.Format(f.Path, res.Text)
	if err != nil {
		res.Invalid = err
		return res, nil
	}
	res.Text = text
	return res, nil
}

// canonical returns the texts in their canonical form, in which lists that have no order
// are sorted, if all can be loaded; else as they are.
func canonical(f manifest.File, texts ...[]byte) (all [][]byte, loaded bool) {
	for _, text := range texts {
		if len(text) > 0 {
			var err error
			if text, err = f.Format(f.Path, text); err != nil {
				return texts, false
			}
		}
		all = append(all, text)
	}
	return all, true
}

// parseAll returns the values of the texts of base, ours and theirs.
func parseAll(f manifest.File, texts [][]byte) (versions, error) {
	var all [3]*node
	for i, text := range texts {
		if len(text) == 0 && i == 0 { // it did not exist
			continue
		}
		n, err := parse(text)
		if err != nil || !n.is('{') {
			return versions{}, syntaxError(f, []string{"the version before ours and theirs", "our version", "their version"}[i]+" of "+f.Path, text)
		}
		all[i] = n
	}
	return versions{all[0], all[1], all[2]}, nil
}

// syntaxError returns the error of a text that is not JSON. Others that it may have do not
// matter.
func syntaxError(f manifest.File, name string, text []byte) error {
	if _, err := f.Format(name, text); err != nil {
		return hint.Split(err)[0]
	}
	return errors.New(name + " is not a JSON object")
}

// likeOurs returns text with a line break at its end only if ours has one.
func likeOurs(text, ours []byte) []byte {
	if !bytes.HasSuffix(ours, []byte("\n")) {
		return bytes.TrimSuffix(text, []byte("\n"))
	}
	return text
}
