package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/alecthomas/kong"
)

// Incomplete returns the context of a command line that ends where a command must follow,
// if that is what err is about. Its help is the answer.
func Incomplete(err error) (*kong.Context, bool) {
	parse, ok := errors.AsType[*kong.ParseError](err)
	if !ok || parse.Context == nil || parse.Context.Error != nil || !strings.HasPrefix(parse.Error(), "expected ") {
		return nil, false
	}
	return parse.Context, len(selected(parse.Context).Children) > 0
}

// Explain returns err, an error in a command line, in plain words, with a hint what may be
// meant or where to read more. An error of the output of --help or --version stays as it is.
func Explain(err error) error {
	parse, ok := errors.AsType[*kong.ParseError](err)
	if _, isOutput := errors.AsType[*fs.PathError](err); isOutput || !ok || parse.Context == nil {
		return err
	}
	node := selected(parse.Context)
	what, _, _ := strings.Cut(parse.Error(), ", did you mean")
	near := ""
	if word, ok := strings.CutPrefix(what, "unexpected argument "); ok {
		near = nearCommand(node, word)
	} else if word, ok := strings.CutPrefix(what, "unknown flag --"); ok {
		near = nearFlag(node, word)
	} else if arguments, ok := strings.CutPrefix(what, "expected "); ok {
		what = "missing argument: " + strings.ReplaceAll(arguments, `"`, "")
	} else if v, word, ok := refused(parse.Context); ok && strings.Contains(what, " must be one of ") {
		what, near = explainEnum(v, word)
	}
	if what != parse.Error() {
		err = errors.New(what)
	}
	if near != "" {
		return hint.Add(err, "did you mean %s?", near)
	}
	more := "arguments"
	if len(node.Children) > 0 {
		more = "commands"
	}
	return hint.Add(err, "run \"%s --help\" for the %s and flags", node.FullPath(), more)
}

// selected returns the command that c selects, or the program.
func selected(c *kong.Context) *kong.Node {
	if node := c.Selected(); node != nil {
		return node
	}
	return c.Model.Node
}

// nearCommand returns the commands that word may mean instead of one below node, quoted:
// the one with a similar name, or else those of this name elsewhere.
func nearCommand(node *kong.Node, word string) string {
	var names []string
	for _, child := range node.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	if near, ok := strictjson.Nearest(word, names); ok {
		return fmt.Sprintf("%q", node.FullPath()+" "+near)
	}
	root := node
	for root.Parent != nil {
		root = root.Parent
	}
	var elsewhere []string
	for _, leaf := range root.Leaves(true) {
		if leaf.Name == word {
			elsewhere = append(elsewhere, fmt.Sprintf("%q", leaf.FullPath()))
		}
	}
	return strings.Join(elsewhere, " or ")
}

// nearFlag returns the flag of node that the one called word may mean.
func nearFlag(node *kong.Node, word string) string {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			names = append(names, f.Name)
		}
	}
	if near, ok := strictjson.Nearest(word, names); ok {
		return fmt.Sprintf("%q", "--"+near)
	}
	return ""
}

// OrCommand returns err, which is about the arguments of a command, with the other command
// that they may mean.
func OrCommand(err error, arguments []string, command string) error {
	name := command[strings.LastIndex(command, " ")+1:]
	if len(arguments) > 0 {
		if _, ok := strictjson.Nearest(arguments[0], []string{name}); ok {
			return hint.Add(err, "did you mean %q?", command)
		}
	}
	return err
}

// refused returns the value of the command line, and a word of it, that is none of those
// that it must be.
func refused(c *kong.Context) (v *kong.Value, word string, ok bool) {
	for _, p := range c.Path {
		v := p.Positional
		if p.Flag != nil {
			v = p.Flag.Value
		}
		if v == nil || v.Enum == "" {
			continue
		}
		for _, word := range words(v.Target) {
			if !slices.Contains(v.EnumSlice(), word) {
				return v, word, true
			}
		}
	}
	return nil, "", false
}

// words returns the text of a value, or of each one in a list.
func words(v reflect.Value) []string {
	if v.Kind() != reflect.Slice {
		return []string{fmt.Sprint(v)}
	}
	var all []string
	for i := range v.Len() {
		all = append(all, fmt.Sprint(v.Index(i)))
	}
	return all
}

// explainEnum says which values v accepts, and which one word may mean.
func explainEnum(v *kong.Value, word string) (what, near string) {
	known := slices.DeleteFunc(v.EnumSlice(), func(s string) bool { return s == "" })
	if v.Flag != nil {
		what = fmt.Sprintf("--%s must be %s, not %q", v.Name, either(known), word)
	} else {
		what = fmt.Sprintf("unknown %s %q: it must be %s", v.Name, word, either(known))
	}
	if nearest, ok := strictjson.Nearest(word, known); ok {
		near = fmt.Sprintf("%q", nearest)
	}
	return what, near
}

// either joins words: "a, b or c".
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
