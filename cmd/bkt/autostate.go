package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/live"
	"bkt/internal/plan"
)

// autoVersion is that of the format of an autoState.
const autoVersion = 1

// An autoState is what auto-capture notes between two runs.
type autoState struct {
	Version   int        `json:"version"`
	LastRun   time.Time  `json:"last_run"`
	Result    string     `json:"result"` // in one of the words below
	Problems  []string   `json:"problems,omitempty"`
	Failing   *time.Time `json:"failing_since,omitempty"`
	Captured  int        `json:"captured,omitempty"` // items of the last commit
	Commit    string     `json:"commit,omitempty"`
	Committed *time.Time `json:"committed,omitempty"`
	Pending   []pending  `json:"pending,omitempty"`
	Journal   *journal   `json:"journal,omitempty"`
	Unpushed  bool       `json:"unpushed,omitempty"`
	Pushed    *pushed    `json:"pushed,omitempty"`   // last
	Computer  string     `json:"computer,omitempty"` // its identity, where the system has none
	Told      string     `json:"told,omitempty"`     // of what the user has been notified
}

// What comes of a run.
const (
	autoCaptured = "captured"
	autoNothing  = "nothing to capture"
	autoWaiting  = "waiting"
	autoFailed   = "failed"
)

// pending is an item that waits to be captured, or was refused. Its value is told by a sum, since
// it may be a secret.
type pending struct {
	Domain string    `json:"domain"`
	Key    string    `json:"key"`
	Sum    string    `json:"sum"`
	Since  time.Time `json:"since"`
	Why    string    `json:"why,omitempty"` // "": it was refused
}

// A journal is what has been written into the repository and is to be committed.
// It is noted before it is written, so that what a run has begun that was killed,
// or that a hook has refused, the next one finishes.
type journal struct {
	Files map[string]string `json:"files"` // by name the sum of the text
	Lines []string          `json:"lines"` // of the message
	Items map[string]int    `json:"items"` // how many, by domain
}

func sum(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// autoFolder returns where the state is kept: it is of one repository on one
// computer.
func (s system) autoFolder() string {
	return filepath.Join(s.Folders.State, "bkt", "auto-capture", s.ID(), s.Host)
}

func (s system) autoFile() string { return filepath.Join(s.autoFolder(), "state.json") }

// autoState returns the state that the last run has left.
func (s system) autoState() (autoState, error) {
	st := autoState{Version: autoVersion}
	text, err := os.ReadFile(s.autoFile())
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &st)
	}
	if err == nil && st.Version != autoVersion {
		err = fmt.Errorf("is of version %d, and this bkt knows %d", st.Version, autoVersion)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", s.autoFile(), err)
	}
	return st, hint.Add(err, "remove this file: it has what auto-capture did last, and what it waits for")
}

// save is the plan that keeps a state.
func (s system) save(st autoState) (plan.Plan, error) {
	text, err := json.MarshalIndent(st, "", "  ")
	if err != nil {
		return nil, err
	}
	return plan.Plan{{Op: plan.Modify, Targets: []string{s.autoFile()}, Steps: []plan.Step{plan.Overwrite{Path: s.autoFile(), Text: append(text, '\n'), Private: s.Private()}}}}, nil
}

// since returns since when an item is as it is, which is now if it was different
// the last time, or not there.
func (st autoState) since(i live.Item, now time.Time) time.Time {
	for _, p := range st.Pending {
		if p.Domain == i.Domain.Name() && p.Key == i.MaskedKey() && p.Sum == i.Sum() && p.Since.Before(now) {
			return p.Since
		}
	}
	return now
}

// end notes how a run has ended.
func (st *autoState) end(now time.Time, result string, err error) {
	st.LastRun, st.Result, st.Problems = now, result, nil
	for _, e := range hint.Split(err) {
		st.Problems = append(st.Problems, strings.Join(append([]string{e.Error()}, hint.Of(e)...), "\n"))
	}
	switch {
	case result != autoFailed:
		st.Failing = nil
	case st.Failing == nil:
		st.Failing = &now
	}
}
