package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"bkt/internal/hook"
	"bkt/internal/hook/lint"
	"bkt/internal/manifest"
)

// nested returns text between n times open and n times end.
func nested(n int, open, text, end string) string {
	return strings.Repeat(open, n) + text + strings.Repeat(end, n)
}

// TestLimits checks hooks on both sides of each limit. A hook that exceeds one is
// reported once, and nothing else of it.
func TestLimits(t *testing.T) {
	tests := []struct {
		name, within, beyond, limit string
	}{
		{"size", "# " + strings.Repeat("x", 64<<10-2), "# " + strings.Repeat("x", 64<<10), "larger than 64 KiB"},
		{"brackets", strings.Repeat("(a);", 10_000/4), nested(10_001, "(", "a", ")"), "brackets"},
		{"substitutions", nested(60, "$(", "true", ")"), nested(20_000, "$(", "true", ")"), ""},
		{"conditions", nested(90, "if true; then ", "true", "; fi"), nested(4000, "if a;then ", "a", ";fi"), "levels of nesting"},
		{"a pipeline", nested(180, "a|", "a", ""), nested(50_000, "a|", "a", ""), ""},
		{"a short pipeline", nested(180, "a|", "a", ""), nested(300, "a|", "a", ""), "levels of nesting"},
		{"a list", nested(180, "a&&", "a", ""), nested(300, "a&&", "a", ""), "levels of nesting"},
		{"commands", strings.Repeat("a;", 4000), strings.Repeat("a;", 8000), "words, commands and operators"},
		{"scripts in scripts", "x='a; a'; " + strings.Repeat(`sh -c "$x";`, 500), "x='" + strings.Repeat("a;", 500) + "'; " + strings.Repeat(`sh -c "$x";`, 100), "words, commands and operators"},
		{"a script in a script", "sh -c '" + nested(180, "a|", "a", "") + "'", "sh -c '" + nested(300, "a|", "a", "") + "'", "levels of nesting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rulesOf(check(tt.within)); strings.Contains(got, "limit") {
				t.Errorf("within the limit: %s", got)
			}
			got := check(tt.beyond)
			if len(got) != 1 || got[0].Verdict != hook.Unchecked || !strings.Contains(got[0].Message, tt.limit) || !strings.Contains(got[0].Message, "the limit") {
				t.Errorf("beyond the limit: %.300v", got)
			}
		})
	}
}

// TestVariablesDoNotGrow checks a variable that doubles at each assignment.
func TestVariablesDoNotGrow(t *testing.T) {
	if got := rulesOf(check("a=~/.bashrc; " + strings.Repeat("a=$a$a;", 200) + "echo x >> $a; mkdir x")); got != "append mkdir" {
		t.Error(got)
	}
}

// TestLimitOfAllHooks checks many hooks, each within its limits.
func TestLimitOfAllHooks(t *testing.T) {
	h := declare(t, manifest.Hook{Run: strings.Repeat("a;", 4000) + "rustup install 1.70.0"})
	for n, want := range map[int]int{6: 0, 40: 34} {
		var all []*hook.Declared
		for range n {
			all = append(all, h)
		}
		limited := 0
		for _, f := range lint.Check(all) {
			if f.Verdict == hook.Unchecked {
				limited++
			}
		}
		if limited != want {
			t.Errorf("%d hooks: %d not checked", n, limited)
		}
	}
}

// TestWorstCasesEnd checks hooks that take as long as the limits allow.
func TestWorstCasesEnd(t *testing.T) {
	for i, run := range []string{
		nested(98, "$(", "a", ")"), nested(130, "if a;then ", "a", ";fi"), nested(198, "a|", "a", ""), nested(198, "a&&", "a", ""), nested(198, "a||", "exit", ""),
		strings.Repeat("a||exit;", 2500), strings.Repeat("mkdir x;", 2500), strings.Repeat("a=$a$a;", 2000) + strings.Repeat("b $a;", 1000),
		"a=" + strings.Repeat("x", 1000) + ";b " + strings.Repeat("$a", 9000), strings.Repeat("a>b;", 3000), "x='sh -c \"$x\"';" + strings.Repeat(`sh -c "$x";`, 2000),
		"x='if';" + strings.Repeat(`sh -c "$x";`, 2000), strings.Repeat("rm a$x;", 2000), strings.Repeat("f(){ a;};f;", 2000), strings.Repeat("`", 60_000), strings.Repeat("\"$(", 3000),
		strings.Repeat("[ -e a ]||exit;mkdir a;", 900), strings.Repeat("grep -q x f||echo y>>f;", 1200), nested(190, "[ -e a ]&&", "mkdir a", ""),
		"sed -i 's/" + strings.Repeat("(a*)*", 2000) + "/&&/' f", "grep -q '" + strings.Repeat("a*", 10_000) + "' f||echo " + strings.Repeat("a", 20_000) + ">>f",
		"printf '" + strings.Repeat("%s", 5000) + "' " + strings.Repeat("a ", 5000) + ">>f", strings.Repeat("cp a b;mv b a;", 2000), strings.Repeat("rm a;", 3000),
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { check(run) })
	}
}
