package autocapture

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/live"
	"bkt/internal/plan"
)

// A journal lists the files that were written into the repository and not committed yet.
// It is saved before the files are written: if a run is killed, or a hook refuses its
// commit, the next run commits them.
type journal struct {
	Files map[string]string `json:"files"` // fingerprint of the text, by name
	Lines []string          `json:"lines"` // of the commit message
	Items map[string]int    `json:"items"` // how many were captured, by domain

	Before map[string]string `json:"before,omitempty"` // fingerprint of the text that is replaced, by name
}

// newJournal returns the journal of the unfinished files, which earlier runs wrote, and
// of what this run writes for items. It is nil if there is nothing to commit.
func newJournal(earlier *journal, unfinished []string, writes []plan.Write, items []live.Item) *journal {
	j := journal{map[string]string{}, nil, map[string]int{}, map[string]string{}}
	if len(unfinished) > 0 {
		for _, name := range unfinished {
			j.Files[name] = earlier.Files[name]
		}
		j.Lines = slices.Clone(earlier.Lines)
		maps.Copy(j.Items, earlier.Items)
	}
	for _, w := range writes {
		j.Files[w.Name], j.Before[w.Name] = hash(w.New), hash(w.Old)
	}
	if len(j.Files) == 0 {
		return nil
	}
	j.add(items)
	return &j
}

// add adds the items that are captured to the message, unless an earlier run that did not
// get to all of them has done so.
func (j *journal) add(items []live.Item) {
	earlier := linesByDomain(j.Lines)
	var last *live.Domain
	for _, i := range items {
		line := "  " + i.Line(live.ToManifest)
		if i.Op == "" || slices.Contains(earlier[i.Domain.Name()], line) {
			continue
		}
		if i.Domain != last {
			last = i.Domain
			j.Lines = append(j.Lines, i.Domain.Name())
		}
		j.Lines = append(j.Lines, line)
		j.Items[i.Domain.Name()]++
	}
}

// linesByDomain returns the lines of a message by the domain that they follow.
func linesByDomain(lines []string) map[string][]string {
	all, domain := map[string][]string{}, ""
	for _, line := range lines {
		if !strings.HasPrefix(line, " ") {
			domain = line
		}
		all[domain] = append(all[domain], line)
	}
	return all
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
