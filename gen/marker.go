package gen

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

const (
	markerStart = "# === "
	markerEnd   = " ==="
	managed     = " (managed by bkt)"
)

// A marker is a line that begins or ends a managed section.
type marker struct {
	name string
	end  bool
}

func (m marker) String() string {
	if m.end {
		return markerStart + "END " + m.name + markerEnd
	}
	return markerStart + m.name + managed + markerEnd
}

// parseMarker reads a line that is a marker to the letter but for blanks
// around it.
func parseMarker(text string) (marker, bool) {
	text, ok := strings.CutPrefix(strings.Trim(text, " \t"), markerStart)
	if !ok {
		return marker{}, false
	}
	text, ok = strings.CutSuffix(text, markerEnd)
	if !ok {
		return marker{}, false
	}
	if name, ok := strings.CutPrefix(text, "END "); ok {
		return marker{name, true}, isName(name)
	}
	name, ok := strings.CutSuffix(text, managed)
	return marker{name, false}, ok && isName(name)
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

// nearMarker returns the marker that a comment was probably meant to be: one
// word in the decoration of a banner which is followed by "managed by", or
// which is a known name but for one letter. Prose and other banners are not
// near a marker.
func nearMarker(text string, known []string) (marker, bool) {
	comment, ok := strings.CutPrefix(strings.Trim(text, " \t"), "#")
	if !ok {
		return marker{}, false
	}
	upper := strings.ToUpper(comment)
	word, _, says := strings.Cut(upper, "MANAGED BY")
	if !says {
		word = comment
	}
	word = strings.Trim(word, " \t=-#*([<")
	rest, end := strings.CutPrefix(word, "END ")
	word = strings.ReplaceAll(strings.TrimSpace(rest), "-", "_")
	banner := strings.Contains(comment, "=")
	if !isName(word) || !says && !banner {
		return marker{}, false
	}
	i := slices.IndexFunc(known, func(k string) bool { return levenshtein.Distance(word, k, nil) <= 1 })
	if i >= 0 {
		return marker{known[i], end}, true
	}
	return marker{word, end}, says && banner
}
