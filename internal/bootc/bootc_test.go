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
