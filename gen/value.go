package gen

import (
	"strconv"
	"strings"

	"bkt/internal/manifest"
)

// An Origin says which entry of a manifest generated a line.
type Origin struct {
	Line           int    // in the Containerfile, from 1
	Section        string // of the line
	manifest.Entry        // without a position: no single entry
}

// A value is text of a manifest for a template. It remembers its entry, so that the
// line that it is rendered into can be traced.
type value struct {
	text  string
	entry int // index into the entries of the section, from 1; 0: none
}

// String returns the unencoded text, for templates that compare it.
func (v value) String() string { return v.text }

// A mark follows each rendered value: the number of its entry between two NULs. No
// manifest has a NUL, and splitMarks removes the marks again.
const nul = "\x00"

func (v value) mark() string {
	if v.entry == 0 {
		return ""
	}
	return nul + strconv.Itoa(v.entry) + nul
}

// splitMarks removes the marks from rendered text and returns the entry of each line:
// the first if there are several, 0 for none. last is the number of the last entry:
// a template can write marks, too.
func splitMarks(marked string, last int) (text string, entries []int) {
	var out strings.Builder
	out.Grow(len(marked))
	entries = make([]int, 0, strings.Count(marked, "\n"))
	for l := range strings.Lines(marked) {
		first := 0
		for {
			before, rest, ok := strings.Cut(l, nul)
			out.WriteString(before)
			if !ok {
				break
			}
			number, after, _ := strings.Cut(rest, nul)
			if n, err := strconv.Atoi(number); err == nil && first == 0 && n > 0 && n <= last {
				first = n
			}
			l = after
		}
		entries = append(entries, first)
	}
	return out.String(), entries
}
