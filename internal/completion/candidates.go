package completion

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Values returns the values that a flag or an argument may have according to the
// repository. name is that of the argument or of the placeholder of the flag, in lower case;
// command is the command without the name of the program; word is what is typed so far.
type Values func(command, name, word string) []Candidate

// Complete returns the completions of the last of words, in a command line of the commands
// below root.
func Complete(root *kong.Node, words []string, more Values) Answer {
	words, typed := joinAtColon(words)
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	if last == "=" { // bash splits --flag=value
		words, last = append(slices.Clone(words), "="), ""
	}
	node, arguments := descend(root, words)
	answer, prefix := Answer{Kind: Words}, ""
	switch f := valueOf(node, words); {
	case f != nil:
		answer = values(node, f.Value, last, more)
	case strings.HasPrefix(last, "-") && strings.Contains(last, "="):
		name, word, _ := strings.Cut(last, "=")
		if f := flag(node, name); f != nil && !f.IsBool() {
			answer, prefix = values(node, f.Value, word, more), name+"="
		}
	case strings.HasPrefix(last, "-"):
		answer.Candidates = flagsOf(node)
	case node.Name == "help" && node.Parent == root:
		node, _ = descend(root, arguments)
		answer.Candidates = commandsOf(node)
	default:
		answer = argument(node, arguments, last, more)
	}
	var all []Candidate
	for _, c := range answer.Candidates {
		value := prefix + c.Value
		if c.Value != "" && strings.HasPrefix(value, last) && !slices.Contains(arguments, value) {
			all = append(all, Candidate{value[len(typed):], firstSentence(c.Help)})
		}
	}
	answer.Candidates = all
	return answer
}

// Folder returns the folder that the flag -C in words names; "" if there is none.
func Folder(root *kong.Node, words []string) string {
	words = words[:max(len(words)-1, 0)] // the last is not complete
	for i, word := range words {
		switch f := flag(root, word); {
		case f != nil && f.Name == "directory" && i+1 < len(words):
			return words[i+1]
		case strings.HasPrefix(word, "--directory="), len(word) > 2 && strings.HasPrefix(word, "-C"):
			return strings.TrimPrefix(strings.TrimPrefix(word, "--directory="), "-C")
		}
	}
	return ""
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

// descend returns the command that words name, the deepest one below node, and the words
// that are its arguments.
func descend(node *kong.Node, words []string) (command *kong.Node, arguments []string) {
	isValue := false // the word is the value of the flag before it
	for _, word := range words {
		if isValue || word == "=" || strings.HasPrefix(word, "-") {
			isValue = word == "=" || !isValue && takesValue(node, word)
			continue
		}
		i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word })
		if i < 0 || len(arguments) > 0 {
			arguments = append(arguments, word)
			continue
		}
		node = node.Children[i]
	}
	return node, arguments
}

func takesValue(node *kong.Node, word string) bool {
	f := flag(node, word)
	return f != nil && !f.IsBool()
}

// flag returns the flag of a command that word is, or nil.
func flag(node *kong.Node, word string) *kong.Flag {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

// valueOf returns the flag at the end of words whose value follows, or nil; a "=" may follow
// the flag.
func valueOf(node *kong.Node, words []string) *kong.Flag {
	if n := len(words); n > 1 && words[n-1] == "=" {
		words = words[:n-1]
	}
	if len(words) == 0 || !takesValue(node, words[len(words)-1]) {
		return nil
	}
	return flag(node, words[len(words)-1])
}

// argument returns the completions of the next argument of a command, or of the next command.
func argument(node *kong.Node, arguments []string, last string, more Values) Answer {
	answer := Answer{Kind: Words}
	if len(arguments) == 0 {
		answer.Candidates = commandsOf(node)
	}
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	if len(node.Positional) == 0 {
		return answer
	}
	n := min(len(arguments), len(node.Positional)-1)
	if n < len(arguments) && !node.Positional[n].IsCumulative() {
		return answer // there are all of them
	}
	found := values(node, node.Positional[n], last, more)
	return Answer{found.Kind, append(answer.Candidates, found.Candidates...)}
}

// values returns the values of a flag or an argument.
func values(node *kong.Node, v *kong.Value, word string, more Values) Answer {
	if v.Enum != "" {
		var all []Candidate
		for _, value := range v.EnumSlice() {
			all = append(all, Candidate{Value: value})
		}
		return Answer{Words, all}
	}
	name := v.Name
	if v.Flag != nil && v.Flag.PlaceHolder != "" && name != "stage" {
		name = strings.ToLower(v.Flag.PlaceHolder)
	}
	switch name {
	case "dir", "old", "dest":
		return Answer{Kind: Folders}
	case "file", "path", "base", "ours", "theirs", "file:line": // some are of merge-manifest
		return Answer{Kind: Files}
	}
	return Answer{Words, more(node.Path(), name, word)}
}

func commandsOf(node *kong.Node) []Candidate {
	var all []Candidate
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, Candidate{child.Name, child.Help})
		}
	}
	return all
}

func flagsOf(node *kong.Node) []Candidate {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	var all []Candidate
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			all = append(all, Candidate{"--" + f.Name, f.Help})
			if f.Tag.Negatable != "" {
				all = append(all, Candidate{"--no-" + f.Name, "The opposite of --" + f.Name})
			}
		}
	}
	slices.SortFunc(all, func(a, b Candidate) int { return strings.Compare(a.Value, b.Value) })
	return all
}

// firstSentence returns the first sentence of a help text, without its examples and defaults.
func firstSentence(help string) string {
	help, _, _ = strings.Cut(help, "\n")
	for _, end := range []string{". ", " (", ", e.g. ", ": "} {
		help, _, _ = strings.Cut(help, end)
	}
	return strings.TrimSuffix(help, ".")
}
