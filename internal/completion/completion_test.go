package completion_test

import (
	"strings"
	"testing"

	"bkt/internal/completion"

	"github.com/alecthomas/kong"
)

type cli struct {
	Dir   string `short:"C" name:"directory"`
	Quiet bool   `short:"q"`
	Build struct {
		Images []string `arg:"" optional:"" enum:"system,toolbox"`
		Load   string
	} `cmd:""`
	Base struct {
		Update struct{} `cmd:""`
	} `cmd:""`
	Drift struct {
		What []string `arg:"" optional:""`
	} `cmd:""`
	Secret struct{} `cmd:"" hidden:""`
}

func TestCandidates(t *testing.T) {
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	values := func(name, word string) []string {
		switch {
		case name == "load":
			return []string{"one", "two"}
		case name == "what" && strings.HasPrefix(word, "a:"):
			return []string{"a:k 1", "a:k2"}
		case name == "what":
			return []string{"a", "b"}
		}
		return nil
	}
	for _, test := range []struct{ words, want string }{
		{"", "build base drift"},
		{"b", "build base"},
		{"bu", "build"},
		{"secret", ""},
		{"base ", "update"},
		{"build ", "system toolbox"},
		{"build t", "toolbox"},
		{"build --l", "--load"},
		{"-C base ", "build base drift"}, // base is the value of -C
		{"-C=x base ", "update"},
		{"-q base ", "update"},
		{"--directory x bu", "build"},
		{"build --load ", "one two"}, // depends on files
		{"build --load t", "two"},
		{"build --load=o", "--load=one"},
		{"drift ", "a b"},
		{"drift b a", "a"},
		{"drift a:", "a:k 1|a:k2"},
		{"drift a:k2", "a:k2"},
		{`drift a:k\`, "a:k 1|a:k2"}, // the next character is quoted
		{"drift a :", "k 1|k2"},      // bash splits at the colon
		{"drift a : k", "k 1|k2"},
		{"drift a : k2", "k2"},
		{`drift "a" :`, "k 1|k2"},
		{`drift 'a' : k2`, "k2"},
	} {
		got := strings.Join(completion.Candidates(parser.Model.Node, strings.Split(test.words, " "), values), " ")
		if got != strings.ReplaceAll(test.want, "|", " ") {
			t.Errorf("%q: %q, not %q", test.words, got, test.want)
		}
	}
}

func TestScript(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "nushell"} {
		if !strings.Contains(completion.Script(shell), "bkt complete --") {
			t.Errorf("%s: %q", shell, completion.Script(shell))
		}
	}
}
