package main

import (
	"bkt/internal/domains"
	"bkt/internal/live"
)

type distroboxCmd struct {
	Ini iniCmd `cmd:"" help:"Print containers of the manifest in the format of \"distrobox assemble\"."`
}

type iniCmd struct {
	Containers []string `arg:"" optional:"" name:"container" help:"Containers to print (default: all for this computer)."`
}

// Run prints containers as an ini file.
func (c *iniCmd) Run(a *app) error {
	s, err := live.FindDesktop(a.links)
	if err != nil {
		return err
	}
	containers, err := domains.Containers(s.Repo.FS(), s.Host, c.Containers)
	if err != nil {
		return err
	}
	text, notes := domains.Distrobox(s.Folders, s.Cache).Ini(containers)
	for _, note := range notes {
		a.Note("%s", note)
	}
	return a.PrintResult(iniJSON{1, text, append([]string{}, notes...)}, text)
}

// iniJSON is the output of --json.
type iniJSON struct {
	Version int      `json:"version"`
	Ini     string   `json:"ini"`
	Notes   []string `json:"notes"` // what the format cannot express
}
