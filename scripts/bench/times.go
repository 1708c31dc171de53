package main

import (
	"fmt"
	"slices"
	"time"
)

// times are how long the runs of a command took.
type times []time.Duration

func (t times) sorted() times {
	t = slices.Clone(t)
	slices.Sort(t)
	return t
}

func (t times) median() time.Duration { return t.sorted()[len(t)/2] }

func ratio(a, b times, name string) string {
	return fmt.Sprintf("%.2f times %s", float64(a.median())/float64(b.median()), name)
}

func row(what string, t times, note string) {
	fmt.Printf("| %s | %s | %s | %d | %s |\n", what, short(t.median()), short(t.sorted()[0]), len(t), note)
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
