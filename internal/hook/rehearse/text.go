package rehearse

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"bkt/internal/buildkit"

	"github.com/rogpeppe/go-internal/diff"
)

// maxText is the size of a text whose lines are compared, in bytes.
const maxText = 1 << 20

// readText returns the lines of a text file in a container. It is not ok if the file is no
// text, too large, or missing. It follows a link; places are paths that mean the home.
func readText(ctx context.Context, c container, name string, places ...string) (lines []string, ok bool, err error) {
	if name, err = c.target(ctx, name, places); err != nil {
		return nil, false, err
	}
	tree, in := c.in(name)
	data, err := tree.ReadStart(ctx, in, maxText+1)
	if err != nil && (buildkit.IsMissing(err) || strings.Contains(err.Error(), "not a regular file")) {
		return nil, false, nil // a link that leads nowhere, or a folder, before hooks made it a file
	}
	if err != nil {
		return nil, false, err
	}
	if len(data) > maxText || bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
		return nil, false, nil
	}
	text := strings.TrimSuffix(string(data), "\n")
	if text == "" {
		return nil, true, nil
	}
	return strings.Split(text, "\n"), true, nil
}

// differingLines returns the lines that a file of both containers has in one of them, after
// "-" and "+"; none if it is no text.
func differingLines(ctx context.Context, before, after container, name string) ([]string, error) {
	old, ok, err := readText(ctx, before, name)
	if err != nil || !ok {
		return nil, err
	}
	now, ok, err := readText(ctx, after, name)
	if err != nil || !ok {
		return nil, err
	}
	return diffLines(old, now), nil
}

// diffLines returns the lines that differ, after "-" and "+".
func diffLines(old, now []string) []string {
	text := diff.Diff("a", joined(old), "b", joined(now))
	var lines []string
	for i, line := range strings.Split(string(text), "\n") {
		if i > 2 && (strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")) { // after the names
			lines = append(lines, line)
		}
	}
	return lines
}

func joined(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// A bag counts lines, without what says nothing: blanks around them, and a comma or
// semicolon at their end, which lists have after all items but the last.
type bag map[string]int

func bagOf(lines []string) bag {
	b := bag{}
	for _, line := range lines {
		if line = strings.TrimRight(strings.TrimSpace(line), ",;"); line != "" {
			b[line]++
		}
	}
	return b
}

// minus returns the lines of b that are not in other, or less often.
func (b bag) minus(other bag) bag {
	rest := bag{}
	for line, n := range b {
		if n > other[line] {
			rest[line] = n - other[line]
		}
	}
	return rest
}

// count returns how many lines there are.
func (b bag) count() (n int) {
	for _, k := range b {
		n += k
	}
	return n
}
