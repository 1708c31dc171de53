package reconcile

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"

	"bkt/internal/editor"
	"bkt/internal/manifest"
)

// A Store loads and saves the declared items of a domain in files of the repository.
type Store[T any] interface {
	// Load returns the declared items for all computers. A missing file declares none.
	Load(repo fs.FS) ([]T, error)
	// Save writes the files so that they declare these items.
	Save(repo *Edits, items []T) error
}

// Edits are the files of a repository after edits that are not written yet.
type Edits struct {
	fs.FS
	before, texts map[string][]byte
}

// NewEdits returns the files of repo before any of them is edited.
func NewEdits(repo fs.FS) *Edits { return &Edits{repo, map[string][]byte{}, map[string][]byte{}} }

// ReadFile implements [fs.ReadFileFS].
func (e *Edits) ReadFile(name string) ([]byte, error) {
	if text, ok := e.texts[name]; ok {
		return text, nil
	}
	text, err := fs.ReadFile(e.FS, name)
	if _, ok := e.before[name]; !ok {
		e.before[name] = text
	}
	return text, err
}

// Before returns the text of a file when it was first read, nil if it did not exist: the
// text before the edit, even if the file has changed since.
func (e *Edits) Before(name string) []byte { return e.before[name] }

// WriteFile sets the text of a file.
func (e *Edits) WriteFile(name string, text []byte) { e.texts[name] = text }

// Names returns the names of the edited files, sorted.
func (e *Edits) Names() []string { return slices.Sorted(maps.Keys(e.texts)) }

// List is the store of items in one list of one manifest, of type F.
type List[F, T any] struct {
	File  string // such as "manifests/gsettings.json"
	Items func(*F) *[]T
}

// Load implements [Store].
func (l List[F, T]) Load(repo fs.FS) ([]T, error) {
	_, content, err := ReadManifest[F](repo, l.File)
	return *l.Items(&content), err
}

// Save implements [Store].
func (l List[F, T]) Save(repo *Edits, items []T) error {
	_, content, err := ReadManifest[F](repo, l.File)
	if err != nil {
		return err
	}
	*l.Items(&content) = items
	return WriteManifest(repo, l.File, content)
}

// ReadManifest returns the text and the content of a manifest, nil and nothing if it
// does not exist.
func ReadManifest[F any](repo fs.FS, name string) (text []byte, content F, err error) {
	d, err := manifest.Read[F](repo, name)
	return d.Text, d.Content, err
}

// WriteManifest sets the content of a manifest. A manifest that already has the content keeps
// its layout, a manifest without a newline at its end gets none, and a new manifest names its
// schema, as [editor.New] says.
func WriteManifest[F any](repo *Edits, name string, content F) error {
	text, err := manifest.EncodeFile(name, content)
	if err != nil {
		return err
	}
	old, was, err := ReadManifest[F](repo, name)
	if err != nil {
		return err
	}
	if repo.Before(name) == nil {
		return writeNew(repo, name, text)
	}
	if same, err := manifest.EncodeFile(name, was); err == nil && bytes.Equal(same, text) {
		return nil
	}
	if !bytes.HasSuffix(old, []byte("\n")) {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	repo.WriteFile(name, text)
	return nil
}

func writeNew(repo *Edits, name string, text []byte) error {
	named, schema, err := editor.New(repo, name, text)
	if err != nil {
		return err
	}
	if schema != nil {
		repo.WriteFile(manifest.SchemaPath(name), schema)
	}
	repo.WriteFile(name, named)
	return nil
}
