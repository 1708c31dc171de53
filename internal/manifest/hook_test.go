package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

// TestHooks checks that the hooks of a container come in the order in which they run,
// and know the position of each of their bytes.
func TestHooks(t *testing.T) {
	const text = `{"containers": {"ab": {"image": "x",
  "init_hooks": ["echo \"é\" \\ \u00e9 \ud83d\ude00 \/ !", {"as": "user", "run": "!"}],
  "pre_init_hooks": ["\t!", {"volatile": ["/x"], "run": "true!"}]
}}}`
	containers, source, err := manifest.Decode[manifest.Containers]("distrobox.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	type found struct {
		run, as string
		pre     bool
		at      manifest.Position // of the exclamation mark
	}
	var got []found
	for _, h := range containers.Hooks("ab", source) {
		got = append(got, found{h.Run, h.As, h.Pre, h.At(strings.Index(h.Run, "!"))})
	}
	want := []found{
		{"\t!", "root", true, manifest.Position{Line: 3, Column: 25}},
		{"true!", "root", true, manifest.Position{Line: 3, Column: 62}},
		{`echo "é" \ é 😀 / !`, "", false, manifest.Position{Line: 2, Column: 56}},
		{"!", "user", false, manifest.Position{Line: 2, Column: 83}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(found{})); diff != "" {
		t.Error(diff)
	}
	if hooks := containers.Hooks("other", source); hooks != nil {
		t.Error(hooks)
	}
}

// TestOfToolbox checks which containers are created from the toolbox image.
func TestOfToolbox(t *testing.T) {
	tests := []struct {
		name       string
		containers map[string]string // their images
		image      string            // the name of the toolbox image
		want       []string
	}{
		{"none", nil, "quay.io/me/dev", nil},
		{"by its name", map[string]string{"bootc-dev": "quay.io/me/dev", "work": "quay.io/me/work"}, "", []string{"bootc-dev"}},
		{"the same image", map[string]string{"bootc-dev": "quay.io/me/dev", "a": "docker://quay.io/me/dev:latest", "b": "quay.io/me/dev:1"}, "", []string{"a", "bootc-dev"}},
		{"the name of the image", map[string]string{"a": "debian", "b": "docker.io/library/debian:latest", "c": "quay.io/debian"}, "debian:latest", []string{"a", "b"}},
		{"the only one, local", map[string]string{"x": "localhost/x"}, "quay.io/me/dev", []string{"x"}},
		{"the only one, of a registry", map[string]string{"x": "docker.io/library/ubuntu:24.04"}, "", nil},
		{"two, local", map[string]string{"x": "localhost/x", "y": "localhost/y"}, "", nil},
		{"not in a registry", map[string]string{"bootc-dev": "oci:/srv/x", "y": "oci:/srv/x", "z": "oci:/srv/z"}, "", []string{"bootc-dev", "y"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := manifest.Containers{Containers: map[string]manifest.Container{}}
			for name, image := range tt.containers {
				all.Containers[name] = manifest.Container{Image: image}
			}
			if got := all.OfToolbox(tt.image); !slices.Equal(got, tt.want) {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}
