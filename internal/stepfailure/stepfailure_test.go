package stepfailure_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/stepfailure"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what is found into the archives of outputs")

// entries returns the entries of a step that installs all packages of the outputs.
func entries(scenario string) []stepfailure.Entry {
	const packages, external, config = "manifests/system-packages.json", "manifests/external-repos.json", "manifests/system-config.json"
	var all []stepfailure.Entry
	add := func(file, text, line string) {
		all = append(all, stepfailure.Entry{File: file, Place: fmt.Sprintf("%s:%d:5", file, len(all)+1), Text: text, Line: "    " + line + ` \`})
	}
	for _, name := range []string{"jq", "riprep", "zoxidee", "gcc-plugin-devel", "conf-a", "conf-b", "file-a", "file-b", "bad-pre", "bad-post", "hello", "needs-missing", "python3dist(requests)"} {
		add(packages, name, name)
	}
	add(packages, "development-tolls", "@development-tolls")
	add(external, "v", "--enablerepo=v")
	add(external, "hc-app", "hc-app")
	add(config, "nosuch.service", "nosuch.service")
	add(config, "x", "x.service")
	switch scenario {
	case "excluded-dep":
		add(packages, "oniguruma", "--exclude=oniguruma")
	case "excluded-itself":
		add(packages, "jq", "--exclude=jq")
	case "removed-is-needed":
		add(packages, "lua", "lua")
	case "swap-of-nothing":
		add(packages, "ffmpeg-free", "ffmpeg-free")
	case "unknown-repo":
		add(packages, "nosuch", "'--enablerepo=nosuch'")
	}
	return all
}

// others are the entries of the step that adds the repository.
var others = []stepfailure.Entry{
	{File: "manifests/external-repos.json", Place: "manifests/external-repos.json:100:5", Text: "http://packages.offline.test/gone404/", Line: "baseurl=http://packages.offline.test/gone404/"},
	{File: "manifests/external-repos.json", Place: "manifests/external-repos.json:101:5", Text: "http://packages.offline.test/nokey.asc", Line: "gpgkey=http://packages.offline.test/nokey.asc"},
}

// TestFind checks what is found in outputs of the real tools.
func TestFind(t *testing.T) {
	for _, name := range []string{"dnf5.txtar", "dnf4.txtar"} {
		file := filepath.Join("testdata", name)
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			scenario, want := archive.Files[i], &archive.Files[i+1]
			t.Run(name+"/"+scenario.Name, func(t *testing.T) {
				step := stepfailure.Step{Output: string(scenario.Data), Entries: entries(scenario.Name), Others: others, Known: []string{"ripgrep", "jq", "zoxide"}}
				got := describe(stepfailure.Find(step))
				if *update {
					want.Data = []byte(got)
				}
				if diff := cmp.Diff(string(want.Data), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				checkByHand(t, step)
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func describe(reasons []stepfailure.Reason) string {
	var text strings.Builder
	for _, r := range reasons {
		fmt.Fprintln(&text, r.Text("Containerfile:7"))
		for _, h := range r.Hints {
			fmt.Fprintln(&text, "hint: "+h)
		}
	}
	return text.String()
}

// checkByHand checks that the same is found in a step that is written by hand, at the
// line of the step; and nothing if the step has survived that failure.
func checkByHand(t *testing.T, step stepfailure.Step) {
	t.Helper()
	of := stepfailure.Find(step)
	byHand := stepfailure.Find(stepfailure.Step{Output: step.Output})
	if len(byHand) != len(of) {
		t.Errorf("of a step by hand: %d reasons, not %d", len(byHand), len(of))
	}
	for _, r := range byHand {
		if !strings.HasPrefix(r.Text("Containerfile:7"), "Containerfile:7: ") {
			t.Errorf("of a step by hand: %s", r.Text("Containerfile:7"))
		}
	}
	for _, later := range []string{"make: *** [all] Error 1\n", strings.Repeat("testing\n", 20)} {
		step.Output += later
		if survived := stepfailure.Find(step); len(survived) > 0 {
			t.Errorf("of a step that fails later: %s", describe(survived))
		}
	}
}

// TestOrder checks outputs in which lines of the standard output arrive late.
func TestOrder(t *testing.T) {
	for _, output := range []string{
		"Error: Unable to find a match: riprep\nNo match for argument: riprep\n",
		"Failed to resolve the transaction:\nNo match for argument: riprep\n Fedora, offline   100% |   1.4 MiB/s |  15.4 KiB |  00m00s\nRepositories loaded.\n",
		"Error: Unable to find a match: riprep\nFedora, offline      1.0 MB/s |  11 kB     00:00\n",
	} {
		got := describe(stepfailure.Find(stepfailure.Step{Output: output, Entries: entries("")}))
		if want := "manifests/system-packages.json:2:5: \"riprep\": no package provides it\n"; got != want {
			t.Errorf("%q: %q", output, got)
		}
	}
	const unsigned = "Error: GPG check FAILED\nPackage hello-2-1.x86_64.rpm is not signed\n"
	if got := describe(stepfailure.Find(stepfailure.Step{Output: unsigned, Entries: entries("")})); !strings.Contains(got, `"hello": the package is not signed`) {
		t.Errorf("%q", got)
	}
}

// TestFindMention checks that an output without a known message blames an entry only if
// its last line has exactly one.
func TestFindMention(t *testing.T) {
	list := []stepfailure.Entry{
		{Place: "m:1:1", Text: "/opt/vendor"}, {Place: "m:2:1", Text: "/opt/vendor-two"}, {Place: "m:1:1", Text: "/opt/vendor"}, {Text: "without a place"}, {Place: "m:3:1", Text: "a"},
	}
	for _, tt := range []struct{ output, want string }{
		{"mv: cannot stat '/opt/vendor': No such file or directory\n", "m:1:1: mv: cannot stat '/opt/vendor': No such file or directory\n"},
		{"mv: cannot move '/opt/vendor' to '/opt/vendor-two'\n", ""},
		{"/opt/vendor\nmore\n", ""},
		{"/opt/vendor2\n", ""},
		{"without a place\n", ""},
		{"a\n", ""},
		{"", ""},
	} {
		if got := describe(stepfailure.Find(stepfailure.Step{Output: tt.output, Entries: list})); got != tt.want {
			t.Errorf("%q: %q, not %q", tt.output, got, tt.want)
		}
	}
}

func TestNear(t *testing.T) {
	known := []string{"jq", "ripgrep", "ripgrep-extras", "zoxide", "gcc", "gdb"}
	for name, want := range map[string]string{"riprep": "ripgrep", "zoxidee": "zoxide", "gc": "", "gccc": "gcc", "jqq": "jq", "nothing-like-it": "", "jq": ""} {
		if got := strings.Join(stepfailure.Near([]string{name}, known), " "); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
	}
}

func TestUnmatched(t *testing.T) {
	const output = "Failed to resolve the transaction:\nNo match for argument: a\nProblem: conflicting requests\n  - nothing provides b needed by c-1-1.x86_64\nNo match for argument: d\n"
	if got := strings.Join(stepfailure.Unmatched(output), " "); got != "a d" {
		t.Errorf("%q", got)
	}
}

func TestIsFullDisk(t *testing.T) {
	for output, want := range map[string]bool{
		"cp: error writing '/x': No space left on device\n":                         true,
		" Librepo error: Curl error (23): Failed writing received data to disk/…\n": true,
		"   At least 60MB more space needed on the / filesystem.\n":                 true,
		"No space left on device\n" + strings.Repeat("more\n", 20):                  false,
		"":                                 false,
		"cp: cannot create '/x': denied\n": false,
	} {
		if got := stepfailure.IsFullDisk(output); got != want {
			t.Errorf("%q: %v", output, got)
		}
	}
}

func TestTail(t *testing.T) {
	if got := stepfailure.Tail("0%\r50%\r100%\n\n" + strings.Repeat("x\n", 10) + "last  \n\n\n"); got != strings.Repeat("x\n", 9)+"last" {
		t.Errorf("%q", got)
	}
	if got := stepfailure.Tail("0%\r100%\nend"); got != "100%\nend" {
		t.Errorf("%q", got)
	}
}

// TestMentioned checks that the last line blames an entry only if it is about the entry,
// and not about a path that has its name.
func TestMentioned(t *testing.T) {
	entries := []stepfailure.Entry{
		{Place: "packages:1:1", Text: "bash", Line: "bash"},
		{Place: "files:2:2", Text: "/etc/motd", Line: "/etc/motd"},
	}
	for output, want := range map[string]string{
		"error: bash is not from repository x, but: bash fedora":                "packages:1:1",
		"/bin/bash: line 3: nosuch: command not found":                          "",
		"error: cannot open /usr/share/bash/x":                                  "",
		"install: cannot create regular file '/etc/motd': Read-only":            "files:2:2",
		"install: cannot create regular file '/etc/motd/motd': Not a directory": "files:2:2",
	} {
		got := ""
		if reasons := stepfailure.Find(stepfailure.Step{Output: output, Entries: entries}); len(reasons) == 1 {
			got = reasons[0].Entry.Place
		}
		if got != want {
			t.Errorf("%s: blames %q, want %q", output, got, want)
		}
	}
}
