package command

import (
	"slices"
	"strings"
)

// Options are the arguments of a command, sorted as getopt does.
type Options struct {
	Operands []string
	values   map[string][]string // of each option, "" where it has none
}

// ParseOptions sorts arguments. valued are the options that take a value, with
// blanks between them.
func ParseOptions(args []string, valued string) Options {
	var o Options
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			o.Operands = append(o.Operands, args...)
			return o
		case strings.HasPrefix(arg, "--"):
			args = o.parseLong(arg, args, valued)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args = o.parseShort(arg[1:], args, valued)
		default:
			o.Operands = append(o.Operands, arg)
		}
	}
	return o
}

func (o *Options) add(name, value string) {
	if o.values == nil {
		o.values = map[string][]string{}
	}
	o.values[name] = append(o.values[name], value)
}

// In reports whether a list, with blanks between its words, has a word.
func In(list, word string) bool {
	for start := 0; word != ""; start++ {
		i := strings.Index(list[start:], word)
		if i < 0 {
			return false
		}
		start += i
		end := start + len(word)
		if (start == 0 || isBlank(rune(list[start-1]))) && (end == len(list) || isBlank(rune(list[end]))) {
			return !strings.ContainsFunc(word, isBlank) // an argument in quotes can have blanks
		}
	}
	return false
}

func isBlank(c rune) bool { return c == ' ' || c == '\n' || c == '\t' }

// parseLong adds a long option, and its value from args. It returns the rest of
// args.
func (o *Options) parseLong(arg string, args []string, valued string) []string {
	name, value, hasValue := strings.Cut(arg, "=")
	if !hasValue && In(valued, name) && len(args) > 0 {
		value, args = args[0], args[1:]
	}
	o.add(name, value)
	return args
}

// parseShort adds the short options of one argument. The last may take its value
// from args. It returns the rest of args.
func (o *Options) parseShort(letters string, args []string, valued string) []string {
	for i, letter := range letters {
		name := "-" + string(letter)
		if !In(valued, name) {
			o.add(name, "")
			continue
		}
		value := letters[i+len(string(letter)):]
		if value == "" && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		o.add(name, value)
		break
	}
	return args
}

// Has reports whether one of the options is set.
func (o Options) Has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return o.values[n] != nil })
}

// Values returns the values of the options.
func (o Options) Values(names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, o.values[n]...)
	}
	return all
}

// FirstOperand returns the index of the first argument that is neither an option
// nor the value of one; len(args) if all are. Programs that run another find its
// name there.
func FirstOperand(args []string, valued string) int {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return i + 1
		case len(arg) < 2 || arg[0] != '-':
			return i
		case In(valued, arg) || arg[1] != '-' && In(valued, "-"+arg[len(arg)-1:]):
			i++
		}
	}
	return len(args)
}
