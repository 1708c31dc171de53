package main

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/distrobox"
	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

type distroboxCmd struct {
	Ini iniCmd `cmd:"" help:"Print boxes of the manifest as \"distrobox assemble\" takes them."`
}

type iniCmd struct {
	Boxes []string `arg:"" optional:"" name:"box" help:"Names of boxes (default: all that are for this computer)."`
}

// Run prints boxes as an ini file.
func (c *iniCmd) Run(a *app) error {
	s, err := thisDesktop()
	if err != nil {
		return err
	}
	declared, err := distrobox.Store{InImage: domains.ToolboxInImage}.Load(s.Repo.FS())
	if err != nil {
		return err
	}
	boxes, err := c.choose(declared, s.Host)
	if err != nil {
		return err
	}
	text, notes := domains.Distrobox(s.Folders, s.Cache).Ini(boxes)
	for _, note := range notes {
		a.Note("%s", note)
	}
	_, err = fmt.Fprint(a.Out, text)
	return err
}

func (c *iniCmd) choose(declared []distrobox.Box, host string) ([]distrobox.Box, error) {
	var names []string
	for _, b := range declared {
		names = append(names, b.Name)
	}
	for _, name := range c.Boxes {
		if !slices.Contains(names, name) {
			return nil, unknownBox(name, names)
		}
	}
	return slices.DeleteFunc(declared, func(b distrobox.Box) bool {
		if len(c.Boxes) > 0 {
			return !slices.Contains(c.Boxes, b.Name)
		}
		return !b.Hosts.Include(host)
	}), nil
}

func unknownBox(name string, names []string) error {
	err := fmt.Errorf("%s declares no box %q", distrobox.File, name)
	if near, ok := strictjson.Nearest(name, names); ok {
		return hint.Add(err, "did you mean %q?", near)
	}
	return hint.Add(err, "the boxes are %s", strings.Join(names, ", "))
}
