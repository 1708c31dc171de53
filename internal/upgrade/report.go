package upgrade

import (
	"fmt"
	"strings"
)

// Report is the output of --json. Version increases when a field changes its meaning or
// is removed.
type Report struct {
	Version int           `json:"version"`
	Box     string        `json:"box"`
	Image   string        `json:"image"`
	Result  Outcome       `json:"result,omitempty"`
	Backup  string        `json:"backup,omitempty"`
	Loses   []string      `json:"loses"`
	Stages  []StageReport `json:"stages"`
}

// StageReport is a stage in the output of --json.
type StageReport struct {
	Title    string   `json:"title"`
	Commands []string `json:"commands"`
}

// Report returns the plan and its outcome for --json. removed says that the old
// container was removed.
func (p Plan) Report(outcome Outcome, removed bool) Report {
	r := Report{Version: 1, Box: p.Container, Image: p.Image, Result: outcome, Loses: append([]string{}, p.DataLoss...), Stages: []StageReport{}}
	if (outcome == None || outcome == Upgraded) && !removed {
		r.Backup = p.Backup
	}
	for _, stage := range p.Stages {
		s := StageReport{Title: stage.Title, Commands: []string{}}
		for _, step := range stage.Steps {
			s.Commands = append(s.Commands, step.String())
		}
		r.Stages = append(r.Stages, s)
	}
	return r
}

// Text describes the plan for the terminal, with its commands if verbose is set.
func (p Plan) Text(verbose bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "~ distrobox %s\n", p.Container)
	for _, lost := range p.DataLoss {
		fmt.Fprintf(&out, "    loses %s\n", lost)
	}
	for _, stage := range p.Stages {
		fmt.Fprintf(&out, "    %s\n", stage.Title)
		for _, step := range stage.Steps {
			if verbose {
				fmt.Fprintf(&out, "      $ %v\n", step)
			}
		}
	}
	return out.String()
}
