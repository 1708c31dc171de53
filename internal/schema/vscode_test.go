package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A question is one for testdata/vscode/service.cjs.
type question struct {
	Kind   string `json:"kind"`
	URI    string `json:"uri"`
	Text   string `json:"text"`
	Offset int    `json:"offset"`
	Schema string `json:"schema,omitempty"`
}

// ask returns the answers of VS Code's JSON language service, as scripts/vscode.sh installs
// it.
func ask(t *testing.T, questions []question) [][]string {
	t.Helper()
	testkit.Need(t, "node")
	installed := filepath.Join(testkit.Offline(t), "vscode")
	want, err := os.ReadFile("testdata/vscode/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(installed, "package-lock.json")); err != nil || !bytes.Equal(got, want) {
		testkit.Missing(t, installed+" is not of testdata/vscode/package-lock.json: scripts/vscode.sh makes it")
	}
	input, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "testdata/vscode/service.cjs")
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(installed, "node_modules"))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers [][]string
	if err := json.Unmarshal(output, &answers); err != nil || len(answers) != len(questions) {
		t.Fatalf("%d answers to %d questions, %v", len(answers), len(questions), err)
	}
	return answers
}

// address returns the URI of a file of this repository.
func address(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// TestVSCode checks that VS Code marks what bkt refuses by form, and nothing that bkt reads.
func TestVSCode(t *testing.T) {
	var documents []document
	var questions []question
	for _, f := range manifest.All() {
		for _, d := range corpus(t, f) {
			documents = append(documents, d)
			questions = append(questions, question{Kind: "validate", URI: address(t, f.Path), Text: string(d.text), Schema: fileOf(f)})
		}
	}
	for i, messages := range ask(t, questions) {
		d := documents[i]
		if d.verdict != "other" && (len(messages) == 0) != (d.verdict == "good") {
			t.Errorf("%s: VS Code says %q", d, messages)
		}
	}
}

// TestPatternsAreThoseOfJavaScript checks that VS Code can read all patterns.
func TestPatternsAreThoseOfJavaScript(t *testing.T) {
	var questions []question
	for _, f := range manifest.All() {
		text, err := os.ReadFile(fileOf(f))
		if err != nil {
			t.Fatal(err)
		}
		questions = append(questions, question{Kind: "patterns", URI: address(t, f.Path), Text: string(text)})
	}
	for i, messages := range ask(t, questions) {
		if len(messages) > 0 {
			t.Errorf("%s: %q", questions[i].URI, messages)
		}
	}
}

// TestVSCodeFindsSchemas checks that VS Code finds the schemas of our own manifests by their
// $schema, and marks nothing in them but what is wrong.
func TestVSCodeFindsSchemas(t *testing.T) {
	var questions []question
	for _, f := range manifest.All() {
		text, err := os.ReadFile("../../" + f.Path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		wrong := strings.Replace(string(text), "{", `{"unknown": 1,`, 1)
		questions = append(questions, question{Kind: "validate", URI: address(t, f.Path), Text: string(text)},
			question{Kind: "validate", URI: address(t, f.Path), Text: wrong})
	}
	for i, messages := range ask(t, questions) {
		var want []string
		if i%2 == 1 {
			want = []string{`Property unknown is not allowed.: "unknown"`}
		}
		if diff := cmp.Diff(want, append([]string(nil), messages...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", questions[i].URI, diff)
		}
	}
}

// TestVSCodeHelps checks what VS Code offers and shows at the place of a | in a manifest.
func TestVSCodeHelps(t *testing.T) {
	tests := []struct {
		kind, manifest, text string
		want                 []string
	}{
		{"complete", "flatpak-remotes", `"remotes": [{"scope": |""}]`, []string{`"system"`, `"user"`}},
		{"complete", "flatpak-overrides", `"overrides": [{"scope": |""}]`, []string{`"system"`, `"user"`}},
		{"complete", "systemd-services", `"services": {"sshd.service": |""}`, []string{`"enabled"`, `"disabled"`, `"masked"`}},
		{"complete", "distrobox", `"containers": {"a": {"init_hooks": [{"as": |""}]}}`, []string{`"user"`, `"root"`}},
		{"complete", "distrobox", `"containers": {"a": {"unshare": [|]}}`, []string{`"devsys"`, `"groups"`, `"ipc"`, `"netns"`, `"process"`}},
		{"complete", "image", `"system": {"platforms": [|]}`, []string{`"linux/amd64"`, `"linux/arm64"`}},
		{"complete", "gnome-extensions", `"extensions": [{"source": |""}]`, []string{`"ego"`, `"system"`, `"unknown"`}},
		{"complete", "toolbox-packages", `"copr_repos": [{"enabled": |}]`, []string{"true", "false"}},
		{"complete", "toolbox-packages", `"packages": [{"|"}]`, []string{"name", "from_repo", "enable_repo", "setopt", "allow_erasing", "weak_deps", "arch", "comment"}},
		{"complete", "toolbox-packages", `"|"`, []string{"packages", "groups", "excluded", "removed", "swap", "versionlock", "copr_repos"}},
		{"hover", "toolbox-packages", `"pack|ages": []`, []string{"dnf specs, also @group"}},
		{"hover", "toolbox-packages", `"packages": [{"from_|repo": ""}]`, []string{"the only repository that it comes from: an id, or a name in copr\\_repos"}},
		{"hover", "flatpak-apps", `"apps": [{"comm|it": ""}]`, []string{"to stay at"}},
		{"hover", "systemd-services", `"services": {"a.service": "enab|led"}`,
			[]string{`A UnitState says whether a unit starts automatically \("enabled"\), on request \("disabled"\) or never \("masked"\)\.`}},
	}
	var questions []question
	for _, tt := range tests {
		text := `{"$schema": "../schemas/` + tt.manifest + `.schema.json", ` + tt.text + `}`
		questions = append(questions, question{
			Kind: tt.kind, URI: address(t, "manifests/"+tt.manifest+".json"), Text: strings.Replace(text, "|", "", 1), Offset: strings.Index(text, "|"),
		})
	}
	for i, got := range ask(t, questions) {
		if diff := cmp.Diff(tests[i].want, got, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", tests[i].kind, tests[i].text, diff)
		}
	}
}
