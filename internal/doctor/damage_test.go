package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"bkt/internal/domains"
	"bkt/internal/host"
	"bkt/internal/plan"
	"bkt/internal/statefile"

	"github.com/google/go-cmp/cmp"
)

// TestDamagedStates checks which files of bkt's state are problems, and that the fix of a
// damaged one keeps its text.
func TestDamagedStates(t *testing.T) {
	target := targetWith(t, nil)
	computer, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	target.Host, target.Cache = computer, &domains.Cache{}
	target.States = map[string]StateCheck{"runs/*.json": func(path string, text []byte) error {
		if string(text) == "good" {
			return nil
		}
		return statefile.Damaged(path, errors.New(path+": is cut off"), "all is well")
	}}
	state, ours := filepath.Join(target.Folders.State, "bkt"), "base/"+target.ID()
	for name, text := range map[string]string{
		ours + "/" + computer + "/gsettings.json":      `{"version": 1, "items": []}`,
		ours + "/" + computer + "/services.json":       `{"version": 1, "it`,
		ours + "/" + computer + "/extensions.json":     `{"version": 2}`,
		ours + "/" + computer + "/of-a-newer-bkt.json": `{`,
		ours + "/" + computer + "/.hidden.json":        `{`,
		ours + "/" + computer + "/x.json.damaged-1":    `{`,
		ours + "/another-computer/services.json":       `{`,
		ours + "/repository":                           "\x00\x00",
		"base/x-1/" + computer + "/services.json":      "",
		"base/x-1/repository":                          "/whole\n",
		"base/x-2/repository":                          "/cut",
		"runs/a.json":                                  "good",
		"runs/b.json":                                  "bad",
		"appimages/Tool.json":                          "{}",
		"appimages/Other.json":                         `{"name": "Other"}`,
		"distrobox/packages.json":                      `{"boxes": {}, "ima`,
	} {
		write(t, filepath.Join(state, name), text)
	}
	found, err := damagedStates(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	lines := summary(found, state)
	slices.Sort(lines)
	want := []string{
		"bkt: " + ours + "/" + computer + "/services.json:1:19: the file ends too early",
		"bkt: " + ours + "/repository: is not the path of a repository",
		"bkt: appimages/Tool.json is damaged: it has no name",
		"bkt: base/x-1/" + computer + "/services.json:1:1: the file is empty",
		"bkt: runs/b.json: is cut off",
		"user: " + ours + "/" + computer + "/extensions.json: has version 2, and this bkt reads version 1",
		"user: base/x-2/repository: is not the path of a repository",
		"user: distrobox/packages.json, the list of manually installed packages, cannot be read: unexpected end of JSON input",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	var fix plan.Plan
	for _, p := range found {
		fix = append(fix, p.Plan...)
	}
	if err := (host.Executor{}).Execute(t.Context(), fix, nil); err != nil {
		t.Fatal(err)
	}
	checkFixed(t, target, filepath.Join(state, ours))
}

// checkFixed checks the files of a repository, and what the doctor finds after its fix.
func checkFixed(t *testing.T, target *Target, ours string) {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(ours, "repository")); err != nil || string(text) != target.Repo.Root+"\n" {
		t.Errorf("the repository is %q, %v", text, err)
	}
	entries, err := os.ReadDir(filepath.Join(ours, target.Host))
	if err != nil {
		t.Fatal(err)
	}
	moved := regexp.MustCompile(`^services\.json\.damaged-[0-9]{8}-[0-9]{6}$`)
	n := slices.IndexFunc(entries, func(e os.DirEntry) bool { return moved.MatchString(e.Name()) })
	if n < 0 {
		t.Fatalf("%v", entries)
	}
	if text, err := os.ReadFile(filepath.Join(ours, target.Host, entries[n].Name())); err != nil || string(text) != `{"version": 1, "it` {
		t.Errorf("the damaged file is %q, %v", text, err)
	}
	again, err := damagedStates(t.Context(), target)
	if err != nil || len(again) != 3 {
		t.Errorf("after the fix: %q, %v", summary(again, ""), err)
	}
}
