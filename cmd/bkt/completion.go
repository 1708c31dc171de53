package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish,nushell" help:"bash, zsh, fish or nushell."`
}

// shims are what makes a shell ask bkt what a word may be. Each ends with the
// place that it is to be put in.
var shims = map[string]string{
	"bash": `_bkt() {
	mapfile -t COMPREPLY < <(bkt complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _bkt bkt
`,
	"zsh": `#compdef bkt
_bkt() {
	local -a found
	found=("${(@f)$(bkt complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ -n ${found[1]} ]]; then compadd -a found; else _files; fi
}
compdef _bkt bkt
`,
	"fish": `complete -c bkt -f -a '(bkt complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null; or __fish_complete_path (commandline -ct))'
`,
	"nushell": `$env.config.completions.external.completer = {|words|
	if $words.0 == "bkt" { ^bkt complete -- ...($words | skip 1) | lines } else { null }
}
`,
}

// Run prints what the shell is to read.
func (c *completionCmd) Run(a *app) error {
	_, err := fmt.Fprint(a.Out, shims[c.Shell])
	return err
}

// completeCmd is what the shells ask.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what the last word may be, one a line. Nothing means that it may
// be a file.
func (c *completeCmd) Run(ctx context.Context, a *app) error {
	parser, _, err := a.parser(ctx, commands()...)
	if err != nil {
		return err
	}
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, candidate := range candidates(parser.Model.Node, words) {
		if _, err := fmt.Fprintln(a.Out, candidate); err != nil {
			return err
		}
	}
	return nil
}

// candidates returns what the last of words may be in a command line.
func candidates(node *kong.Node, words []string) []string {
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	node = descend(node, words)
	var all []string
	switch {
	case strings.HasPrefix(last, "-"):
		all = flagsOf(node)
	case len(node.Children) > 0:
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, child.Name)
			}
		}
	default:
		for _, p := range node.Positional {
			all = append(all, p.EnumSlice()...)
		}
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" || !strings.HasPrefix(s, last) })
}

// descend returns the command that words name.
func descend(node *kong.Node, words []string) *kong.Node {
	value := false // the word is that of the flag before it
	for _, word := range words {
		if value || strings.HasPrefix(word, "-") {
			value = !value && takesValue(node, word)
			continue
		}
		for _, child := range node.Children {
			if child.Name == word {
				node = child
				break
			}
		}
	}
	return node
}

func takesValue(node *kong.Node, word string) bool {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return !f.IsBool()
			}
		}
	}
	return false
}

func flagsOf(node *kong.Node) []string {
	var all []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			all = append(all, "--"+f.Name)
		}
	}
	slices.Sort(all)
	return all
}
