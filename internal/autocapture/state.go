package autocapture

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/live"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/statefile"
	"bkt/internal/workspace"
)

// stateVersion is the version of the format of a state.
const stateVersion = 1

// A state is what one run stores for the next.
type state struct {
	Version      int           `json:"version"`
	LastRun      time.Time     `json:"last_run"`
	Result       Result        `json:"result"`
	Problems     []string      `json:"problems,omitempty"`
	FailingSince *time.Time    `json:"failing_since,omitempty"`
	Captured     int           `json:"captured,omitempty"` // items of the last commit
	Commit       string        `json:"commit,omitempty"`
	Committed    *time.Time    `json:"committed,omitempty"`
	Pending      []PendingItem `json:"pending,omitempty"`
	Unread       []string      `json:"unread,omitempty"` // a line for each domain or part that could not be read
	Journal      *journal      `json:"journal,omitempty"`
	Unpushed     bool          `json:"unpushed,omitempty"`
	Pushed       *pushed       `json:"pushed,omitempty"`   // by the last push
	Computer     string        `json:"computer,omitempty"` // generated id, where the system has no machine id
	LastNotified string        `json:"told,omitempty"`     // fingerprint of the error that the desktop showed last
}

// A Result is how a run ended.
type Result string

// The results, as --json prints them.
const (
	Captured Result = "captured"
	Nothing  Result = "nothing to capture"
	Waiting  Result = "waiting"
	Failed   Result = "failed"
)

// A PendingItem is an item that a later run captures, or that was refused.
type PendingItem struct {
	Domain string    `json:"domain"`
	Key    string    `json:"key"`
	Sum    string    `json:"sum"` // fingerprint of the value, which may be a secret
	Since  time.Time `json:"since"`
	Reason string    `json:"why,omitempty"` // why it waits; "": it was refused
}

// hash returns the fingerprint of a text.
func hash(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// stateFolder returns the folder with the state for a repository on this computer.
func stateFolder(w workspace.Workspace) string {
	return filepath.Join(w.Folders.State, "bkt", "auto-capture", w.ID(), w.Host)
}

const stateName = "state.json"

func stateFile(w workspace.Workspace) string { return filepath.Join(stateFolder(w), stateName) }

// readState returns the state that the last run left.
func readState(w workspace.Workspace) (state, error) {
	text, err := plainfile.Read(stateFile(w), plainfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return state{Version: stateVersion}, nil
	}
	if err != nil {
		return state{}, patherr.TrimOp(err)
	}
	return parseState(stateFile(w), text)
}

// withoutState is what happens without the state of auto-capture.
const withoutState = "without it, auto-capture no longer knows which changes it has written and not committed (\"git status\" shows them), and whether it has pushed its last commit"

// parseState returns the state with a text. The error of a text that bkt cannot use is a
// [statefile.Problem].
func parseState(path string, text []byte) (state, error) {
	var header struct {
		Version int             `json:"version"`
		LastRun json.RawMessage `json:"last_run"`
	}
	var st state
	err := json.Unmarshal(text, &header)
	switch {
	case err == nil && header.Version > stateVersion:
		return st, statefile.Newer(path, header.Version, stateVersion)
	case err == nil && (header.Version != stateVersion || header.LastRun == nil):
		err = errors.New("has no version, or no last run")
	case err == nil:
		err = json.Unmarshal(text, &st)
	}
	if err != nil {
		return state{}, statefile.Damaged(path, fmt.Errorf("%s: %w", path, err), withoutState)
	}
	return st, nil
}

// CheckState returns the error of the state of auto-capture at path, nil if bkt can use it.
func CheckState(path string, text []byte) error {
	_, err := parseState(path, text)
	return err
}

// StatePattern is the pattern of the states of all repositories in bkt's folder for state.
const StatePattern = "auto-capture/*/*/" + stateName

// save plans to write the state.
func (st state) save(w workspace.Workspace) (plan.Plan, error) {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return nil, err
	}
	file := stateFile(w)
	return plan.Plan{{Op: plan.Modify, Targets: []string{file}, Steps: []plan.Step{
		plan.Overwrite{Path: file, Text: append(text, '\n'), Private: w.Private()},
	}}}, nil
}

// unchangedSince returns since when an item has had its value: now, unless the last run
// saw the same value.
func (st state) unchangedSince(i live.Item, now time.Time) time.Time {
	for _, p := range st.Pending {
		if p.Domain == i.Domain.Name() && p.Key == i.MaskedKey() && p.Sum == i.Sum() && p.Since.Before(now) {
			return p.Since
		}
	}
	return now
}

// setResult notes how a run ended.
func (st *state) setResult(now time.Time, result Result, err error) {
	st.LastRun, st.Result, st.Problems = now, result, nil
	for _, e := range hint.Split(err) {
		st.Problems = append(st.Problems, strings.Join(append([]string{e.Error()}, hint.Of(e)...), "\n"))
	}
	switch {
	case result != Failed:
		st.FailingSince = nil
	case st.FailingSince == nil:
		st.FailingSince = &now
	}
}
