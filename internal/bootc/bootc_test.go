package bootc

import "testing"

func TestImageName(t *testing.T) {
	for reference, want := range map[string]string{
		"ostree-unverified-registry:quay.io/a/b:1":          "quay.io/a/b:1",
		"ostree-unverified-image:docker://quay.io/a/b:1":    "quay.io/a/b:1",
		"ostree-image-signed:docker://quay.io/a/b:1":        "quay.io/a/b:1",
		"ostree-image-signed:registry:quay.io/a/b:1":        "quay.io/a/b:1",
		"ostree-remote-registry:fedora:quay.io/a/b:1":       "quay.io/a/b:1",
		"ostree-remote-image:fedora:docker://quay.io/a/b:1": "quay.io/a/b:1",
		"quay.io/a/b:1": "quay.io/a/b:1",
	} {
		if got := imageName(reference); got != want {
			t.Errorf("%s: %s", reference, got)
		}
	}
}

func TestSameRepository(t *testing.T) {
	tests := []struct {
		image, name string
		want        bool
	}{
		{"quay.io/a/b:1", "quay.io/a/b:2", true},
		{"quay.io/a/b@sha256:00", "quay.io/a/b", true},
		{"localhost:5000/b", "localhost:5000/b:latest", true},
		{"quay.io/a/b", "quay.io/a/c", false},
	}
	for _, tt := range tests {
		if got := SameRepository(tt.image, tt.name); got != tt.want {
			t.Errorf("%+v", tt)
		}
	}
}

// TestParse parses the output of the programs on systems of all kinds.
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		parse      func([]byte) (Image, error)
		want       Image
		fails      bool
	}{
		{"an image", `{"status":{"booted":{"image":{"image":{"image":"quay.io/a:1","transport":"registry"},"imageDigest":"sha256:00"}}}}`, parseBootc, Image{"quay.io/a:1", "sha256:00"}, false},
		{"no image", `{"status":{"booted":{"image":null}}}`, parseBootc, Image{}, false},
		{"not managed by bootc", `{"status":{"booted":null}}`, parseBootc, Image{}, false},
		{"no JSON", `error: denied`, parseBootc, Image{}, true},
		{"an image", `{"deployments":[{"booted":false,"container-image-reference":"ostree-image-signed:docker://x"},
			{"booted":true,"container-image-reference":"ostree-image-signed:docker://quay.io/a:1","container-image-reference-digest":"sha256:00"}]}`, parseRPMOSTree, Image{"quay.io/a:1", "sha256:00"}, false},
		{"no image", `{"deployments":[{"booted":true}]}`, parseRPMOSTree, Image{}, false},
		{"no deployment", `{"deployments":[]}`, parseRPMOSTree, Image{}, false},
		{"no JSON", ``, parseRPMOSTree, Image{}, true},
	} {
		if got, err := tt.parse([]byte(tt.text)); got != tt.want || (err != nil) != tt.fails {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
}
