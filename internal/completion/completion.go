// Package completion completes command lines of bkt for shells: it has the script that
// a shell reads once, and the candidates for a word.
package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// scripts are the completion scripts, by the name of the shell.
var scripts = map[string]string{
	"bash": `_bkt() {
	mapfile -t COMPREPLY < <(bkt complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	local i
	for i in "${!COMPREPLY[@]}"; do printf -v "COMPREPLY[$i]" %q "${COMPREPLY[$i]}"; done
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

// Script returns the completion script of a shell: bash, zsh, fish or nushell.
func Script(shell string) string { return scripts[shell] }

// Values returns values of the flag or argument with this name that depend on files; nil if
// there are none. word is what is typed so far.
type Values func(name, word string) []string

// Candidates returns the completions of the last of words, in a command line of the
// commands below node. None means that the word may be a file.
func Candidates(node *kong.Node, words []string, more Values) []string {
	words, typed := joinAtColon(words)
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	node = descend(node, words)
	if last == "=" { // bash splits --flag=value
		last = ""
	}
	var all []string
	switch values := valuesOf(node, words, last, more); {
	case values != nil:
		all = values
	case strings.HasPrefix(last, "-") && strings.Contains(last, "="):
		name, word, _ := strings.Cut(last, "=")
		for _, value := range valuesOf(node, []string{name}, word, more) {
			all = append(all, name+"="+value)
		}
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
			all = append(all, more(p.Name, last)...)
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" || !strings.HasPrefix(s, last) })
	for i := range all {
		all[i] = all[i][len(typed):]
	}
	return all
}

// joinAtColon joins the last words where bash splits one at a colon. typed is the part of
// it that bash keeps. Both are without the characters that quote others.
func joinAtColon(words []string) (joined []string, typed string) {
	n := len(words)
	joined = slices.Clone(words)
	switch {
	case n > 1 && words[n-1] == ":":
		typed = words[n-2] + ":"
		joined = append(joined[:n-2], typed)
	case n > 2 && words[n-2] == ":":
		typed = words[n-3] + ":"
		joined = append(joined[:n-3], typed+words[n-1])
	}
	unquoted := strings.NewReplacer(`\`, "", `"`, "", "'", "")
	if n = len(joined); n > 0 {
		joined[n-1] = unquoted.Replace(joined[n-1])
	}
	return joined, unquoted.Replace(typed)
}

// descend returns the command that words name: the deepest one below node.
func descend(node *kong.Node, words []string) *kong.Node {
	isValue := false // the word is the value of the flag before it
	for _, word := range words {
		if isValue || strings.HasPrefix(word, "-") {
			isValue = word == "=" || !isValue && takesValue(node, word)
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
	f := flag(node, word)
	return f != nil && !f.IsBool()
}

// flag returns the flag of a command that word is, or nil.
func flag(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

// valuesOf returns the values of the flag at the end of words, if it is one that has
// only some; a "=" may follow it. word is what is typed of its value.
func valuesOf(node *kong.Node, words []string, word string, more Values) []string {
	if len(words) > 1 && words[len(words)-1] == "=" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return nil
	}
	f := flag(node, words[len(words)-1])
	switch {
	case f == nil || f.IsBool():
		return nil
	case f.Enum == "":
		return more(f.Name, word)
	}
	return slices.DeleteFunc(f.EnumSlice(), func(s string) bool { return s == "" })
}

func flagsOf(node *kong.Node) []string {
	var all []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			all = append(all, "--"+f.Name)
			if f.Tag.Negatable != "" {
				all = append(all, "--no-"+f.Name)
			}
		}
	}
	slices.Sort(all)
	return all
}
