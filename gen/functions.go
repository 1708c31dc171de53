package gen

import (
	"strings"
	"text/template"

	"bkt/internal/encode"

	"github.com/Masterminds/sprig/v3"
)

// functions returns the functions of templates in addition to text/template's own:
// those that encode values, and those of sprig that depend only on their arguments.
// escape is the escape character of the Containerfile.
func functions(escape string) template.FuncMap {
	file := encode.Containerfile(escape)
	funcs := template.FuncMap{
		"args": args, "sh": marked(encode.Shell), "shhome": marked(encode.ShellHome),
		"shword": marked(encode.ShellNested), "shglob": marked(encode.ShellGlob),
		"ini": marked(encode.INI), "toml": marked(encode.TOML), "word": marked(encode.Word),
		"docker": marked(file.Value), "dockerpath": pathFunction(file),
	}
	all := sprig.TxtFuncMap()
	for _, name := range []string{"join", "indent", "nindent", "trim", "replace", "contains", "hasPrefix", "hasSuffix", "ternary"} {
		funcs[name] = all[name]
	}
	return funcs
}

// marked returns a function for templates that encodes the text of a value and
// keeps its mark.
func marked(encode func(string) (string, error)) func(value) (string, error) {
	return func(v value) (string, error) {
		text, err := encode(v.text)
		return text + v.mark(), err
	}
}

// args renders values as further words of a shell command, one a line, each
// with option before it.
func args(option string, values []value) (string, error) {
	const line = 48 // bytes, about
	var out strings.Builder
	out.Grow(line * len(values))
	for _, v := range values {
		word, err := encode.Shell(v.text)
		if err != nil {
			return "", err
		}
		for _, part := range []string{" \\\n    ", option, word, v.mark()} {
			out.WriteString(part)
		}
	}
	return out.String(), nil
}

// pathFunction returns the function that renders folders as the value of PATH.
func pathFunction(file encode.Containerfile) func([]value) (string, error) {
	return func(folders []value) (string, error) {
		texts, marks := make([]string, len(folders)), ""
		for i, f := range folders {
			texts[i] = f.text
			marks += f.mark()
		}
		text, err := file.Path(texts)
		return text + marks, err
	}
}
