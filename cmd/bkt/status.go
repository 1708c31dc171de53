package main

import (
	"context"

	"bkt/internal/autocapture"
	"bkt/internal/live"
	"bkt/internal/status"
)

type statusCmd struct{ domainArgs }

// statusJSON is the output of --json.
type statusJSON struct {
	status.Status
	AutoCapture *autocapture.Status `json:"auto_capture,omitempty"` // nil if the domains are unknown
}

// Run prints the status. Differences and problems are no error.
func (c *statusCmd) Run(ctx context.Context, a *app) error {
	s, err := live.Find(a.links)
	if err != nil {
		return err
	}
	a.noteRepo(s.Repo, a.Verbose)
	looked, err := status.Look(ctx, s, c.Domains, a.checkHost(c.placeFlags))
	if err != nil {
		return err
	}
	st := statusJSON{Status: looked}
	if st.DomainsError == "" {
		auto := autocapture.ReadStatus(s.Workspace)
		st.AutoCapture = &auto
	}
	text := st.Text()
	if st.AutoCapture != nil {
		text += autoStatusText(*st.AutoCapture)
	}
	return a.PrintResult(st, text)
}
