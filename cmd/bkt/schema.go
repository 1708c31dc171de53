package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bkt/internal/editor"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/strictjson"
	"bkt/internal/ui"
	"bkt/schemas"
)

type schemaCmd struct {
	ui.Mode
	Name  string `arg:"" optional:"" help:"Manifest name, e.g. toolbox-packages (default: list all)."`
	Write bool   `help:"Write the schemas of the repository's manifests into schemas/, and their names into the manifests, for editors."`
}

// Run prints the JSON Schema of a manifest, or the names of all, or writes all.
func (c *schemaCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.Write:
		return c.write(ctx, a)
	case c.Preview():
		return hint.Add(errors.New("printing a schema changes nothing"), "run \"bkt schema --write\" with --dry-run or --check")
	case c.Name == "":
		return a.printSchemaNames()
	}
	name := strings.TrimSuffix(c.Name, ".json")
	text, err := schemas.FS.ReadFile(name + ".schema.json")
	if errors.Is(err, fs.ErrNotExist) {
		return strictjson.Suggest(fmt.Errorf("no manifest is named %q", c.Name), name, manifest.Names(), `run "bkt schema" to list the names`)
	}
	if err != nil {
		return err
	}
	return a.Print(string(text))
}

// write has editors check the manifests of the repository.
func (c *schemaCmd) write(ctx context.Context, a *app) error {
	if c.Name != "" {
		return hint.Add(errors.New("--write is for all schemas"), "run \"bkt schema --write\"")
	}
	r, err := a.repository()
	if err != nil {
		return err
	}
	return a.change(ctx, r, c.Mode, func() (plan.Plan, error) {
		p, kept, err := editor.Plan(r)
		for _, name := range kept {
			a.Note("%s is not a schema of bkt, and stays as it is", name)
		}
		return p, err
	})
}

func (a *app) printSchemaNames() error {
	names := manifest.Names()
	return a.PrintResult(schemaNamesJSON{1, names}, textOf(names))
}

// schemaNamesJSON is the output of --json without a name.
type schemaNamesJSON struct {
	Version int      `json:"version"`
	Names   []string `json:"names"`
}
