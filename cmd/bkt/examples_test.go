package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/ui"
	"bkt/internal/usage"

	"github.com/alecthomas/kong"
)

// exampleScripts run the examples of the help texts, each as a line that begins with
// "example" or "typing". $REGISTRY stands for the registry of an example.
var exampleScripts = []string{
	"testdata/script/examples.txtar",
	"testdata/tier2/examples.txtar",
	"testdata/tier2/auto-capture-enable.txtar", // needs a systemctl of its own
	"../../e2e/images/testdata/examples.txtar",
	"../../e2e/engines/testdata/load.txtar", // needs a podman
}

// TestExamples checks that each command has examples, that each example is about its
// command, and that a script runs it.
func TestExamples(t *testing.T) {
	var scripts strings.Builder
	for _, name := range exampleScripts {
		text, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			t.Fatal(err)
		}
		script, _, _ := strings.Cut(string(text), "\n-- ")
		for line := range strings.Lines(script) {
			if strings.HasPrefix(line, "example ") || strings.HasPrefix(line, "typing ") {
				scripts.WriteString(strings.ReplaceAll(line, "$REGISTRY/", "quay.io/"))
			}
		}
	}
	a := &app{Printer: ui.Printer{Out: io.Discard, Err: io.Discard}}
	parser, _, err := a.parser(t.Context(), commands()...)
	if err != nil {
		t.Fatal(err)
	}
	nodes := []*kong.Node{parser.Model.Node}
	for ; len(nodes) > 0; nodes = nodes[1:] {
		for _, child := range nodes[0].Children {
			if !child.Hidden {
				nodes = append(nodes, child)
			}
		}
		path, about := nodes[0].Path(), 0
		for _, line := range usage.Examples(path) {
			if strings.HasPrefix(line, "# ") {
				continue
			}
			if strings.HasPrefix(line+" ", strings.TrimSpace("bkt "+path)+" ") || path == "drift show" && strings.HasPrefix(line, "bkt drift ") {
				about++
			}
			if !strings.Contains(scripts.String(), " "+line+"\n") {
				t.Errorf("bkt %s: no script runs %q", path, line)
			}
		}
		if about == 0 {
			t.Errorf("bkt %s: no example is about it", path)
		}
	}
}
