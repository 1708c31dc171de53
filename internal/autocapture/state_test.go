package autocapture

import (
	"strings"
	"testing"

	"bkt/internal/statefile"
)

// TestParseState has the texts that a state can have: only what bkt wrote is a state.
func TestParseState(t *testing.T) {
	const whole = `{"version": 1, "last_run": "2026-01-02T03:04:05Z", "result": "captured"}`
	tests := []struct {
		name, text, err string
		newer           bool
	}{
		{"whole", whole, "", false},
		{"with the fields of a later bkt", `{"version": 1, "last_run": "2026-01-02T03:04:05Z", "new": {}}`, "", false},
		{"before the first run has ended", `{"version": 1, "last_run": "0001-01-01T00:00:00Z", "result": ""}`, "", false},
		{"nothing", "", "unexpected end of JSON input", false},
		{"cut off", whole[:30], "unexpected end of JSON input", false},
		{"zeros", strings.Repeat("\x00", 40), "invalid character", false},
		{"null", "null", "has no version, or no last run", false},
		{"another object", `{"name": "x"}`, "has no version, or no last run", false},
		{"another list", `[1]`, "cannot unmarshal", false},
		{"another type", `{"version": 1, "last_run": "2026-01-02T03:04:05Z", "journal": 1}`, "cannot unmarshal", false},
		{"of a newer bkt", `{"version": 2, "last_run": 7}`, "", true},
		{"of a newer bkt, with the same fields", strings.Replace(whole, "1", "9", 1), "has version 9", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseState("/s/state.json", []byte(tt.text))
			p := statefile.Of(err)
			switch {
			case tt.err == "" && !tt.newer:
				if err != nil {
					t.Error(err)
				}
			case p == nil || !strings.HasPrefix(p.Error(), "/s/state.json: ") || !strings.Contains(p.Error(), tt.err) || p.Newer != tt.newer:
				t.Errorf("%v", err)
			}
		})
	}
}
