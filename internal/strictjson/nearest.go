package strictjson

import (
	"strings"
	"unicode/utf8"

	"bkt/internal/hint"

	"github.com/agext/levenshtein"
)

// maxWord is the length in bytes of the longest word that Nearest looks at.
const maxWord = 100

// Nearest returns the one of known that word probably means, if any is near: at most
// two letters, or a third of them, may differ, but not all. Case does not matter. Of
// several equally near ones it is the first.
func Nearest(word string, known []string) (string, bool) {
	if len(word) > maxWord {
		return "", false
	}
	n := utf8.RuneCountInString(word)
	best, limit := "", min(max(2, n/3), n-1)
	for _, k := range known {
		// With a limit (MaxCost), Distance finds some words near that have nothing
		// in common.
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d <= limit {
			best, limit = k, d-1
		}
	}
	return best, best != ""
}

// Suggest returns err, which is about a word that is none of known, with a hint: the one that
// the word probably means, or otherwise.
func Suggest(err error, word string, known []string, otherwise string) error {
	if near, ok := Nearest(word, known); ok {
		return hint.Add(err, "did you mean %q?", near)
	}
	return hint.Add(err, "%s", otherwise)
}
