package printable

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxExcerpt is the length of an excerpt of a file in a message, in characters: enough to
// find the place.
const maxExcerpt = 60

// maxMessage is the length of a message of a library with parts of a file in it.
const maxMessage = 240

// Quote returns the beginning of text, at most 60 characters, in double quotes as Go writes
// strings, and an ellipsis after them if it is longer.
func Quote(text string) string {
	short := Cut(text, maxExcerpt)
	if kept, ok := strings.CutSuffix(short, "…"); ok && short != text {
		return strconv.Quote(kept) + "…"
	}
	return strconv.Quote(text)
}

// Message returns the message of a library in one line. Words in it that are longer than an
// excerpt, such as those of a file, are cut, and so is a long message.
func Message(text string) string {
	if utf8.RuneCountInString(text) > maxExcerpt {
		words := strings.Split(text, " ")
		for i, word := range words {
			words[i] = Cut(word, maxExcerpt)
		}
		text = Cut(strings.Join(words, " "), maxMessage)
	}
	return oneLine(text)
}

// oneLine escapes hidden characters, tabs and line breaks.
func oneLine(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(Escape(text))
}

// Cut returns the first characters of text, and an ellipsis if there are more.
func Cut(text string, most int) string {
	n := 0
	for i := range text {
		if n == most {
			return text[:i] + "…"
		}
		n++
	}
	return text
}
