package autocapture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/live"
)

// A journal lists the files that were written into the repository and not committed yet.
// It is saved before the files are written: if a run is killed, or a hook refuses its
// commit, the next run commits them.
type journal struct {
	Files map[string]string `json:"files"` // fingerprint of the text, by name
	Lines []string          `json:"lines"` // of the commit message
	Items map[string]int    `json:"items"` // how many were captured, by domain
}

// newJournal returns the journal of the unfinished files, which earlier runs wrote, and
// of the texts that this run writes for items. It is nil if there is nothing to commit.
func newJournal(earlier *journal, unfinished []string, texts map[string][]byte, items []live.Item) *journal {
	j := journal{map[string]string{}, nil, map[string]int{}}
	if len(unfinished) > 0 {
		for _, name := range unfinished {
			j.Files[name] = earlier.Files[name]
		}
		j.Lines = slices.Clone(earlier.Lines)
		maps.Copy(j.Items, earlier.Items)
	}
	for name, text := range texts {
		j.Files[name] = hash(text)
	}
	if len(j.Files) == 0 {
		return nil
	}
	var last *live.Domain
	for _, i := range items {
		if i.Op == "" {
			continue
		}
		if i.Domain != last {
			last = i.Domain
			j.Lines = append(j.Lines, i.Domain.Name())
		}
		j.Lines = append(j.Lines, "  "+i.Line(live.ToManifest))
		j.Items[i.Domain.Name()]++
	}
	return &j
}

// count returns how many items were captured.
func (j journal) count() int {
	n := 0
	for _, items := range j.Items {
		n += items
	}
	return n
}

// message returns the commit message.
func (j journal) message(host string) string {
	var counts []string
	for _, domain := range slices.Sorted(maps.Keys(j.Items)) {
		counts = append(counts, fmt.Sprintf("%s=%d", domain, j.Items[domain]))
	}
	changes := "1 change"
	if n := j.count(); n != 1 {
		changes = fmt.Sprintf("%d changes", n)
	}
	return fmt.Sprintf("Capture %s on %s\n\n%s\n\nBkt-Host: %s\nBkt-Captured: %s\n",
		changes, host, strings.Join(j.Lines, "\n"), host, strings.Join(counts, " "))
}
