package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/schemas"
)

type schemaCmd struct {
	Name string `arg:"" optional:"" help:"Manifest name, e.g. toolbox-packages (default: list all)."`
}

// Run prints the JSON Schema of a manifest, or the names of all.
func (c *schemaCmd) Run(a *app) error {
	if c.Name == "" {
		return a.printSchemaNames()
	}
	name := strings.TrimSuffix(c.Name, ".json")
	text, err := schemas.FS.ReadFile(name + ".schema.json")
	if errors.Is(err, fs.ErrNotExist) {
		return hint.Add(fmt.Errorf("no manifest is named %q", c.Name), "run \"bkt schema\" to list the names")
	}
	if err != nil {
		return err
	}
	return a.Print(string(text))
}

func (a *app) printSchemaNames() error {
	names := []string{}
	for _, f := range manifest.All() {
		names = append(names, strings.TrimSuffix(f.Name, ".json"))
	}
	return a.PrintResult(struct {
		Version int      `json:"version"`
		Names   []string `json:"names"`
	}{1, names}, textOf(names))
}
