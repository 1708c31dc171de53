package main

import "strings"

// printDiff prints a unified diff.
func (a *app) printDiff(diff []byte) error {
	if !a.colours(a.out) {
		_, err := a.out.Write(diff)
		return err
	}
	var out strings.Builder
	for l := range strings.Lines(string(diff)) {
		out.WriteString(paintDiffLine(strings.TrimSuffix(l, "\n")) + "\n")
	}
	_, err := a.out.Write([]byte(out.String()))
	return err
}

func paintDiffLine(l string) string {
	switch {
	case strings.HasPrefix(l, "@@"):
		return cyan + l + reset
	case strings.HasPrefix(l, "+"):
		return green + l + reset
	case strings.HasPrefix(l, "-"):
		return red + l + reset
	}
	return l
}
