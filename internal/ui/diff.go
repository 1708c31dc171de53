package ui

import (
	"fmt"
	"strings"

	"bkt/internal/plan"
)

// PrintDiffs prints how the text of files changes.
func (p *Printer) PrintDiffs(changes plan.Plan) error {
	for _, c := range changes {
		if err := p.PrintDiff(diffOf(c)); err != nil {
			return err
		}
	}
	return nil
}

// PrintSteps prints the commands that a plan runs, and how the text of files changes.
func (p *Printer) PrintSteps(changes plan.Plan) error {
	for _, c := range changes {
		for _, step := range c.Steps {
			if d, ok := step.(interface{ Diff() []byte }); ok {
				if err := p.PrintDiff(d.Diff()); err != nil {
					return err
				}
				continue
			}
			if _, err := fmt.Fprintln(p.Out, "$ "+step.String()); err != nil {
				return err
			}
		}
	}
	return nil
}

// diffOf returns the effect of a change on text.
func diffOf(c plan.Change) []byte {
	var text []byte
	for _, s := range c.Steps {
		if d, ok := s.(interface{ Diff() []byte }); ok {
			text = append(text, d.Diff()...)
		}
	}
	return text
}

// PrintDiff prints a unified diff, in colour if the output shows colours.
func (p *Printer) PrintDiff(diff []byte) error {
	if !p.colours(p.Out) {
		_, err := p.Out.Write(diff)
		return err
	}
	var out strings.Builder
	for l := range strings.Lines(string(diff)) {
		out.WriteString(paintDiffLine(strings.TrimSuffix(l, "\n")) + "\n")
	}
	_, err := p.Out.Write([]byte(out.String()))
	return err
}

func paintDiffLine(l string) string {
	switch {
	case strings.HasPrefix(l, "@@"):
		return Cyan + l + reset
	case strings.HasPrefix(l, "+"):
		return Green + l + reset
	case strings.HasPrefix(l, "-"):
		return Red + l + reset
	}
	return l
}
