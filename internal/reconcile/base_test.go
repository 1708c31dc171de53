package reconcile

import (
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/statefile"
)

// TestReadBase has the texts that a base can have: only what bkt wrote is a base, and only
// a missing file is an empty one.
func TestReadBase(t *testing.T) {
	const whole = `{"version": 1, "items": [{"installation": "x", "item": {"schema": "a", "key": "b", "value": "1"}}]}`
	tests := []struct {
		name, text, err string
		newer           bool
	}{
		{"whole", whole, "", false},
		{"without items", `{"version": 1}`, "", false},
		{"nothing", "", "/s/gsettings.json:1:1: ", false},
		{"cut off", whole[:40], "/s/gsettings.json:1:", false},
		{"zeros", strings.Repeat("\x00", 40), "/s/gsettings.json:1:1: ", false},
		{"null", "null", "/s/gsettings.json", false},
		{"another object", `{"name": "x"}`, "unknown field", false},
		{"without a version", `{"items": []}`, "has no version", false},
		{"of a newer bkt", `{"version": 2, "new": true}`, "has version 2, and this bkt reads version 1", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readBase[manifest.Setting]("/s/gsettings.json", []byte(tt.text))
			p := statefile.Of(err)
			switch {
			case tt.err == "":
				if err != nil {
					t.Error(err)
				}
			case p == nil || !strings.Contains(p.Error(), tt.err) || p.Newer != tt.newer || p.CanMove() == tt.newer:
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := readBase[manifest.Setting]("/s/gsettings.json", nil); err != nil {
		t.Errorf("without a file: %v", err)
	}
}
