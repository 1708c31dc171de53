package autocapture

import (
	"errors"
	"maps"
	"slices"
	"time"

	"bkt/internal/hint"
	"bkt/internal/workspace"
)

// A Status describes the last run of auto-capture, and the changes that wait. Version
// increases when a field changes its meaning or is removed.
type Status struct {
	Version      int           `json:"version"`
	Enabled      bool          `json:"enabled"`
	LastRun      *time.Time    `json:"last_run,omitempty"`
	Result       Result        `json:"result,omitempty"`
	Problems     []string      `json:"problems,omitempty"`
	FailingSince *time.Time    `json:"failing_since,omitempty"`
	Captured     int           `json:"captured,omitempty"` // items of the last commit
	Commit       string        `json:"commit,omitempty"`
	Committed    *time.Time    `json:"committed,omitempty"`
	Pending      []PendingItem `json:"pending,omitempty"`
	Unread       []string      `json:"unread,omitempty"`      // a line for each domain, or part of one, that could not be read
	Branch       string        `json:"branch,omitempty"`      // of the remote, that the last push updated
	Uncommitted  []string      `json:"uncommitted,omitempty"` // files that are written and not committed

	UnitProblems []UnitReport `json:"unit_problems,omitempty"` // why systemd does not run it although it is enabled
}

// A UnitReport is an error of the units, with its hints.
type UnitReport struct {
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

// ReadStatus returns the status of auto-capture. If it cannot be read, that is one of
// its problems.
func ReadStatus(w workspace.Workspace) Status {
	links, errEnabled := enabledHere(w)
	st, err := readState(w)
	err = errors.Join(errEnabled, err)
	s := Status{Version: 1, Enabled: len(links) > 0, Result: st.Result, Problems: st.Problems, FailingSince: st.FailingSince,
		Captured: st.Captured, Commit: st.Commit, Committed: st.Committed, Pending: st.Pending, Unread: st.Unread}
	if !st.LastRun.IsZero() {
		s.LastRun = &st.LastRun
	}
	if st.Pushed != nil {
		s.Branch = st.Pushed.Branch
	}
	if st.Journal != nil {
		s.Uncommitted = slices.Sorted(maps.Keys(st.Journal.Files))
	}
	if len(links) > 0 {
		broken, errUnits := brokenUnits(w, links)
		err = errors.Join(err, errUnits)
		for _, e := range broken {
			s.UnitProblems = append(s.UnitProblems, UnitReport{e.Error(), hint.Of(e)})
		}
	}
	if err != nil {
		s.Result, s.Problems = Failed, append([]string{err.Error()}, hint.Of(err)...)
	}
	return s
}
