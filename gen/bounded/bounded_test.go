package bounded_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/template"

	"bkt/gen/bounded"

	"github.com/Masterminds/sprig/v3"
	"github.com/google/go-cmp/cmp"
)

// functions are some functions of sprig, and one of our own.
func functions() template.FuncMap {
	all := sprig.TxtFuncMap()
	funcs := template.FuncMap{"upper": strings.ToUpper}
	for _, name := range []string{"join", "indent", "nindent", "replace", "ternary"} {
		funcs[name] = all[name]
	}
	return funcs
}

// A name has a text, as the values of a section do.
type name struct{ text string }

func (n name) String() string { return n.text }

var data = map[string]any{
	"List": []string{"a", "b", "c"}, "Names": []name{{"x"}, {"y"}}, "Text": "t", "Nothing": nil,
	"Long": strings.Repeat("x", 600<<10), "On": true, "Number": 3,
}

func execute(text string) (string, error) {
	t, err := bounded.Parse("t.tmpl", text, functions())
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = t.Execute(&out, data)
	return out.String(), err
}

// same are templates that say the same with limits and without.
var same = []string{
	"", "a", "{{/* c */}}", "{{.Text}}", "{{range .List}}{{.}},{{end}}", "{{range $i, $x := .List}}{{if $i}}, {{end}}{{$x}}{{end}}", "{{range .Nothing}}a{{else}}b{{end}}",
	"{{with .Text}}<{{.}}>{{else}}none{{end}}", "{{if and .On (eq .Text \"t\")}}y{{else if .On}}z{{else}}n{{end}}", "{{range 3}}{{.}}{{end}}", "{{range .List}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}",
	"{{range .List}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .Text}}{{template \"x\" .List}}", "{{block \"y\" .Text}}{{upper .}}{{end}}",
	"{{join \", \" .List}}", "{{.List | join \"+\" | upper | printf \"%s-%5s\" .Text}}", "{{print .Text .Number 1 true}}", "{{println .List}}", "{{printf \"%[1]s%[1]q %d %v %%\" .Text .Number .Names}}",
	"{{indent 4 \"a\\nb\"}}", "{{nindent 2 .Text}}", "{{replace \"t\" \"uu\" .Text}}", "{{ternary \"a\" \"b\" .On}}", "{{html \"<a>\" .Text}}", "{{js \"'\"}}", "{{urlquery \"a b\"}}",
	"{{len .List}} {{index .List 1}} {{slice .Text 0 1}} {{not .On}} {{or .Nothing .Text}} {{and .Nothing .Text}}", "{{eq .Text \"a\" \"t\"}} {{ne .Number 3}} {{lt 1 .Number}} {{le 1 2}} {{gt .Number 2}} {{ge 1 2}}",
	"{{eq .Nothing nil}}", "{{$x := .Text}}{{$x = print $x $x}}{{$x}}", "{{(index .Names 0).String | upper}}", "{{.Text | eq \"t\"}}", "{{print .Nothing}}", "{{`raw`}}{{'c'}}{{1.5}}", "a\n{{- range .List }}\n{{ . }}\n{{- end }}\n",
}

func TestSameAsWithoutLimits(t *testing.T) {
	for _, text := range same {
		plain, err := template.New("t.tmpl").Funcs(functions()).Option("missingkey=error").Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		if err := plain.Execute(&want, data); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		got, err := execute(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want.String(), got); diff != "" {
			t.Errorf("%s (-without +with):\n%s", text, diff)
		}
	}
}

// TestSameErrors checks that mistakes have the errors of text/template.
func TestSameErrors(t *testing.T) {
	for _, text := range []string{"{{", "{{.Text.X}}", "{{.Missing}}", "{{if}}", "{{x}}", "{{bktLeave}}", "{{index .List 9}}", "{{lt .Text 1}}", "{{template \"none\"}}", "{{printf 1}}", "{{indent -1 \"a\"}}", "{{range 1.5}}{{end}}"} {
		plain, want := template.New("t.tmpl").Funcs(functions()).Option("missingkey=error").Parse(text)
		if want == nil {
			want = plain.Execute(&strings.Builder{}, data)
		}
		_, got := execute(text)
		if want == nil || got == nil || where(want) != where(got) {
			t.Errorf("%s: %v, not %v", text, got, want)
		}
	}
}

// where returns the place that an error of text/template begins with.
func where(err error) string {
	parts := strings.SplitN(err.Error(), ":", 5)
	return strings.Join(parts[:min(3, len(parts))], ":")
}

// TestLimits checks templates on both sides of each limit.
func TestLimits(t *testing.T) {
	nested := func(n int, open, end string) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }
	calls := func(n int) string {
		var all strings.Builder
		for i := range n {
			fmt.Fprintf(&all, "{{define \"t%d\"}}{{template \"t%d\"}}{{end}}", i, i+1)
		}
		return all.String() + fmt.Sprintf("{{define \"t%d\"}}{{end}}{{template \"t0\"}}", n)
	}
	double := func(n int) string {
		return "{{$x := \"xxxxxxxxxxxxxxxx\"}}" + strings.Repeat("{{$x = print $x $x}}", n) // 16 << n bytes
	}
	tests := []struct{ name, within, beyond, err string }{
		{"size", strings.Repeat("x", bounded.MaxSource), strings.Repeat("x", bounded.MaxSource+1), "t.tmpl:1:262145: the template is larger than 256 KiB, the limit"},
		{"an empty loop", "{{range 100000}}{{end}}", "\n {{range 1000000000000}}{{end}}", "t.tmpl:2:25: the template takes more than 500000 steps, the limit"},
		{"a loop in a loop", "{{range 100}}{{range 100}}x{{continue}}{{end}}{{end}}", "{{range 30000}}{{range 100000000000}}x{{continue}}{{end}}{{end}}", "steps, the limit"},
		{"output", "{{range 6}}{{$.Long}}{{end}}", "{{range 7}}{{$.Long}}{{end}}", "t.tmpl:1:14: the template writes more than 4 MiB, the limit"},
		{"actions in actions", nested(98, "{{if true}}", "{{end}}"), nested(101, "{{if true}}", "{{end}}"), "the template has more than 100 levels of nesting, the limit"},
		{"many actions in actions", nested(48, "{{with 1}}", "{{end}}"), nested(16_000, "{{if 1}}", "{{end}}"), "the template has more than 100 levels of nesting, the limit"},
		{"parentheses", "{{" + strings.Repeat("(", 90) + "1" + strings.Repeat(")", 90) + "}}", "{{" + strings.Repeat("(", 9000) + "1" + strings.Repeat(")", 9000) + "}}", "the template has more than 100 levels of nesting, the limit"},
		{"templates in templates", calls(98), calls(101), "the template uses templates in more than 100 levels, the limit"},
		{"a template in itself", "{{define \"x\"}}{{if .}}{{template \"x\" slice . 1}}{{end}}{{end}}{{template \"x\" .List}}", "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}", "t.tmpl:1:26: the template uses templates in more than 100 levels, the limit"},
		{"a template that doubles", doubling(10), doubling(30), "steps, the limit"},
		{"a variable that doubles", double(15), double(40), "print would return more than 1024 KiB, the limit"},
		{"indent", "{{indent 1000 \"x\"}}", "{{indent 3000000000 \"x\"}}", "t.tmpl:1:3: indent would return more than 1024 KiB, the limit"},
		{"a huge indent", "{{nindent 1000 \"x\"}}", "{{nindent 9223372036854775807 \"x\\nx\"}}", "nindent would return more than 1024 KiB, the limit"},
		{"replace", "{{replace \"x\" \"y\" .Long}}", "{{replace \"\" .Long .Long}}", "replace would return more than 1024 KiB, the limit"},
		{"join", "{{join .Text .List}}", "{{join .Long .List}}", "join would return more than 1024 KiB, the limit"},
		{"printf's width", "{{printf \"%999s%.999f\" .Text 1.0}}", "{{printf \"%1000s\" .Text}}", "%1000 of printf has a width of more than 999, the limit"},
		{"printf's argument as a width", "{{printf \"%%*\" }}", "{{printf \"%*d\" 1000000 1}}", "%* of printf has a width of more than 999, the limit"},
		{"printf's verbs", "{{printf \"%s%s\" .Text .Text}}", "{{printf \"%[1]s%[1]s%[1]s\" .Long}}", "printf would return more than 1024 KiB, the limit"},
		{"html", "{{html .Text}}", "{{html .Long}}", "html would return more than 1024 KiB, the limit"},
		{"comparisons", "{{range 10}}{{eq $.Long $.Long}}{{end}}", "{{range 1000}}{{if eq $.Long (print $.Long 1)}}{{end}}{{end}}", "steps, the limit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := execute(tt.within); err != nil {
				t.Errorf("within the limit: %v", err)
			}
			_, err := execute(tt.beyond)
			if _, ok := errors.AsType[*bounded.Error](err); !ok || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("beyond the limit: %.300v", err)
			}
		})
	}
}

// doubling returns n templates, of which each uses the next one twice.
func doubling(n int) string {
	var all strings.Builder
	for i := range n {
		fmt.Fprintf(&all, "{{define \"t%d\"}}{{template \"t%d\"}}{{template \"t%d\"}}{{end}}", i, i+1, i+1)
	}
	return all.String() + fmt.Sprintf("{{define \"t%d\"}}{{end}}{{template \"t0\"}}", n)
}

// TestExecuteTwice checks that the steps of one execution do not count for the next.
func TestExecuteTwice(t *testing.T) {
	tmpl, err := bounded.Parse("t.tmpl", "{{range 100000}}{{end}}{{define \"x\"}}{{end}}{{template \"x\"}}", nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := tmpl.Execute(&strings.Builder{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzExecute checks that no template runs without end, panics or returns too much.
func FuzzExecute(f *testing.F) {
	for _, text := range same {
		f.Add(text)
	}
	for _, text := range []string{"{{indent 3000000000 .Text}}", doubling(8), "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}", "{{printf \"%[1]*.[2]*[3]f\" 12 2 6.0}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := execute(text); err == nil && len(got) > bounded.MaxOutput {
			t.Errorf("%d bytes", len(got))
		}
	})
}
