package section

import (
	"slices"
	"strings"
	"unicode"

	"github.com/agext/levenshtein"
)

const (
	markerStart = "# === "
	markerEnd   = " ==="
	managed     = " (managed by bkt)"
)

// A Marker is a line that begins or ends a managed section.
type Marker struct {
	Name string
	End  bool
}

// String returns the line.
func (m Marker) String() string {
	if m.End {
		return markerStart + "END " + m.Name + markerEnd
	}
	return markerStart + m.Name + managed + markerEnd
}

// parseMarker parses a line that is exactly a marker, except for blanks around it.
func parseMarker(text string) (Marker, bool) {
	text, ok := strings.CutPrefix(strings.Trim(text, " \t"), markerStart)
	if !ok {
		return Marker{}, false
	}
	text, ok = strings.CutSuffix(text, markerEnd)
	if !ok {
		return Marker{}, false
	}
	if name, ok := strings.CutPrefix(text, "END "); ok {
		return Marker{name, true}, isName(name)
	}
	name, ok := strings.CutSuffix(text, managed)
	return Marker{name, false}, ok && isName(name)
}

// isName reports whether s has the form [A-Z][A-Z0-9_]*.
func isName(s string) bool {
	for i, r := range s {
		letter := 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

// nearMarker returns the marker that a comment was probably meant to be: a comment
// with "managed by bkt" and a known name or in a banner, or a banner whose one word
// differs from a known name by at most a letter. Prose and other banners are not near
// a marker.
func nearMarker(text string, known []string) (Marker, bool) {
	comment, ok := strings.CutPrefix(strings.Trim(text, " \t"), "#")
	if !ok {
		return Marker{}, false
	}
	head, _, says := strings.Cut(strings.ReplaceAll(strings.ToUpper(comment), ":", ""), "MANAGED BY BKT")
	if !says {
		head = comment
	}
	rest, end := strings.CutPrefix(strings.TrimLeftFunc(head, decorates), "END ")
	words := strings.FieldsFunc(rest, decorates)
	name := strings.Join(words, "_")
	if !isName(name) || !says && (len(words) > 1 && !strings.Contains(rest, "-") || !isBanner(comment)) {
		return Marker{}, false
	}
	i := slices.IndexFunc(known, func(k string) bool { return levenshtein.Distance(name, k, nil) <= 1 })
	if i >= 0 {
		return Marker{known[i], end}, true
	}
	return Marker{name, end}, says && len(words) == 1 && isBanner(comment)
}

// decorates reports whether r is a character of banners, or separates words.
func decorates(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// isBanner reports whether a comment has decoration other than blanks.
func isBanner(comment string) bool {
	return strings.ContainsFunc(comment, func(r rune) bool { return decorates(r) && !unicode.IsSpace(r) && !strings.ContainsRune(".,()", r) })
}
