package shell

import "strings"

// A Word is a word of a command line.
type Word struct {
	Text       string // without quotes
	Start, End int    // its bytes in the line
}

// Texts returns the words without their places.
func Texts(words []Word) []string {
	var all []string
	for _, w := range words {
		all = append(all, w.Text)
	}
	return all
}

// Split splits a command line into words, by the quotes and backslashes that shells and
// desktop entries have in common. It expands nothing.
func Split(line string) []Word {
	var words []Word
	var text strings.Builder
	start, escaped := -1, false // outside a word
	quote := rune(0)
	begin := func(at int) {
		if start < 0 {
			start = at
		}
	}
	finish := func(at int) {
		if start >= 0 {
			words = append(words, Word{text.String(), start, at})
		}
		text.Reset()
		start = -1
	}
	for at, r := range line {
		switch {
		case escaped:
			text.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
			begin(at)
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			text.WriteRune(r)
		case r == '\'' || r == '"':
			quote = r
			begin(at)
		case r == ' ' || r == '\t':
			finish(at)
		default:
			text.WriteRune(r)
			begin(at)
		}
	}
	finish(len(line))
	return words
}
