package main

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/version"
)

// findingJSON is something that is worth knowing about a file, in the output of
// --json.
type findingJSON struct {
	Rule    string   `json:"rule"`
	Level   string   `json:"level"` // "warning" or "error"
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Column  int      `json:"column,omitempty"`
	Message string   `json:"message"`
	Hints   []string `json:"hints,omitempty"`
}

// asFindings turns errors into findings. An error that is not one of a rule is
// of the rule "error", and its message has the place.
func asFindings(level string, errs []error) []findingJSON {
	var all []findingJSON
	for _, err := range errs {
		f := findingJSON{Rule: level, Level: level, Message: err.Error(), Hints: hint.Of(err)}
		if g, ok := errors.AsType[gen.Finding](err); ok {
			f.Rule, f.File, f.Line, f.Column, f.Message = g.Rule, g.File, g.Position.Line, g.Column, g.Message
		} else if file, line, column, message, ok := parsePlace(f.Message); ok {
			f.File, f.Line, f.Column, f.Message = file, line, column, message
		}
		all = append(all, f)
	}
	return all
}

// distinct drops findings that say what an earlier one said: both Containerfiles
// may be rendered from one manifest.
func distinct(all []findingJSON) []findingJSON {
	kept := []findingJSON{}
	for _, f := range all {
		if !slices.ContainsFunc(kept, func(k findingJSON) bool { return reflect.DeepEqual(k, f) }) {
			kept = append(kept, f)
		}
	}
	return kept
}

// parsePlace parses file:line:column: message and file:line: message.
func parsePlace(text string) (file string, line, column int, message string, ok bool) {
	place, message, ok := strings.Cut(text, ": ")
	if !ok {
		return "", 0, 0, "", false
	}
	parts := strings.Split(place, ":")
	switch len(parts) {
	case 2:
		_, err := fmt.Sscanf(parts[1], "%d", &line)
		return parts[0], line, 0, message, err == nil
	case 3:
		_, err := fmt.Sscanf(parts[1]+" "+parts[2], "%d %d", &line, &column)
		return parts[0], line, column, message, err == nil
	}
	return "", 0, 0, "", false
}

// sarifLog is what code scanners read, as far as it is needed here
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0).
type sarifLog struct {
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
	Level     string          `json:"level"`
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

// asSARIF returns findings in the format of code scanners.
func asSARIF(findings []findingJSON) sarifLog {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver.Name, run.Tool.Driver.Version = "bkt", version.String()
	run.Tool.Driver.Rules = []sarifRule{}
	seen := map[string]bool{}
	for _, f := range findings {
		if !seen[f.Rule] {
			seen[f.Rule] = true
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{f.Rule})
		}
		run.Results = append(run.Results, f.sarif())
	}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func (f findingJSON) sarif() sarifResult {
	text := strings.Join(append([]string{f.Message}, f.Hints...), "\n")
	r := sarifResult{RuleID: f.Rule, Level: f.Level, Message: sarifMessage{text}}
	if f.File != "" {
		var l sarifLocation
		l.Physical.Artifact.URI = (&url.URL{Path: f.File}).EscapedPath()
		l.Physical.Region.StartLine, l.Physical.Region.StartColumn = max(f.Line, 1), f.Column
		r.Locations = []sarifLocation{l}
	}
	return r
}
