// Package shell quotes words for shells.
package shell

import (
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// Quote quotes a word for any POSIX shell. It is an error if no such shell can take
// the word, as with a zero byte or a control character. The error does not say which word: it may
// be a secret.
func Quote(word string) (string, error) {
	return syntax.Quote(word, syntax.LangPOSIX)
}

// Show quotes a word for a person who may paste it into bash. A word that no shell can
// take is shown as Go writes it.
func Show(word string) string {
	quoted, err := syntax.Quote(word, syntax.LangBash)
	if err != nil {
		return strconv.Quote(word)
	}
	return quoted
}
