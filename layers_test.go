package bkt_test

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// may says which packages of the module a package may import: only those below
// it. A package that is missing here is an error, too.
var may = map[string]string{
	"cmd/bkt":                    "gen internal/autocapture internal/buildspec internal/completion internal/containerfile internal/crash internal/doctor internal/domains internal/editor internal/engineclient internal/finding internal/githook internal/hint internal/hook internal/hook/lint internal/hook/rehearse internal/host internal/imagetest internal/interrupt internal/live internal/manifest internal/manual internal/merge internal/mergedriver internal/ownpath internal/patherr internal/pipeline internal/plan internal/printable internal/reconcile internal/repo internal/report internal/scaffold internal/shell internal/status internal/strictjson internal/ui internal/upgrade internal/usage internal/verdict internal/version internal/workspace schemas",
	"cmd/bkt-engine":             "internal/crash internal/engine internal/engine/contract internal/engine/machine internal/interrupt internal/ocilayout internal/registry internal/version",
	"e2e/containers":             "",
	"e2e/engines":                "",
	"e2e/git":                    "",
	"e2e/images":                 "",
	"e2e/install":                "",
	"gen":                        "gen/bounded gen/flow gen/section internal/dockerfile internal/encode internal/filetree internal/finding internal/hint internal/imagerule internal/manifest internal/patherr internal/paths internal/printable internal/strictjson templates",
	"gen/bounded":                "internal/hint",
	"gen/flow":                   "internal/dockerfile internal/hint internal/script/call internal/strictjson",
	"gen/lint":                   "gen gen/flow internal/buildspec internal/dockerfile internal/finding internal/hint internal/imagerule internal/manifest internal/printable internal/proxy internal/script/call",
	"gen/section":                "internal/dockerfile internal/hint internal/printable",
	"gen/undeclared":             "gen gen/section internal/dockerfile internal/finding internal/hint internal/imagerule internal/manifest internal/patherr internal/printable internal/script",
	"internal/appimage":          "internal/appimage/squashfs internal/hint internal/homepath internal/keyfile internal/manifest internal/plainfile internal/plan internal/reconcile internal/statefile",
	"internal/appimage/squashfs": "",
	"internal/appimage/squashfs/squashfstest": "internal/testkit",
	"internal/autocapture":                    "gen internal/containerfile internal/domains internal/gvariant internal/hint internal/host internal/live internal/mergedriver internal/ownpath internal/patherr internal/plainfile internal/plan internal/reconcile internal/repo internal/statefile internal/workspace packaging",
	"internal/bootc":                          "internal/host internal/patherr internal/plan",
	"internal/buildkit":                       "internal/buildspec internal/crash internal/engine/contract internal/engineclient internal/hint internal/ocilayout internal/owner internal/patherr internal/proxy internal/stepfailure",
	"internal/buildspec":                      "internal/confine internal/dockerfile internal/hint internal/ocilayout internal/patherr internal/paths internal/plainfile internal/proxy",
	"internal/completion":                     "gen internal/containerfile internal/live internal/manifest internal/repo",
	"internal/confine":                        "internal/paths internal/plainfile internal/shell",
	"internal/containerfile":                  "gen gen/lint gen/undeclared internal/buildspec internal/crash internal/dockerfile internal/editor internal/finding internal/hint internal/host internal/manifest internal/patherr internal/plan internal/printable internal/repo internal/shell internal/strictjson",
	"internal/crash":                          "internal/hint internal/version",
	"internal/distrobox":                      "internal/crash internal/distrobox/creation internal/distrobox/export internal/distrobox/manager internal/hint internal/manifest internal/patherr internal/paths internal/plainfile internal/plan internal/reconcile internal/shell internal/statefile",
	"internal/distrobox/creation":             "internal/distrobox/manager internal/hint internal/homepath internal/hook internal/manifest internal/paths internal/shell",
	"internal/distrobox/export":               "internal/manifest internal/patherr internal/plainfile internal/shell",
	"internal/distrobox/manager":              "internal/paths internal/plainfile internal/plan internal/reconcile",
	"internal/dockerfile":                     "internal/printable",
	"internal/doctor":                         "internal/distrobox/export internal/domains internal/editor internal/engine/contract internal/engineclient internal/finding internal/githook internal/hint internal/host internal/live internal/manifest internal/mergedriver internal/ownpath internal/patherr internal/paths internal/pipeline internal/plainfile internal/plan internal/printable internal/reconcile internal/repo internal/statefile internal/version internal/workspace schemas",
	"internal/domains":                        "internal/appimage internal/distrobox internal/extension internal/flatpak internal/gsettings internal/hint internal/host internal/manifest internal/patherr internal/plainfile internal/plan internal/reconcile internal/secret internal/services internal/strictjson internal/workspace",
	"internal/editor":                         "internal/manifest internal/patherr internal/plan internal/repo schemas",
	"internal/encode":                         "internal/shell",
	"internal/engine":                         "internal/crash internal/engine/contract internal/engine/machine internal/engine/netns internal/flock internal/hint internal/patherr internal/plainfile internal/realm",
	"internal/engine/contract":                "internal/flock internal/hint internal/plainfile",
	"internal/engine/machine":                 "internal/engine/contract internal/hint internal/patherr internal/plainfile",
	"internal/engine/netns":                   "internal/hint",
	"internal/engineclient":                   "internal/engine/contract internal/flock internal/hint internal/patherr internal/version",
	"internal/extension":                      "internal/gvariant internal/hint internal/manifest internal/patherr internal/plainfile internal/plan internal/reconcile",
	"internal/filetree":                       "internal/hint internal/manifest internal/patherr internal/printable",
	"internal/finding":                        "internal/hint",
	"internal/flatpak":                        "internal/gvariant internal/hint internal/homepath internal/keyfile internal/manifest internal/patherr internal/plainfile internal/plan internal/reconcile",
	"internal/flock":                          "",
	"internal/githook":                        "internal/confine internal/hint internal/host internal/patherr internal/plainfile internal/plan internal/repo internal/shell",
	"internal/gsettings":                      "internal/gvariant internal/gvdb internal/hint internal/homepath internal/keyfile internal/manifest internal/patherr internal/plainfile internal/plan internal/reconcile internal/strictjson",
	"internal/gvariant":                       "",
	"internal/gvdb":                           "internal/gvariant",
	"internal/gvdb/gvdbtest":                  "internal/gvariant",
	"internal/hint":                           "",
	"internal/homepath":                       "",
	"internal/hook":                           "internal/finding internal/manifest internal/printable internal/strictjson",
	"internal/hook/command":                   "",
	"internal/hook/homecopy":                  "internal/hint internal/patherr internal/paths",
	"internal/hook/hooktest":                  "internal/testkit",
	"internal/hook/lint":                      "internal/finding internal/hook internal/hook/command internal/script",
	"internal/hook/rehearse":                  "internal/buildkit internal/hook internal/hook/homecopy internal/paths internal/printable",
	"internal/host":                           "internal/confine internal/crash internal/flock internal/gvariant internal/hint internal/interrupt internal/keyfile internal/owner internal/patherr internal/paths internal/plainfile internal/plan internal/shell",
	"internal/imagerule":                      "internal/dockerfile internal/encode internal/filetree internal/hint internal/hook/command internal/manifest internal/patherr internal/paths internal/script internal/script/call internal/strictjson",
	"internal/imagetest":                      "gen internal/buildkit internal/finding internal/hint internal/hook internal/imagerule",
	"internal/interrupt":                      "",
	"internal/jsontest":                       "internal/strictjson",
	"internal/keyfile":                        "",
	"internal/live":                           "gen internal/crash internal/domains internal/hint internal/host internal/patherr internal/plainfile internal/plan internal/reconcile internal/repo internal/secret internal/statefile internal/strictjson internal/workspace packaging",
	"internal/manifest":                       "internal/finding internal/hint internal/patherr internal/printable internal/strictjson",
	"internal/manual":                         "internal/patherr internal/plainfile internal/plan internal/usage",
	"internal/merge":                          "internal/hint internal/manifest internal/patherr internal/strictjson",
	"internal/merge/mergetest":                "internal/manifest",
	"internal/mergedriver":                    "internal/confine internal/crash internal/flatpak internal/gsettings internal/hint internal/host internal/manifest internal/merge internal/ownpath internal/patherr internal/plainfile internal/plan internal/repo internal/shell",
	"internal/ocilayout":                      "internal/flock internal/hint internal/owner internal/patherr internal/plainfile",
	"internal/owner":                          "",
	"internal/ownpath":                        "internal/patherr",
	"internal/patherr":                        "",
	"internal/paths":                          "",
	"internal/pipeline":                       "gen internal/buildkit internal/buildspec internal/containerfile internal/engine/contract internal/engineclient internal/finding internal/hint internal/hook internal/hook/homecopy internal/hook/lint internal/hook/rehearse internal/host internal/imagerule internal/imagetest internal/manifest internal/ocilayout internal/owner internal/patherr internal/plainfile internal/plan internal/proxy internal/repo internal/secret internal/stepfailure internal/version internal/workspace",
	"internal/plainfile":                      "",
	"internal/plan":                           "internal/shell",
	"internal/printable":                      "",
	"internal/proxy":                          "",
	"internal/realm":                          "",
	"internal/reconcile":                      "internal/editor internal/hint internal/manifest internal/plan internal/printable internal/statefile",
	"internal/registry":                       "internal/engine/contract internal/hint internal/ocilayout internal/patherr internal/plainfile internal/realm",
	"internal/repo":                           "internal/confine internal/flock internal/hint internal/manifest internal/patherr internal/plainfile internal/plan internal/shell",
	"internal/report":                         "internal/host internal/live internal/plan internal/reconcile internal/ui",
	"internal/scaffold":                       "gen internal/githook internal/hint internal/host internal/manifest internal/mergedriver internal/patherr internal/pipeline internal/plan internal/repo internal/shell internal/ui internal/version internal/workspace schemas",
	"internal/schema":                         "internal/hint internal/manifest internal/strictjson schemas",
	"internal/script":                         "",
	"internal/script/call":                    "internal/hook/command internal/script",
	"internal/secret":                         "",
	"internal/services":                       "internal/hint internal/manifest internal/plainfile internal/plan internal/reconcile",
	"internal/shell":                          "",
	"internal/statefile":                      "internal/version",
	"internal/status":                         "gen gen/section internal/bootc internal/containerfile internal/crash internal/hint internal/host internal/live internal/manifest internal/patherr internal/reconcile internal/repo internal/report internal/workspace",
	"internal/stepfailure":                    "",
	"internal/strictjson":                     "internal/hint",
	"internal/testkit":                        "",
	"internal/testkit/killpoint":              "",
	"internal/testkit/traced":                 "",
	"internal/ui":                             "internal/hint internal/plan internal/printable",
	"internal/upgrade":                        "internal/distrobox internal/domains internal/hint internal/hook internal/host internal/interrupt internal/manifest internal/ocilayout internal/pipeline internal/plan internal/repo internal/workspace",
	"internal/usage":                          "internal/hint internal/strictjson",
	"internal/verdict":                        "internal/live internal/plan internal/reconcile",
	"internal/version":                        "",
	"internal/workspace":                      "internal/hint internal/patherr internal/plainfile internal/plan internal/repo internal/shell",
	"packaging":                               "",
	"schemas":                                 "",
	"templates":                               "",
}

// edges are the modules that only some packages may import.
var edges = map[string][]string{
	"github.com/moby/buildkit/client":                     {"gen/lint", "internal/buildkit", "internal/engine", "internal/engineclient"}, // gen/lint: the linter wants its types
	"github.com/moby/buildkit/worker":                     {"internal/engine"},
	"github.com/moby/buildkit/control":                    {"internal/engine"},
	"github.com/containers/image/v5":                      {"internal/registry"},
	"github.com/alecthomas/kong":                          {"cmd/bkt", "cmd/bkt-engine", "internal/completion", "internal/manual", "internal/usage"},
	"charm.land/huh/v2":                                   {"cmd/bkt"},
	"github.com/google/renameio/v2":                       {"internal/buildkit", "internal/engine", "internal/ocilayout"},
	"os/exec":                                             {"internal/host", "internal/buildkit", "internal/engine", "internal/engine/machine", "internal/engine/netns", "internal/engineclient", "internal/testkit", "internal/testkit/killpoint", "internal/testkit/traced", "internal/appimage/squashfs/squashfstest"}, // the last four: only for tests
	"github.com/Masterminds/sprig/v3":                     {"gen"},
	"github.com/diskfs/go-diskfs":                         {"internal/appimage/squashfs"},
	"github.com/go-json-experiment/json":                  {"gen", "internal/imagerule", "internal/jsontest", "internal/manifest", "internal/merge", "internal/schema", "internal/strictjson"},
	"github.com/moby/buildkit/frontend":                   {"gen/lint", "internal/buildkit", "internal/buildspec", "internal/dockerfile", "internal/engine", "internal/imagerule"},
	"github.com/moby/buildkit/frontend/dockerfile/parser": {"internal/dockerfile"},
	"github.com/moby/buildkit/frontend/dockerfile/shell":  {"internal/dockerfile"},
	"github.com/containerd/containerd/v2":                 {"internal/buildkit", "internal/engine", "internal/ocilayout"},
	"github.com/rogpeppe/go-internal/diff":                {"internal/hook/rehearse", "internal/plan"},
}

// TestLayers checks that packages import only what the tables allow.
func TestLayers(t *testing.T) {
	for _, fields := range list(t, "{{.ImportPath}} {{join .Imports \" \"}}", "./...") {
		pkg, ours := strings.CutPrefix(fields[0], "bkt/")
		if !ours || strings.Contains(pkg, "testdata") {
			continue
		}
		allowed, known := may[pkg]
		if !known {
			t.Errorf("%s is not in the table of layers", pkg)
		}
		for _, path := range fields[1:] {
			if below, ok := strings.CutPrefix(path, "bkt/"); ok && !slices.Contains(strings.Fields(allowed), below) {
				t.Errorf("%s may not import %s", pkg, below)
			}
			for module, users := range edges {
				if (path == module || strings.HasPrefix(path, module+"/")) && !slices.Contains(users, pkg) {
					t.Errorf("%s may not import %s", pkg, path)
				}
			}
		}
	}
}

// TestArchitecture checks docs/architecture.md: its layout names every package, and in
// its diagram, each package imports only packages from the rows below its own.
func TestArchitecture(t *testing.T) {
	text := read(t, "docs/architecture.md")
	_, text, _ = strings.Cut(text, "## Layout")
	blocks := strings.Split(text, "```")
	if len(blocks) < 5 {
		t.Fatal("docs/architecture.md has no layout and diagram")
	}
	row := map[string]int{}
	for n, line := range strings.Split(blocks[3], "\n") {
		for _, name := range strings.Fields(strings.ReplaceAll(line, "|", " ")) {
			if _, full := may[name]; !full {
				name = "internal/" + name
			}
			row[name] = n
		}
	}
	for pkg, imports := range may {
		if !strings.Contains(blocks[1], path.Base(pkg)+"/") {
			t.Errorf("the layout lacks %s", pkg)
		}
		for _, below := range strings.Fields(imports) {
			if row[pkg] > 0 && row[below] > 0 && row[below] <= row[pkg] {
				t.Errorf("%s is not above %s, which it imports", pkg, below)
			}
		}
	}
	for pkg := range row {
		if _, known := may[pkg]; !known {
			t.Errorf("the diagram has %s, which does not exist", pkg)
		}
	}
}

// TestEngineIsNotLinked checks that bkt does not link the heavy packages that belong
// to bkt-engine: BuildKit's controller, worker and executor, and containers/image.
func TestEngineIsNotLinked(t *testing.T) {
	for _, fields := range list(t, "{{.ImportPath}}", "-deps", "-tags=containers_image_openpgp", "./cmd/bkt") {
		for _, inner := range []string{"worker", "control", "executor/oci", "executor/runcexecutor", "cache", "snapshot", "solver/llbsolver/ops", "solver/bboltcachestorage"} {
			if path := "github.com/moby/buildkit/" + inner; fields[0] == path || strings.HasPrefix(fields[0], path+"/") {
				t.Errorf("%s is linked into bkt", fields[0])
			}
		}
		if fields[0] == "bkt/internal/engine" || strings.HasPrefix(fields[0], "github.com/containers/image/") {
			t.Errorf("%s is linked into bkt", fields[0])
		}
	}
}

// TestOnePathOfChecks checks that only ui.Mode.Run returns ui.ErrPending. Commands that
// only report differences may return it, too.
func TestOnePathOfChecks(t *testing.T) {
	reports := []string{"app.go", "drift.go", "containerfile.go"} // app.go: the exit status itself
	files, err := filepath.Glob("cmd/bkt/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("ErrPending")) && !slices.Contains(reports, filepath.Base(path)) {
			t.Errorf("%s uses ui.ErrPending: have ui.Mode.Run return it", path)
		}
	}
}

// list returns the fields of each line that go list prints.
func list(t *testing.T, format string, args ...string) [][]string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-f", format}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines
}
