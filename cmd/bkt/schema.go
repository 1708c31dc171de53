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
	Name string `arg:"" optional:"" help:"Of the manifest, as in toolbox-packages; without it, the names are listed."`
}

// Run prints the JSON Schema of a manifest, or the names of all.
func (c *schemaCmd) Run(a *app) error {
	if c.Name == "" {
		return a.printSchemaNames()
	}
	name := strings.TrimSuffix(c.Name, ".json")
	text, err := schemas.FS.ReadFile(name + ".schema.json")
	if errors.Is(err, fs.ErrNotExist) {
		return hint.Add(fmt.Errorf("there is no manifest %s", c.Name), "run \"bkt schema\" for the names")
	}
	if err != nil {
		return err
	}
	_, err = a.Out.Write(text)
	return err
}

func (a *app) printSchemaNames() error {
	names := []string{}
	for _, f := range manifest.All() {
		names = append(names, strings.TrimSuffix(f.Name, ".json"))
	}
	if a.JSON {
		return a.PrintJSON(struct {
			Version int      `json:"version"`
			Names   []string `json:"names"`
		}{1, names})
	}
	_, err := fmt.Fprintln(a.Out, strings.Join(names, "\n"))
	return err
}
