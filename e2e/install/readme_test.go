package install_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestReadme checks that README.md has the commands that [TestInstalled] runs to install
// bkt, and that its first session is a part of the one that runs there: each command has
// that output, where "…" stands for any lines.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range ways {
		for _, command := range slices.Concat(w.install, w.user) {
			command = strings.ReplaceAll(command, "/srv/", "")
			if command != "apt-get update" && !strings.Contains(string(text), "`"+command+"`") {
				t.Errorf("it does not say %q, for %s", command, name)
			}
		}
	}
	session, err := os.ReadFile("testdata/session.txt")
	if err != nil {
		t.Fatal(err)
	}
	real := blocks(string(session))
	found := 0
	for _, want := range consoles(string(text)) {
		found++
		if !slices.ContainsFunc(real, func(got string) bool { return matches(lines(want), lines(got)) }) {
			t.Errorf("the session has no\n%s", want)
		}
	}
	if found < 10 {
		t.Errorf("%d commands", found)
	}
}

// consoles returns the commands of the console blocks of a document, with their output.
func consoles(text string) []string {
	var all []string
	for _, part := range strings.Split(text, "```console\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		all = append(all, blocks(block)...)
	}
	return all
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// matches reports whether lines are those of a pattern, in which "…" stands for any.
func matches(pattern, all []string) bool {
	switch {
	case len(pattern) == 0:
		return len(all) == 0
	case pattern[0] == "…":
		return matches(pattern[1:], all) || len(all) > 0 && matches(pattern, all[1:])
	}
	return len(all) > 0 && pattern[0] == all[0] && matches(pattern[1:], all[1:])
}
