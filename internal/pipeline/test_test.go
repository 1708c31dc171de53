package pipeline

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/hook/rehearse"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

func TestReadTests(t *testing.T) {
	files := fstest.MapFS{
		manifest.SystemPackagesPath:  {Data: []byte(`{"packages": ["jq"]}`)},
		manifest.ToolboxPackagesPath: {Data: []byte(`{"packages": ["yq"]}`)},
		manifest.DistroboxPath: {Data: []byte(`{"containers": {
			"bootc-dev": {"image": "quay.io/me/dev", "init_hooks": ["true"], "pre_init_hooks": ["id"]},
			"work": {"image": "quay.io/me/work", "init_hooks": ["false"]}}}`)},
	}
	tests := []struct {
		image gen.Image
		check string // one of those
		hooks []string
	}{
		{gen.System, "package jq", nil},
		{gen.Toolbox, "package yq", []string{"true"}},
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
		for _, h := range got.hooks {
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

func TestFindOldHome(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	tests := []struct {
		text   string
		old    rehearse.Old
		folder string
		err    string
	}{
		{"", rehearse.None, "", ""},
		{dir, rehearse.Home, dir, ""},
		{missing, rehearse.None, "", "--old-home: " + missing + ": no such file or directory"},
		{file, rehearse.None, "", "--old-home: " + file + " is not a folder"},
	}
	for _, tt := range tests {
		old, extra, err := HookOptions{OldHome: tt.text}.findOldHome()
		text := ""
		if err != nil {
			text = err.Error()
		}
		if old.From != tt.old || extra.Folder != tt.folder || (len(extra.Exclude) > 0) != (tt.folder != "") || text != tt.err {
			t.Errorf("%q: %q, %+v, %q", tt.text, old.From, extra, text)
		}
	}
	with := HookOptions{OldHome: dir}
	with.Network = buildkit.DefaultNetwork
	if old, _, err := with.findOldHome(); !old.Online || err != nil {
		t.Errorf("with a network: %+v, %v", old, err)
	}
	if old, _, err := (HookOptions{OldHome: "oci-layout://" + missing}).findOldHome(); old.From != rehearse.Image || err == nil {
		t.Errorf("an image that is missing: %q, %v", old.From, err)
	}
}
