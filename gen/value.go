package gen

import (
	"strconv"
	"strings"

	"bkt/internal/manifest"
)

// An Origin is where a generated line comes from.
type Origin struct {
	Line           int    // in the Containerfile, from 1
	Section        string // the section that the line is in
	manifest.Entry        // zero but for File: no single entry
}

// A value is text of a manifest on its way into a section. It remembers which
// entry it is, so that the line that it ends up on can be traced.
type value struct {
	text  string
	entry int // index into the entries of the section, from 1; 0: none
}

// String returns the text without encoding it, for templates that compare it.
func (v value) String() string { return v.text }

// Rendered values are followed by a mark: the number of their entry between
// two NULs. No manifest holds a NUL, and splitMarks takes the marks out again.
const nul = "\x00"

func (v value) mark() string {
	if v.entry == 0 {
		return ""
	}
	return nul + strconv.Itoa(v.entry) + nul
}

// splitMarks takes the marks out of rendered text and returns the entry that
// each line has, 0 for those with none. Of several in a line the first counts.
func splitMarks(marked string) (text string, entries []int) {
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
			if n, err := strconv.Atoi(number); err == nil && first == 0 {
				first = n
			}
			l = after
		}
		entries = append(entries, first)
	}
	return out.String(), entries
}
