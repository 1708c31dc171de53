package manifest

import (
	"errors"
	"fmt"
	"io/fs"

	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/patherr"

	"github.com/go-json-experiment/json/jsontext"
)

// A Document is a manifest that has been read.
type Document[T any] struct {
	Path    string // in the repository
	Text    []byte // of the file; nil: it does not exist
	Content T
	Source  *Source // never nil
}

// Read reads the manifest at path in repo.
//
// A file that does not exist declares nothing: the document has the zero T and no text.
// A file that cannot be read is an error, which names the path and wraps the reason,
// and so is one that is not valid: see [Decode]. With an error, the document has only
// its path.
func Read[T any](repo fs.FS, path string) (Document[T], error) {
	d := Document[T]{Path: path, Source: &Source{}}
	text, err := fs.ReadFile(repo, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, nil
	case err != nil:
		return d, fmt.Errorf("%s: %w", path, patherr.Reason(err))
	}
	content, source, err := Decode[T](path, text)
	if err != nil {
		return d, err
	}
	d.Text, d.Content, d.Source = text, content, source
	return d, nil
}

// Exists reports whether the repository has the file.
func (d Document[T]) Exists() bool { return d.Text != nil }

// Entry returns the entry that pointer points to, with its text and its comment in the
// manifest.
func (d Document[T]) Entry(pointer jsontext.Pointer, text, comment string) Entry {
	return Entry{d.Path, d.Source.At(pointer), text, comment}
}

// An Entry is a value in a manifest, or a line of another file.
type Entry struct {
	File     string // the path of the file in the repository
	Position        // zero: the file as a whole
	Text     string // the value, or its name
	Comment  string // from the manifest
}

// Place returns where the entry is.
func (e Entry) Place() finding.Place {
	return finding.Place{File: e.File, Line: e.Line, Column: e.Column}
}

// String returns file:line:column, without the parts that are unknown.
func (e Entry) String() string { return e.Place().String() }

// EncodeFile returns the text of the manifest v, as [Encode] does, with errors
// that begin with path.
func EncodeFile[T any](path string, v T) ([]byte, error) {
	text, err := Encode(v)
	return text, hint.Prefix(path, err)
}
