package finding

import (
	"net/url"
	"strings"
)

// SARIF is the format that code scanners read, as far as findings need it
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0).
type SARIF struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver struct {
			Name    string      `json:"name"`
			Version string      `json:"version"`
			Rules   []sarifRule `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifRule struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	Level     Level           `json:"level"`
	Message   sarifMessage    `json:"message"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifMessage struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine   int `json:"startLine"`
			StartColumn int `json:"startColumn,omitempty"`
		} `json:"region"`
	} `json:"physicalLocation"`
}

// ToSARIF returns findings as one run of bkt. version is that of bkt.
func ToSARIF(version string, findings []Finding) SARIF {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver.Name, run.Tool.Driver.Version = "bkt", version
	run.Tool.Driver.Rules = []sarifRule{}
	seen := map[string]bool{}
	for _, f := range findings {
		if !seen[f.Rule] {
			seen[f.Rule] = true
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{f.Rule})
		}
		run.Results = append(run.Results, f.sarif())
	}
	return SARIF{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func (f Finding) sarif() sarifResult {
	text := strings.Join(append([]string{f.Message}, f.Fix...), "\n")
	r := sarifResult{RuleID: f.Rule, Level: f.Level, Message: sarifMessage{text}}
	if f.File != "" {
		var l sarifLocation
		l.Physical.Artifact.URI = (&url.URL{Path: f.File}).EscapedPath()
		l.Physical.Region.StartLine, l.Physical.Region.StartColumn = max(f.Line, 1), f.Column
		r.Locations = []sarifLocation{l}
	}
	return r
}
