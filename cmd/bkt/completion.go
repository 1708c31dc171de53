package main

import (
	"context"
	"os"
	"strings"

	"bkt/internal/completion"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,nushell" help:"Shell: bash, zsh, fish or nushell."`
}

// Help implements kong's interface for help of several lines.
func (*completionCmd) Help() string { return completion.Places }

// Run prints the completion script of a shell.
func (c *completionCmd) Run(a *app) error {
	script, err := completion.Script(c.Shell)
	if err != nil {
		return err
	}
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
	For   string   `enum:"bash,zsh,fish,nushell," default:""`
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints the candidates for the last word, one a line. It needs the model of one command
// if the words name it.
func (c *completeCmd) Run(ctx context.Context, a *app) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	among, ok := likely(words[:max(len(words)-1, 0)])
	if !ok || len(among) == 0 || among[0].name == "help" {
		among = commands()
	}
	parser, _, err := a.parser(ctx, among...)
	if err != nil {
		return err
	}
	root := parser.Model.Node
	if dir := completion.Folder(root, words); dir != "" {
		_ = os.Chdir(dir) // otherwise the command itself prints the error
	}
	r, _ := a.repository() // without one, nothing depends on it
	text, err := completion.Complete(root, words, completion.InRepository(r)).Format(c.For)
	if err != nil {
		return err
	}
	return a.Print(text)
}

// textOf returns lines, each of them ended.
func textOf(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
