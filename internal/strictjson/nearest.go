package strictjson

import (
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// maxWord is the length in bytes of the longest word for which it is worth
// looking for another that may have been meant.
const maxWord = 100

// Nearest returns the one of known that word was probably meant to be, if any
// is near: at most two letters, or a third of them, may differ, but not all.
// Upper and lower case are the same. Of several that are as near it is the first.
func Nearest(word string, known []string) (string, bool) {
	if len(word) > maxWord {
		return "", false
	}
	n := utf8.RuneCountInString(word)
	best, limit := "", min(max(2, n/3), n-1)
	for _, k := range known {
		// A limit that is passed on to Distance (MaxCost) makes some words that
		// have nothing in common seem near.
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d <= limit {
			best, limit = k, d-1
		}
	}
	return best, best != ""
}
