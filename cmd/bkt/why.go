package main

import (
	"fmt"

	"bkt/internal/containerfile"
)

type whyCmd struct {
	Lines []string `arg:"" name:"file:line" help:"Lines of Containerfiles, e.g. toolbox/Containerfile:12 (default line: all generated ones)."`
}

// Run prints which entry of a manifest each line comes from.
func (c *whyCmd) Run(a *app) error {
	r, err := a.images()
	if err != nil {
		return err
	}
	answers := []containerfile.Line{}
	for _, text := range c.Lines {
		found, err := containerfile.Why(r, text)
		if err != nil {
			return err
		}
		answers = append(answers, found...)
	}
	text := make([]string, len(answers))
	for n, l := range answers {
		text[n] = fmt.Sprintf("%s:%d: %s", l.File, l.Number, l.Origin())
	}
	return a.PrintResult(whyJSON{1, answers}, textOf(text))
}

// whyJSON is the output of --json.
type whyJSON struct {
	Version int                  `json:"version"`
	Lines   []containerfile.Line `json:"lines"`
}
