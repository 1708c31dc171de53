package pipeline

import (
	"slices"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

func TestReadTests(t *testing.T) {
	files := fstest.MapFS{
		manifest.SystemPackagesPath:  {Data: []byte(`{"packages": ["jq"]}`)},
		manifest.ToolboxPackagesPath: {Data: []byte(`{"packages": ["yq"]}`)},
		manifest.DistroboxPath: {Data: []byte(`{"containers": {
			"bootc-dev": {"image": "quay.io/me/dev", "init_hooks": ["true"], "pre_init_hooks": ["id"]},
			"same": {"image": "quay.io/me/dev:latest", "init_hooks": ["pwd"]},
			"work": {"image": "quay.io/me/work", "init_hooks": ["false"]}}}`)},
	}
	tests := []struct {
		image gen.Image
		check string // one of those
		hooks []string
	}{
		{gen.System, "package jq", nil},
		{gen.Toolbox, "package yq", []string{"id", "true", "pwd"}},
	}
	for _, tt := range tests {
		got, err := readTests(files, tt.image)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, c := range got.checks {
			found = found || c.Name == tt.check
		}
		if !found {
			t.Errorf("%s: no check %q in %v", tt.image, tt.check, got.checks)
		}
		var hooks []string
		for _, h := range slices.Concat(got.hooks...) {
			hooks = append(hooks, h.Run)
		}
		if diff := cmp.Diff(tt.hooks, hooks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.image, diff)
		}
	}
}

// TestReadTestsWrongManifest checks that hooks that cannot be read are an error,
// and not none.
func TestReadTestsWrongManifest(t *testing.T) {
	files := fstest.MapFS{manifest.DistroboxPath: {Data: []byte(`{"containers": [}`)}}
	if _, err := readTests(files, gen.Toolbox); err == nil {
		t.Error("no error")
	}
}

// TestReadTestsElsewhere checks that the hooks of an only container with another image are
// named, because they do not run.
func TestReadTestsElsewhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"containers": {"x": {"image": "quay.io/me/x", "init_hooks": ["true"]}}}`:                                 "x",
		`{"containers": {"x": {"image": "localhost/x", "init_hooks": ["true"]}}}`:                                  "",
		`{"containers": {"x": {"image": "quay.io/me/x"}}}`:                                                         "",
		`{"containers": {"x": {"image": "quay.io/me/x", "init_hooks": ["true"]}, "y": {"image": "quay.io/me/x"}}}`: "",
	} {
		got, err := readTests(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(text)}}, gen.Toolbox)
		if err != nil || got.elsewhere != want {
			t.Errorf("%s: %q, %v", text, got.elsewhere, err)
		}
	}
}
