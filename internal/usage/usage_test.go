package usage_test

import (
	"slices"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/usage"

	"github.com/alecthomas/kong"
)

type cli struct {
	Color string `enum:"auto,always,never" default:"auto"`
	Build struct {
		Images []string `arg:"" optional:"" name:"image" enum:"system,toolbox"`
		Take   string   `enum:"live,manifest," default:""`
		Number int
	} `cmd:""`
	Toolbox struct {
		Add struct {
			Packages []string `arg:"" name:"package"`
		} `cmd:""`
		Remove struct{} `cmd:""`
	} `cmd:""`
	System struct {
		Add  struct{} `cmd:""`
		List struct{} `cmd:""`
	} `cmd:""`
	Drift struct {
		Show struct {
			Restore bool
			Domains []string `arg:"" optional:""`
		} `cmd:"" default:"withargs"`
		Resolve struct{} `cmd:""`
	} `cmd:""`
	Secret struct{} `cmd:"" hidden:""`
}

// parse parses a command line of a program bkt.
func parse(t *testing.T, line string) error {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Name("bkt"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(strings.Fields(line))
	return err
}

func TestExplain(t *testing.T) {
	for _, test := range []struct{ line, want, hint string }{
		{"buidl", `unexpected argument buidl`, `did you mean "bkt build"?`},
		{"secre", `unexpected argument secre`, `run "bkt --help" for the commands and flags`}, // hidden
		{"frobnicate", `unexpected argument frobnicate`, `run "bkt --help" for the commands and flags`},
		{"toolbox ad jq", `unexpected argument ad`, `did you mean "bkt toolbox add"?`},
		{"toolbox list", `unexpected argument list`, `did you mean "bkt system list"?`},
		{"add jq", `unexpected argument add`, `did you mean "bkt toolbox add" or "bkt system add"?`},
		{"toolbox remove jq", `unexpected argument jq`, `run "bkt toolbox remove --help" for the arguments and flags`},
		{"toolbox add", `missing argument: <package> ...`, `run "bkt toolbox add --help" for the arguments and flags`},
		{"build sytem", `unknown image "sytem": it must be system or toolbox`, `did you mean "system"?`},
		{"build toolbox phone", `unknown image "phone": it must be system or toolbox`, `run "bkt build --help" for the arguments and flags`},
		{"--color=allways build", `--color must be auto, always or never, not "allways"`, `did you mean "always"?`},
		{"build --take=manifst", `--take must be live or manifest, not "manifst"`, `did you mean "manifest"?`},
		{"build --tak=live", `unknown flag --tak`, `did you mean "--take"?`},
		{"drift --restor", `unknown flag --restor`, `did you mean "--restore"?`},
		{"build -m", `unknown flag -m`, `run "bkt build --help" for the arguments and flags`},
		{"build --number=x", `--number: expected a valid 64 bit int but got "x"`, `run "bkt build --help" for the arguments and flags`},
	} {
		err := usage.Explain(parse(t, test.line))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, not %s", test.line, err, test.want)
		}
		if got := hint.Of(err); !slices.Equal(got, []string{test.hint}) {
			t.Errorf("%s: hint %q, not %q", test.line, got, test.hint)
		}
	}
	if err := usage.Explain(nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}

// TestIncomplete checks which command lines get the help of a command as their answer.
func TestIncomplete(t *testing.T) {
	for line, want := range map[string]string{
		"": "bkt", "--color=never": "bkt", "toolbox": "bkt toolbox", "toolbox --color=never": "bkt toolbox",
		"toolbox add": "", "tolbox": "", "--color=x toolbox": "", "build": "",
	} {
		c, ok := usage.Incomplete(parse(t, line))
		got := ""
		if ok {
			got = "bkt"
			if node := c.Selected(); node != nil {
				got = node.FullPath()
			}
		}
		if got != want {
			t.Errorf("%q: %q, not %q", line, got, want)
		}
	}
}

func TestExamplesOf(t *testing.T) {
	if got := usage.Examples("toolbox list"); !slices.Equal(got, []string{"bkt toolbox list"}) {
		t.Errorf("%q", got)
	}
	if got := usage.Examples("engine"); len(got) != 2 || !strings.HasPrefix(got[0], "# ") {
		t.Errorf("%q", got)
	}
	for _, path := range []string{"", "version"} { // the first, the last
		if len(usage.Examples(path)) == 0 {
			t.Errorf("%q has none", path)
		}
	}
	if got := usage.Examples("toolbox lis"); got != nil {
		t.Errorf("%q", got)
	}
}
