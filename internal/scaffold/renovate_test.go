package scaffold_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/repo"
	"bkt/internal/scaffold"
)

// A custom manager of Renovate (https://docs.renovatebot.com/modules/manager/regex/). Its
// regular expressions have the syntax of RE2, as Go's have.
type customManager struct {
	Type      string   `json:"customType"`
	Files     []string `json:"managerFilePatterns"`
	Match     []string `json:"matchStrings"`
	Source    string   `json:"datasourceTemplate"`
	Replaced  string   `json:"autoReplaceStringTemplate"`
	Versions  string   `json:"versioningTemplate"`
	Describes string   `json:"description"`
}

// readManager returns the custom manager in the configuration for a new repository.
func readManager(t *testing.T) customManager {
	t.Helper()
	r := repo.Repo{Root: t.TempDir()}
	base := manifest.Base{Image: "a:1"}
	res, err := scaffold.Plan(r, scaffold.Answers{Name: "x", System: base, Toolbox: base, Container: "box", ToolboxName: "localhost/x:latest"})
	if err != nil {
		t.Fatal(err)
	}
	var config struct{ CustomManagers []customManager }
	for _, change := range res.Plan {
		for _, step := range change.Steps {
			if write, ok := step.(plan.Write); ok && strings.HasSuffix(write.Path, "/renovate.json") {
				if err := json.Unmarshal(write.New, &config); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if len(config.CustomManagers) != 1 {
		t.Fatalf("config is %v", config)
	}
	return config.CustomManagers[0]
}

// TestRenovate checks that Renovate finds the base images of a manifest in canonical
// form, and that its update is a manifest in canonical form, too.
func TestRenovate(t *testing.T) {
	m := readManager(t)
	if m.Type != "regex" || m.Source != "docker" || m.Versions != "docker" || len(m.Match) != 1 {
		t.Fatalf("manager is %v", m)
	}
	if _, err := fs.Stat(os.DirFS("../.."), m.Files[0]); err != nil || len(m.Files) != 1 {
		t.Errorf("files are %v", m.Files)
	}
	old, updated := "sha256:"+strings.Repeat("1", 64), "sha256:"+strings.Repeat("2", 64)
	for _, tt := range []struct {
		base      manifest.Base
		value     string // that Renovate finds
		newValue  string
		newDigest string // "": none
		want      manifest.Base
	}{
		{manifest.Base{Image: "quay.io/fedora/fedora-bootc:43", Digest: old, As: "base"}, "43", "43", updated, manifest.Base{Image: "quay.io/fedora/fedora-bootc:43", Digest: updated, As: "base"}},
		{manifest.Base{Image: "localhost:5000/a/b:x-1"}, "x-1", "x-2", "", manifest.Base{Image: "localhost:5000/a/b:x-2"}},
		{manifest.Base{Image: "fedora:43", As: "base"}, "43", "44", updated, manifest.Base{Image: "fedora:44", Digest: updated, As: "base"}},
	} {
		text, err := manifest.Encode(manifest.Images{System: manifest.Image{Base: tt.base, Name: "quay.io/me/image:latest"}})
		if err != nil {
			t.Fatal(err)
		}
		pattern := regexp.MustCompile(m.Match[0])
		found := pattern.FindAllStringSubmatch(string(text), -1)
		if len(found) != 1 {
			t.Fatalf("%v: found %q in %s", tt.base, found, text)
		}
		group := func(name string) string { return found[0][pattern.SubexpIndex(name)] }
		if group("currentValue") != tt.value || group("currentDigest") != tt.base.Digest || group("depName")+":"+tt.value != tt.base.Image {
			t.Errorf("%v: found %q", tt.base, found)
		}
		replaced := handlebars(m.Replaced, map[string]string{"depName": group("depName"), "newValue": tt.newValue, "newDigest": tt.newDigest})
		want, err := manifest.Encode(manifest.Images{System: manifest.Image{Base: tt.want, Name: "quay.io/me/image:latest"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Replace(string(text), found[0][0], replaced, 1); got != string(want) {
			t.Errorf("%v becomes\n%s", tt.base, got)
		}
	}
}

// handlebars executes a template with variables, and with a block for those that are set.
func handlebars(template string, values map[string]string) string {
	block := regexp.MustCompile(`(?s)\{\{#if (\w+)\}\}(.*?)\{\{/if\}\}`)
	template = block.ReplaceAllStringFunc(template, func(text string) string {
		parts := block.FindStringSubmatch(text)
		if values[parts[1]] == "" {
			return ""
		}
		return parts[2]
	})
	return regexp.MustCompile(`\{\{\{(\w+)\}\}\}`).ReplaceAllStringFunc(template, func(text string) string {
		return values[strings.Trim(text, "{}")]
	})
}
