package bounded

import (
	"fmt"
	"reflect"
	"strings"
	"text/template"
)

// A meter counts what one execution of a template does.
type meter struct {
	steps int
	depth int // of templates that use templates
	at    int // the offset of the node that is executed
}

// functions returns the functions that an instrumented template calls.
func (m *meter) functions() template.FuncMap {
	return template.FuncMap{stepName: m.step, enterName: m.enter, leaveName: m.leave, readName: m.read}
}

// step counts a node. It returns text because a template prints every result.
func (m *meter) step(at, weight int) (string, error) {
	m.at = at
	return "", m.count(weight)
}

// enterSteps is how many steps a template in a template takes.
const enterSteps = 10

func (m *meter) enter() (string, error) {
	if m.depth++; m.depth > MaxNesting {
		return "", limitError(fmt.Sprintf("the template uses templates in more than %d levels", MaxNesting))
	}
	return "", m.count(enterSteps)
}

func (m *meter) leave() string {
	m.depth--
	return ""
}

// read counts a value that a function is about to read, and returns it.
func (m *meter) read(v reflect.Value) (reflect.Value, error) {
	return v, m.count(1 + size(v)/bytesPerStep)
}

func (m *meter) count(steps int) error {
	if m.steps += steps; m.steps > MaxSteps {
		return limitError(fmt.Sprintf("the template takes more than %d steps", MaxSteps))
	}
	return nil
}

// size returns about how many bytes a value has as text.
func size(v reflect.Value) int {
	if !v.IsValid() {
		return 0
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return 0
		}
	case reflect.String:
		return v.Len()
	case reflect.Slice, reflect.Array:
		total := v.Len()
		for i := range v.Len() {
			total += size(v.Index(i))
		}
		return total
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return bytesPerStep / 2
	}
	if !v.CanInterface() {
		return 0
	}
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return len(s.String())
	}
	return len(fmt.Sprint(v.Interface()))
}

// length returns how many items a list has.
func length(list any) int {
	if v := reflect.ValueOf(list); v.Kind() == reflect.Slice || v.Kind() == reflect.Array {
		return v.Len()
	}
	return 1
}

func sizeOf(args ...any) int { return size(reflect.ValueOf(args)) }

// withLimits returns funcs and those functions of text/template that build text, both with
// a limit of what they return. A function that is not in the list below returns little
// more than it reads.
func withLimits(funcs template.FuncMap) template.FuncMap {
	all := template.FuncMap{
		"print":    variadic("print", 1, fmt.Sprint),
		"println":  variadic("println", 1, fmt.Sprintln),
		"html":     variadic("html", 6, template.HTMLEscaper), // a quote becomes &#34;
		"js":       variadic("js", 6, template.JSEscaper),     // as \u0000
		"urlquery": variadic("urlquery", 3, template.URLQueryEscaper),
		"printf":   printf,
	}
	for name, f := range funcs {
		all[name] = limited(name, f)
	}
	return all
}

// limited returns the function f of sprig with a limit of what it returns.
func limited(name string, f any) any {
	switch f := f.(type) {
	case func(int, string) string: // indent, nindent
		return func(n int, text string) (string, error) {
			lines := strings.Count(text, "\n") + 1
			return within(name, len(text)+lines*min(max(n, 0), MaxText+1), func() string { return f(n, text) })
		}
	case func(string, string, string) string: // replace
		return func(old, replacement, text string) (string, error) {
			return within(name, len(text)+strings.Count(text, old)*max(len(replacement)-len(old), 0), func() string { return f(old, replacement, text) })
		}
	case func(string, any) string: // join
		return func(separator string, list any) (string, error) {
			return within(name, sizeOf(list)+length(list)*len(separator), func() string { return f(separator, list) })
		}
	}
	return f
}

// within returns what f returns, which has at most size bytes, unless that is too large.
func within(name string, size int, f func() string) (string, error) {
	if size > MaxText {
		return "", limitError(fmt.Sprintf("%s would return more than %d KiB", name, MaxText>>10))
	}
	return f(), nil
}

// variadic returns f, whose result can be growth times as large as its arguments.
func variadic(name string, growth int, f func(...any) string) any {
	return func(args ...any) (string, error) {
		return within(name, growth*(sizeOf(args...)+len(args)), func() string { return f(args...) })
	}
}

const (
	maxWidth  = 999 // of a verb of printf
	maxGrowth = 10  // bytes for one, as in \U0010ffff
)

// printf is fmt.Sprintf. A verb can use any argument, and an argument can be used often.
func printf(format string, args ...any) (string, error) {
	verbs, largest := 0, 0
	for _, arg := range args {
		largest = max(largest, sizeOf(arg))
	}
	for rest := format; ; verbs++ {
		_, after, found := strings.Cut(rest, "%")
		if !found {
			break
		}
		rest = strings.TrimLeft(after, "+-# 0123456789.[]*")
		if flags := after[:len(after)-len(rest)]; isWide(flags) {
			return "", limitError(fmt.Sprintf("%%%s of printf has a width of more than %d", flags, maxWidth))
		}
		rest = strings.TrimPrefix(rest, "%") // %%
	}
	return within("printf", len(format)+verbs*(2*maxWidth+maxGrowth*largest), func() string { return fmt.Sprintf(format, args...) })
}

// isWide reports whether the flags of a verb have a number of more than three digits, or
// one from an argument.
func isWide(flags string) bool {
	digits := 0
	for _, c := range flags {
		if c < '0' || c > '9' {
			digits = 0
		} else if digits++; digits > 3 {
			return true
		}
	}
	return strings.Contains(flags, "*")
}
