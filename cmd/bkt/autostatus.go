package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/live"
)

// autoStatusJSON is what there is to know about auto-capture. Version goes up when
// a field changes its meaning or goes away.
type autoStatusJSON struct {
	Version   int        `json:"version"`
	Enabled   bool       `json:"enabled"`
	LastRun   *time.Time `json:"last_run,omitempty"`
	Result    string     `json:"result,omitempty"` // "captured", "nothing to capture", "waiting" or "failed"
	Problems  []string   `json:"problems,omitempty"`
	Failing   *time.Time `json:"failing_since,omitempty"`
	Captured  int        `json:"captured,omitempty"` // items of the last commit
	Commit    string     `json:"commit,omitempty"`
	Committed *time.Time `json:"committed,omitempty"`
	Pending   []pending  `json:"pending,omitempty"`
	Branch    string     `json:"branch,omitempty"`      // of the remote, that was pushed to last
	Written   []string   `json:"uncommitted,omitempty"` // files that are written, and not yet committed
}

// autoStatus returns how auto-capture stands. What it has noted may be damaged,
// which is one of its problems.
func (s system) autoStatus() autoStatusJSON {
	enabled, errEnabled := s.autoEnabled()
	st, err := s.autoState()
	err = errors.Join(errEnabled, err)
	j := autoStatusJSON{Version: 1, Enabled: enabled, Result: st.Result, Problems: st.Problems, Failing: st.Failing,
		Captured: st.Captured, Commit: st.Commit, Committed: st.Committed, Pending: st.Pending}
	if !st.LastRun.IsZero() {
		j.LastRun = &st.LastRun
	}
	if st.Pushed != nil {
		j.Branch = st.Pushed.Branch
	}
	if st.Journal != nil {
		j.Written = slices.Sorted(maps.Keys(st.Journal.Files))
	}
	if err != nil {
		j.Result, j.Problems = autoFailed, append([]string{err.Error()}, hint.Of(err)...)
	}
	return j
}

// text is the status for people.
func (j autoStatusJSON) text() string {
	var out strings.Builder
	out.WriteString("auto-capture: " + j.line() + "\n")
	if j.Failing != nil {
		fmt.Fprintf(&out, "  failing since %s\n", when(*j.Failing))
	}
	for _, p := range j.Problems {
		fmt.Fprintf(&out, "  %s\n", strings.ReplaceAll(p, "\n", "\n    "))
	}
	for _, p := range j.Pending {
		if p.Why != "" {
			fmt.Fprintf(&out, "  waiting: %s %s: %s\n", p.Domain, p.Key, p.Why)
		}
	}
	if len(j.Written) > 0 {
		fmt.Fprintf(&out, "  written and not committed: %s\n", strings.Join(j.Written, ", "))
	}
	return out.String()
}

// line is the status in a line.
func (j autoStatusJSON) line() string {
	parts := []string{"not enabled (\"bkt auto-capture enable\" has it run by itself)"}
	if j.Enabled {
		parts = []string{"enabled"}
	}
	if j.LastRun != nil {
		parts = append(parts, fmt.Sprintf("last run %s: %s", when(*j.LastRun), j.Result))
	}
	if j.Committed != nil {
		parts = append(parts, fmt.Sprintf("last commit %s %s, of %s", when(*j.Committed), j.Commit, live.Amount(j.Captured)))
	}
	if j.Branch != "" {
		parts = append(parts, "pushed to "+j.Branch)
	}
	return strings.Join(parts, "; ")
}

func when(t time.Time) string { return t.Local().Format("2006-01-02 15:04") }
