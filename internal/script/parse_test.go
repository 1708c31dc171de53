package script_test

import (
	"errors"
	"strings"
	"testing"

	"bkt/internal/script"
)

// TestParseLimits checks scripts on both sides of each limit.
func TestParseLimits(t *testing.T) {
	tests := []struct{ name, within, beyond string }{
		{"size", "#" + strings.Repeat("x", script.MaxSize-1), "#" + strings.Repeat("x", script.MaxSize)},
		{"brackets", strings.Repeat("(a);", script.MaxBrackets), strings.Repeat("(", script.MaxBrackets+1)},
		{"operators", strings.Repeat("a|", script.MaxOperators) + "a", strings.Repeat("a|", script.MaxOperators+1) + "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := script.Parse(tt.within); err != nil {
				t.Errorf("within the limit: %v", err)
			}
			_, err := script.Parse(tt.beyond)
			if _, ok := errors.AsType[script.LimitError](err); !ok {
				t.Errorf("beyond the limit: %v", err)
			}
			if all := script.Read(tt.beyond); len(all) != 1 || all[0].Kind != script.Other {
				t.Errorf("%d statements", len(all))
			}
		})
	}
}

// TestScriptsInScripts checks that a script in many scripts is not parsed for each.
func TestScriptsInScripts(t *testing.T) {
	if all := script.Read("sh -c 'sh -c \"dnf install -y jq\"'"); len(all) != 1 || all[0].Kind != script.Package {
		t.Errorf("%+v", all)
	}
	deep := "dnf install -y jq"
	for i := range 5 {
		name := string(rune('A' + i))
		deep = "sh <<'" + name + "'\n" + deep + "\n" + name
	}
	if all := script.Read(deep); len(all) != 1 || all[0].Kind != script.Other {
		t.Errorf("%+v", all)
	}
}
