package completion_test

import (
	"strings"
	"testing"

	"bkt/internal/completion"

	"github.com/alecthomas/kong"
)

type cli struct {
	Dir   string `short:"C" name:"directory" placeholder:"DIR" help:"Run in DIR. Or not."`
	Quiet bool   `short:"q" help:"Be quiet (default: no)."`
	Build struct {
		Images []string `arg:"" optional:"" enum:"system,toolbox"`
		Load   string   `help:"Load it: here."`
		Stage  string   `placeholder:"NAME"`
		Cache  bool     `negatable:"" default:"true" help:"Use the cache."`
		JUnit  string   `name:"junit" placeholder:"FILE"`
	} `cmd:"" help:"Build images."`
	Base struct {
		Update struct{} `cmd:"" help:"Update them."`
	} `cmd:"" help:"Base images."`
	Push struct {
		Image string   `arg:"" enum:"system,toolbox"`
		Names []string `arg:"" name:"name"`
	} `cmd:"" help:"Push an image."`
	Drift struct {
		Show struct {
			What []string `arg:"" optional:""`
			All  bool
		} `cmd:"" default:"withargs" help:"Show them."`
		Resolve struct{} `cmd:"" help:"Resolve them."`
	} `cmd:"" help:"Differences."`
	Render struct {
		Files []string `arg:"" optional:"" name:"file"`
	} `cmd:"" help:"Render."`
	Init struct {
		Dir string `arg:"" optional:""`
	} `cmd:"" help:"Create."`
	Help struct {
		Command []string `arg:"" optional:""`
	} `cmd:"" help:"Help."`
	Secret struct{} `cmd:"" hidden:""`
}

func model(t *testing.T) *kong.Node {
	t.Helper()
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Node
}

func values(command, name, word string) []completion.Candidate {
	var words string
	switch {
	case name == "load":
		words = "one two"
	case name == "stage":
		words = "final"
	case name == "what" && command == "drift show" && strings.HasPrefix(word, "a:"):
		words = "a:k_1 a:k2"
	case name == "what":
		words = "a b"
	}
	var all []completion.Candidate
	for _, w := range strings.Fields(words) {
		all = append(all, completion.Candidate{Value: strings.ReplaceAll(w, "_", " ")})
	}
	return all
}

func TestComplete(t *testing.T) {
	root := model(t)
	const commands = "build base push drift render init help"
	for _, test := range []struct{ words, want string }{
		{"", commands},
		{"b", "build base"},
		{"bu", "build"},
		{"secret", ""},
		{"base ", "update"},
		{"base update ", ""},
		{"build ", "system toolbox"},
		{"build t", "toolbox"},
		{"build system ", "toolbox"}, // each once
		{"build -q system --load x ", "toolbox"},
		{"build --l", "--load"},
		{"build --n", "--no-cache"},
		{"-C base ", commands}, // base is the value of -C
		{"-C=x base ", "update"},
		{"-q base ", "update"},
		{"--directory x bu", "build"},
		{"-C ", "folders"},
		{"build --directory=", "folders"},
		{"init ", "folders"},
		{"init x ", ""},
		{"render ", "files"},
		{"render x ", "files"},
		{"build --junit ", "files"},
		{"build --junit = ", "files"},
		{"build --load ", "one two"}, // depends on files
		{"build --load t", "two"},
		{"build --load=o", "--load=one"},
		{"build --load =", "one two"}, // bash splits at =
		{"build --load = t", "two"},
		{"build --load = two t", "toolbox"},
		{"build --stage ", "final"},
		{"push ", "system toolbox"},
		{"push system ", ""},
		{"drift ", "show resolve a b"},
		{"drift b a", "a"},
		{"drift b ", "a"},
		{"drift --", "--all --directory --help --quiet"},
		{"drift a:", "a:k 1|a:k2"},
		{"drift a:k2", "a:k2"},
		{`drift a:k\`, "a:k 1|a:k2"}, // the next character is quoted
		{"drift a :", "k 1|k2"},      // bash splits at the colon
		{"drift a : k", "k 1|k2"},
		{"drift a : k2", "k2"},
		{`drift "a" :`, "k 1|k2"},
		{`drift 'a' : k2`, "k2"},
		{"help ", commands},
		{"help base ", "update"},
		{"help dr", "drift"},
	} {
		answer := completion.Complete(root, strings.Split(test.words, " "), values)
		var got []string
		if answer.Kind != completion.Words {
			got = append(got, string(answer.Kind))
		}
		for _, c := range answer.Candidates {
			got = append(got, c.Value)
		}
		if want := strings.ReplaceAll(test.want, "|", " "); strings.Join(got, " ") != want {
			t.Errorf("%q: %q, not %q", test.words, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	root := model(t)
	for words, want := range map[string]string{
		"bu": "Build images", "build --di": "Run in DIR", "build --q": "Be quiet", "build --lo": "Load it", "build --no": "The opposite of --cache",
	} {
		got := completion.Complete(root, strings.Fields(words), values).Candidates
		if len(got) != 1 || got[0].Help != want {
			t.Errorf("%q: %q, not %q", words, got, want)
		}
	}
}

func TestFolder(t *testing.T) {
	root := model(t)
	for words, want := range map[string]string{
		"": "", "build -q": "", "-C x": "", "-C x build": "x", "-q --directory x build": "x", "--directory=x build": "x", "-Cx build": "x", "build -C x s": "x",
	} {
		if got := completion.Folder(root, strings.Fields(words)); got != want {
			t.Errorf("%q: %q, not %q", words, got, want)
		}
	}
}

func TestFormat(t *testing.T) {
	some := completion.Answer{Kind: completion.Words, Candidates: []completion.Candidate{{Value: `a:b c\d`, Help: "One: thing"}, {Value: "e"}}}
	for _, test := range []struct {
		shell  string
		answer completion.Answer
		want   string
	}{
		{"", some, "a:b c\\d\ne\n"},
		{"bash", some, "words\na:b c\\d\tOne: thing\ne\n"},
		{"fish", some, "words\na:b c\\d\tOne: thing\ne\n"},
		{"zsh", some, "words\na\\:b c\\\\d:One: thing\ne\n"},
		{"nushell", some, `[{"value":"\"a:b c\\\\d\"","description":"One: thing"},{"value":"e"}]` + "\n"},
		{"", completion.Answer{Kind: completion.Files}, ""},
		{"zsh", completion.Answer{Kind: completion.Folders}, "folders\n"},
		{"nushell", completion.Answer{Kind: completion.Files}, "null\n"},
		{"nushell", completion.Answer{Kind: completion.Words}, "[]\n"},
	} {
		got, err := test.answer.Format(test.shell)
		if err != nil || got != test.want {
			t.Errorf("%s: %q, not %q, %v", test.shell, got, test.want, err)
		}
	}
}
