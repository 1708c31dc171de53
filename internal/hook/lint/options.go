package lint

import (
	"slices"
	"strings"
)

// options are the arguments of a command, sorted as getopt does.
type options struct {
	given    map[string][]string // the values of each option, "" where it has none
	operands []string
}

// parseOptions sorts arguments. valued are the options that take a value, with
// blanks between them.
func parseOptions(args []string, valued string) options {
	o := options{given: map[string][]string{}}
	takes := strings.Fields(valued)
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			o.operands = append(o.operands, args...)
			return o
		case strings.HasPrefix(arg, "--"):
			args = o.long(arg, args, takes)
		case strings.HasPrefix(arg, "-") && arg != "-":
			args = o.short(arg[1:], args, takes)
		default:
			o.operands = append(o.operands, arg)
		}
	}
	return o
}

// long takes a long option, and its value from args, of which it returns the rest.
func (o options) long(arg string, args, takes []string) []string {
	name, value, given := strings.Cut(arg, "=")
	if !given && slices.Contains(takes, name) && len(args) > 0 {
		value, args = args[0], args[1:]
	}
	o.given[name] = append(o.given[name], value)
	return args
}

// short takes short options that stand in one argument, the last of which may
// take a value.
func (o options) short(letters string, args, takes []string) []string {
	for i, letter := range letters {
		name := "-" + string(letter)
		if !slices.Contains(takes, name) {
			o.given[name] = append(o.given[name], "")
			continue
		}
		value := letters[i+len(string(letter)):]
		if value == "" && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		o.given[name] = append(o.given[name], value)
		break
	}
	return args
}

// has reports whether one of the options is given.
func (o options) has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return o.given[n] != nil })
}

// values returns the values of the options.
func (o options) values(names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, o.given[n]...)
	}
	return all
}

// command returns the index of the first argument that is neither an option
// nor the value of one: where programs that run others find the other.
func command(args []string, valued string) int {
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
