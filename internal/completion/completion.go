// Package completion completes command lines of bkt for shells: it has the script that
// a shell reads once, and the candidates for a word.
package completion

import (
	"embed"
	"encoding/json"
	"slices"
	"strings"
)

//go:embed scripts
var scripts embed.FS

// Script returns the completion script of a shell: bash, zsh, fish or nushell.
func Script(shell string) (string, error) {
	text, err := scripts.ReadFile("scripts/completion." + strings.TrimSuffix(shell, "shell"))
	return string(text), err
}

// Places says where the script of each shell belongs, for the help of bkt.
const Places = `A shell reads the script when it starts, from a file:

	bash     ~/.local/share/bash-completion/completions/bkt, if bash-completion
	         is installed; otherwise, add to ~/.bashrc:
	         source <(bkt completion bash)
	zsh      _bkt in a folder of $fpath; ~/.zfunc is one after this line in
	         ~/.zshrc, before compinit: fpath+=~/.zfunc
	fish     ~/.config/fish/completions/bkt.fish
	nushell  ~/.config/nushell/autoload/bkt.nu`

// A Candidate is a word that the last word of a command line may become.
type Candidate struct {
	Value string `json:"value"`
	Help  string `json:"description,omitempty"` // one line; "": none
}

// A Kind says what a word of a command line may be beside its candidates.
type Kind string

// The kinds of words.
const (
	Words   Kind = "words" // nothing else
	Files   Kind = "files" // the shell completes paths
	Folders Kind = "folders"
)

// An Answer has the completions of a word.
type Answer struct {
	Kind       Kind
	Candidates []Candidate
}

// Format returns the answer as the script of a shell reads it: for most, the kind in the first
// line, and then lines with a value and its help, which a character separates. shell is "" for
// scripts of earlier versions, which get values only.
func (a Answer) Format(shell string) (string, error) {
	if shell == "nushell" {
		return a.json()
	}
	var lines []string
	if shell != "" {
		lines = append(lines, string(a.Kind))
	}
	for _, c := range a.Candidates {
		line := c.Value
		switch {
		case shell == "zsh":
			line = strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(line)
			if c.Help != "" {
				line += ":" + c.Help
			}
		case shell != "" && c.Help != "":
			line += "\t" + c.Help
		}
		lines = append(lines, line)
	}
	return strings.Join(append(lines, ""), "\n"), nil
}

// json returns the answer for nushell. null has it complete paths.
func (a Answer) json() (string, error) {
	if a.Kind != Words {
		return "null\n", nil
	}
	all := slices.Clone(a.Candidates)
	for i, c := range all {
		if strings.ContainsAny(c.Value, " \t'`$()[]{}|;#\"") {
			all[i].Value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.Value) + `"`
		}
	}
	text, err := json.Marshal(append([]Candidate{}, all...))
	return string(text) + "\n", err
}
