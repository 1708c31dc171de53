package manual_test

import (
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/manual"
	"bkt/internal/plan"

	"github.com/alecthomas/kong"
)

type cli struct {
	Quiet bool `short:"q" help:"Be quiet."`
	Tools struct {
		Force bool `help:"Do it."`
		Add   struct {
			Name string `arg:"" help:"A name."`
			To   string `placeholder:"DIR" help:".hidden and 'quoted' -- C:\\x"`
		} `cmd:"" help:"Add a tool."`
		Old struct{} `cmd:"" hidden:"" help:"Old."`
	} `cmd:"" help:"Change tools."`
	Drift  detailed `cmd:"" help:"Show differences."`
	Secret struct{} `cmd:"" hidden:""`
}

type detailed struct{}

func (detailed) Help() string { return "Two paragraphs:\n\n\ta  b\n\t.c" }

func TestPages(t *testing.T) {
	parser, err := kong.New(&cli{}, kong.Name("bkt"), kong.Description("Keep tools."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p, err := manual.Plan(parser.Model, "v1.2", dir)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, change := range p {
		write := change.Steps[0].(plan.Write)
		pages[write.Name] = string(write.New)
		if write.Path != filepath.Join(dir, write.Name) {
			t.Errorf("%s is written to %s", write.Name, write.Path)
		}
	}
	for name, want := range map[string][]string{
		"bkt.1": {
			".TH \"BKT\" 1 \"\" \"bkt v1.2\"", "bkt \\- Keep tools\n", ".B bkt tools add\nAdd a tool.\n",
			".B \\-q, \\-\\-quiet\nBe quiet.\n", ".BR bkt\\-tools (1),\n.BR bkt\\-drift (1)\n",
		},
		"bkt-tools.1": {
			".B bkt tools add\n.I <name>\n.RI [ flags ]\n", ".SS bkt tools add\nAdd a tool.\n", ".I <name>\nA name.\n",
			".B \\-\\-to=DIR\n\\&.hidden and \\(aqquoted\\(aq \\-\\- C:\\ex\n", ".B \\-\\-force\nDo it.\n",
		},
		"bkt-drift.1": {".SH EXAMPLES\n.EX\n", "\nbkt drift\n", "Show differences.\n.PP\nTwo paragraphs:\n.EX\na  b\n\\&.c\n.EE\n"}, // bkt has examples of this command
	} {
		for _, text := range want {
			if !strings.Contains(pages[name], text) {
				t.Errorf("%s lacks %q:\n%s", name, text, pages[name])
			}
		}
	}
	if len(pages) != 3 || strings.Contains(pages["bkt-tools.1"], "old") || strings.Contains(pages["bkt-tools.1"], "quiet") {
		t.Errorf("pages of hidden commands, or flags of all commands: %q", pages)
	}
}
