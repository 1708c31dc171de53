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
	o := Options{values: map[string][]string{}}
	takes := strings.Fields(valued)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			o.Operands = append(o.Operands, args...)
			return o
		case strings.HasPrefix(arg, "--"):
			args = o.parseLong(arg, args, takes)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args = o.parseShort(arg[1:], args, takes)
		default:
			o.Operands = append(o.Operands, arg)
		}
	}
	return o
}

// parseLong adds a long option, and its value from args. It returns the rest of
// args.
func (o Options) parseLong(arg string, args, takes []string) []string {
	name, value, hasValue := strings.Cut(arg, "=")
	if !hasValue && slices.Contains(takes, name) && len(args) > 0 {
		value, args = args[0], args[1:]
	}
	o.values[name] = append(o.values[name], value)
	return args
}

// parseShort adds the short options of one argument. The last may take its value
// from args. It returns the rest of args.
func (o Options) parseShort(letters string, args, takes []string) []string {
	for i, letter := range letters {
		name := "-" + string(letter)
		if !slices.Contains(takes, name) {
			o.values[name] = append(o.values[name], "")
			continue
		}
		value := letters[i+len(string(letter)):]
		if value == "" && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		o.values[name] = append(o.values[name], value)
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
	takes := strings.Fields(valued)
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return i + 1
		case len(arg) < 2 || arg[0] != '-':
			return i
		case slices.Contains(takes, arg) || arg[1] != '-' && slices.Contains(takes, "-"+arg[len(arg)-1:]):
			i++
		}
	}
	return len(args)
}
