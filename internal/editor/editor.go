// Package editor keeps up to date what editors check manifests with: the JSON Schemas of
// manifests, in a folder of the repository, and in each manifest the name of its schema.
//
// Editors resolve a relative "$schema" from the folder of the manifest, so the schemas work
// without a network, for everyone who clones the repository. A schema is a copy of the one
// in bkt, which a newer bkt rewrites.
package editor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/schemas"
)

// Plan returns the plan that writes the schema of each manifest of a repository, updates
// schemas that are there, and has each manifest without a schema name its own. kept are files
// in the places of schemas that are not bkt's: they stay as they are.
//
// A manifest that does not load is an error.
func Plan(r repo.Repo) (p plan.Plan, kept []string, err error) {
	for _, f := range manifest.All() {
		name := manifest.SchemaPath(f.Name)
		old, text, err := read(r.FS(), name)
		if err != nil {
			return nil, nil, err
		}
		if old == nil && !r.Has(f.Path) {
			continue
		}
		if old != nil && !IsOurs(old, name) {
			kept = append(kept, name)
			continue
		}
		if string(old) != string(text) {
			p = append(p, r.Rewrite(name, old, text)...)
		}
		named, err := nameSchema(r, f)
		if err != nil {
			return nil, nil, err
		}
		p = append(p, named...)
	}
	return p, kept, nil
}

// New returns the text of a manifest that bkt creates. If the repository has schemas of other
// manifests, it names its own, which is to be written, too, unless that is nil.
func New(files fs.FS, name string, text []byte) (named, schema []byte, err error) {
	used := slices.ContainsFunc(manifest.All(), func(f manifest.File) bool {
		_, err := fs.Stat(files, manifest.SchemaPath(f.Name))
		return err == nil
	})
	if !used || bytes.HasPrefix(text, []byte("{\n  \"$schema\"")) {
		return text, nil, nil
	}
	old, schema, err := read(files, manifest.SchemaPath(name))
	if err != nil {
		return nil, nil, err
	}
	if old != nil {
		schema = nil
	}
	return manifest.AddSchema(name, text), schema, nil
}

// PlanNew does the same, and plans to write the schema.
func PlanNew(r repo.Repo, name string, text []byte) (named []byte, p plan.Plan, err error) {
	named, schema, err := New(r.FS(), name, text)
	if schema != nil {
		p = r.Rewrite(manifest.SchemaPath(name), nil, schema)
	}
	return named, p, err
}

// nameSchema plans to have a manifest name its schema, if it exists and names none.
func nameSchema(r repo.Repo, f manifest.File) (plan.Plan, error) {
	text, err := fs.ReadFile(r.FS(), f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, patherr.TrimOp(err)
	}
	if _, err := f.Format(f.Path, text); err != nil {
		return nil, err
	}
	var content struct {
		Schema string `json:"$schema"`
	}
	if err := json.Unmarshal(text, &content); err != nil || content.Schema != "" {
		return nil, err
	}
	named := manifest.AddSchema(f.Name, text)
	if err := repo.CheckSize(f.Path, named); err != nil {
		return nil, err
	}
	return r.Rewrite(f.Path, text, named), nil
}

// Outdated returns the content of a file that is a copy of a schema of another bkt, and
// what this bkt has in its place; nil if it is another file, or up to date.
func Outdated(files fs.FS, name string) (old, text []byte, err error) {
	old, text, err = read(files, name)
	if err != nil || text == nil || !IsOurs(old, name) || string(old) == string(text) {
		return nil, nil, err
	}
	return old, text, nil
}

// read returns the content of a file, nil if it does not exist, and that of bkt's schema of
// this name, nil if there is none.
func read(files fs.FS, name string) (old, text []byte, err error) {
	text, err = schemas.FS.ReadFile(path.Base(name))
	if err != nil {
		return nil, nil, nil
	}
	old, err = fs.ReadFile(files, name)
	return old, text, patherr.UnlessMissing(err)
}

// IsOurs reports whether a file is a schema of bkt, of any version. The first versions had
// no identifier, but the name of the manifest as title.
func IsOurs(text []byte, name string) bool {
	var head struct {
		ID    string `json:"$id"`
		Title string `json:"title"`
	}
	base := strings.TrimSuffix(path.Base(name), ".schema.json")
	return json.Unmarshal(text, &head) == nil && (head.ID == schemas.ID(base) || head.ID == "" && head.Title == base+".json")
}
