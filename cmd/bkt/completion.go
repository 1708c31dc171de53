package main

import (
	"context"
	"strings"

	"bkt/internal/completion"
	"bkt/internal/containerfile"
	"bkt/internal/live"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,nushell" help:"Shell: bash, zsh, fish or nushell."`
}

// Run prints the completion script of a shell.
func (c *completionCmd) Run(a *app) error {
	script := completion.Script(c.Shell)
	return a.PrintResult(completionJSON{1, c.Shell, script}, script)
}

// completionJSON is the output of --json.
type completionJSON struct {
	Version int    `json:"version"`
	Shell   string `json:"shell"`
	Script  string `json:"script"`
}

// completeCmd is what the completion scripts run.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints the candidates for the last word, one a line.
func (c *completeCmd) Run(ctx context.Context, a *app) error {
	parser, _, err := a.parser(ctx, commands()...)
	if err != nil {
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	return a.Print(textOf(completion.Candidates(parser.Model.Node, words, a.valuesOf)))
}

// valuesOf returns the values of a flag or an argument that depend on the repository.
func (a *app) valuesOf(name, word string) []string {
	switch name {
	case "stage":
		r, err := a.repository()
		if err != nil {
			return nil
		}
		return containerfile.Stages(r)
	case "domain":
		s, err := live.Find(a.links)
		if err != nil {
			return nil
		}
		return s.Names(word)
	}
	return nil
}

// textOf returns lines, each of them ended.
func textOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
