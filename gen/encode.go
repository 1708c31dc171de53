package gen

import (
	"fmt"
	"strings"
	"unicode"

	"mvdan.cc/sh/v3/syntax"
)

// sh renders v as one word of a shell command.
func sh(v value) (string, error) {
	word, err := quote(v.text)
	return word + v.mark(), err
}

// args renders values as further words of a shell command, one a line, each
// with option before it.
func args(option string, values []value) (string, error) {
	const line = 48 // bytes, about
	var out strings.Builder
	out.Grow(line * len(values))
	for _, v := range values {
		word, err := quote(v.text)
		if err != nil {
			return "", err
		}
		for _, part := range []string{" \\\n    ", option, word, v.mark()} {
			out.WriteString(part)
		}
	}
	return out.String(), nil
}

func quote(text string) (string, error) {
	word, err := syntax.Quote(text, syntax.LangPOSIX)
	if err != nil {
		return "", fmt.Errorf("%q cannot be a word of a shell command: %w", text, err)
	}
	return word, nil
}

// shhome renders v, a list of paths with colons between them, as one word of a
// shell command in which ~ stands for the home of whoever runs it, and $PATH
// for what it was before.
func shhome(v value) (string, error) {
	var words []string
	for part := range strings.SplitSeq(v.text, ":") {
		word, err := homeWord(part)
		if err != nil {
			return "", err
		}
		words = append(words, word)
	}
	return strings.Join(words, ":") + v.mark(), nil
}

func homeWord(path string) (string, error) {
	rest, below := strings.CutPrefix(path, "~/")
	switch {
	case path == "$PATH":
		return `"$PATH"`, nil
	case path == "~":
		return `"$HOME"`, nil
	case below:
		word, err := quote(rest)
		return `"$HOME"/` + word, err
	case path == "":
		return "", nil
	}
	return quote(path)
}

// shword renders v, a path, as a word of a shell command that is itself such a
// word: for a script that writes a script.
func shword(v value) (string, error) {
	inner, err := homeWord(v.text)
	if err != nil {
		return "", err
	}
	outer, err := quote(inner)
	return outer + v.mark(), err
}

// shglob renders v, a path in which * stands for any name, as a word of a shell
// command.
func shglob(v value) (string, error) {
	var words []string
	for part := range strings.SplitSeq(v.text, "*") {
		word, err := quote(part)
		if err != nil {
			return "", err
		}
		if part == "" {
			word = ""
		}
		words = append(words, word)
	}
	return strings.Join(words, "*") + v.mark(), nil
}

// ini renders v as a value of a .repo file, in which only a newline would end
// it; the manifests admit none.
func ini(v value) (string, error) {
	if err := oneLine(v.text); err != nil || strings.TrimSpace(v.text) != v.text {
		return "", fmt.Errorf("%q cannot be a value of a .repo file", v.text)
	}
	return v.text + v.mark(), nil
}

// toml renders v as a basic string of TOML (https://toml.io/en/v1.0.0#string).
func toml(v value) (string, error) {
	if err := oneLine(v.text); err != nil {
		return "", err
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v.text) + `"` + v.mark(), nil
}

// word renders v as it is, as a word of a Containerfile: a name that needs no
// encoding.
func word(v value) (string, error) {
	if v.text == "" || strings.ContainsAny(v.text, " \t\"'\\$<>") || oneLine(v.text) != nil {
		return "", fmt.Errorf("%q cannot be a word of a Containerfile", v.text)
	}
	return v.text + v.mark(), nil
}

// A quoter renders values of ENV and LABEL in a file whose escape character it is.
type quoter string

// inQuotes encodes text that stands in double quotes. A backslash is one where
// another character escapes.
func (q quoter) inQuotes(text string) string {
	e := string(q)
	return strings.NewReplacer(e, e+e, `"`, e+`"`, `$`, e+`$`).Replace(text)
}

// docker renders v as a value of ENV or LABEL.
func (q quoter) docker(v value) (string, error) {
	if err := oneLine(v.text); err != nil {
		return "", err
	}
	return `"` + q.inQuotes(v.text) + `"` + v.mark(), nil
}

// dockerpath renders folders as the value of PATH in ENV; $PATH stands for what
// it was before.
func (q quoter) dockerpath(folders []value) (string, error) {
	var parts []string
	marks := ""
	for _, f := range folders {
		if err := oneLine(f.text); err != nil {
			return "", err
		}
		text := f.text
		if text != "$PATH" {
			text = q.inQuotes(text)
		}
		parts, marks = append(parts, text), marks+f.mark()
	}
	return `"` + strings.Join(parts, ":") + `"` + marks, nil
}

func oneLine(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%q has a control character", text)
	}
	return nil
}
