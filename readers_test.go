package bkt_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// waiting are the functions that wait for ever at a pipe or a device, or read without a
// limit.
var waiting = []string{
	"os.ReadFile", "os.Open", "os.OpenFile", "os.Create", "os.DirFS", "io.ReadAll", "ioutil.ReadFile", "ioutil.ReadAll",
	"http.Dir", "http.DefaultClient", "http.Get", "zip.OpenReader", "elf.Open", "debug.Open",
}

// mayWait are the uses of these functions that are right, by file, with the reason. All
// other files are read with package plainfile.
var mayWait = map[string]string{
	"internal/plainfile/plainfile.go os.OpenFile":     "does not wait, and checks what it has opened",
	"internal/appimage/squashfs/tree.go io.ReadAll":   "has a limit; the image is open",
	"internal/buildkit/delivery.go os.Create":         "creates a file in a new folder",
	"internal/buildkit/export.go os.Open":             "opens a folder that bkt has created",
	"internal/distrobox/export/wrapper.go io.ReadAll": "has a limit",
	"internal/engine/engine.go os.OpenFile":           "does not wait (O_NONBLOCK)",
	"internal/engine/machine/machine.go os.OpenFile":  "opens the device that pasta needs",
	"internal/engine/netns/forward.go os.ReadFile":    "reads a file of the kernel",
	"internal/engine/netns/netns.go os.OpenFile":      "creates a file (O_EXCL)",
	"internal/engine/netns/pasta.go os.ReadFile":      "reads files of the kernel, and one that pasta has written",
	"internal/engine/reserve.go os.OpenFile":          "creates a file (O_EXCL)",
	"internal/engineclient/start.go os.Create":        "opens for reading and writing, which does not wait at a pipe",
	"internal/flock/flock.go os.OpenFile":             "does not wait (O_NONBLOCK), and reads nothing",
	"internal/host/durable.go os.Open":                "opens a folder that bkt writes in",
	"internal/host/durable.go os.OpenFile":            "opens folders alone (O_DIRECTORY)",
	"internal/host/draft.go os.OpenFile":              "creates a file (O_EXCL), or does not wait (O_NONBLOCK)",
	"internal/host/partial.go io.ReadAll":             "has a limit; a slow server is an error",
	"internal/host/partial.go os.OpenFile":            "opens a file that has some content, which no pipe has, or creates one",
	"internal/host/host.go io.ReadAll":                "has a limit",
	"internal/host/spot.go os.OpenFile":               "opens folders alone (O_DIRECTORY)",
	"internal/host/unzip.go os.DirFS":                 "reads a folder that bkt has unpacked",
	"internal/host/unzip.go zip.OpenReader":           "reads an archive that bkt has downloaded",
	"internal/interrupt/processes.go os.ReadFile":     "reads files of the kernel, of one line",
	"internal/registry/putmanifest.go io.ReadAll":     "has a limit; the request has a context",
}

// TestReaders checks that the code reads files that may be pipes, devices or huge only
// with package plainfile: a new reader must do so, or be in the table.
func TestReaders(t *testing.T) {
	found := map[string]bool{}
	for _, name := range goFiles(t) {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := s.X.(*ast.Ident)
			if call := pkg.String() + "." + s.Sel.Name; ok && slices.Contains(waiting, call) {
				found[name+" "+call] = true
			}
			return true
		})
	}
	for use := range found {
		if mayWait[use] == "" {
			t.Errorf("%s: use package plainfile, or give a reason in the table", use)
		}
	}
	for use := range mayWait {
		if !found[use] {
			t.Errorf("%s is in the table, and no longer in the code", use)
		}
	}
}

// goFiles returns the files of the programs: no tests, and nothing that only tests use.
func goFiles(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-tags=containers_image_openpgp", "-f", `{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}{{"\n"}}{{end}}`, "-deps", "./cmd/bkt", "./cmd/bkt-engine").Output()
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if name, ours := strings.CutPrefix(strings.TrimSpace(line), top+"/"); ours {
			all = append(all, name)
		}
	}
	if len(all) < 100 {
		t.Fatalf("only %d files: %v", len(all), all)
	}
	return all
}
