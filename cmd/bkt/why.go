package main

import (
	"fmt"
	"strings"

	"bkt/internal/containerfile"
	"bkt/internal/repo"
)

type whyCmd struct {
	Lines []string `arg:"" name:"file:line" help:"Lines of Containerfiles, as in toolbox/Containerfile:12; without a line, all that are generated."`
}

// Run prints which entry of a manifest each line comes from.
func (c *whyCmd) Run(a *app) error {
	r, err := repo.Find(".")
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
	if a.JSON {
		return a.PrintJSON(struct {
			Version int                  `json:"version"`
			Lines   []containerfile.Line `json:"lines"`
		}{1, answers})
	}
	return a.printWhy(answers)
}

// printWhy prints a line for each answer.
func (a *app) printWhy(answers []containerfile.Line) error {
	var out strings.Builder
	for _, l := range answers {
		fmt.Fprintf(&out, "%s:%d: %s\n", l.File, l.Number, describeLine(l))
	}
	_, err := a.Out.Write([]byte(out.String()))
	return err
}

// describeLine says where a line comes from.
func describeLine(l containerfile.Line) string {
	switch {
	case !l.Generated:
		return "written by hand"
	case l.At == "":
		return fmt.Sprintf("section %s, from %s", l.Section, l.Manifest)
	}
	text := fmt.Sprintf("section %s, from %s:%s: %s", l.Section, l.Manifest, l.At, l.Entry)
	if l.Comment != "" {
		text += " (" + l.Comment + ")"
	}
	return text
}
