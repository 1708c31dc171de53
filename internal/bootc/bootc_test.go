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

// bootcStatus has all keys that bootc 1.1 prints, as its documentation describes them, on a
// system with a staged and an earlier image.
const bootcStatus = `{"apiVersion":"org.containers.bootc/v1","kind":"BootcHost","metadata":{"name":"host"},
"spec":{"image":{"image":"ghcr.io/me/desktop:stable","transport":"registry"},"bootOrder":"default"},
"status":{
"staged":{"image":{"image":{"image":"ghcr.io/me/desktop:stable","transport":"registry"},"version":"43.2","timestamp":"2026-01-02T00:00:00Z","imageDigest":"sha256:02","architecture":"amd64"},
  "cachedUpdate":null,"incompatible":false,"pinned":false,"store":"ostreeContainer","ostree":{"checksum":"aa","deploySerial":0,"stateroot":"default"}},
"booted":{"image":{"image":{"image":"ghcr.io/me/desktop:stable","transport":"registry","signature":"containerPolicy"},"version":"43.1","timestamp":"2026-01-01T00:00:00Z","imageDigest":"sha256:01","architecture":"amd64"},
  "cachedUpdate":{"image":{"image":"ghcr.io/me/desktop:stable","transport":"registry"},"version":null,"timestamp":null,"imageDigest":"sha256:02","architecture":"amd64"},
  "incompatible":false,"pinned":false,"store":"ostreeContainer","ostree":{"checksum":"bb","deploySerial":0,"stateroot":"default"}},
"rollback":{"image":null,"cachedUpdate":null,"incompatible":true,"pinned":false,"store":null,"ostree":{"checksum":"cc","deploySerial":0,"stateroot":"default"}},
"otherDeployments":[],"rollbackQueued":false,"type":"bootcHost"}}`

// rpmOSTreeStatus has the keys that rpm-ostree 2024 prints of a deployment of an image.
const rpmOSTreeStatus = `{"deployments":[{"unlocked":"none","requested-local-packages":[],
"base-commit-meta":{"ostree.importer.version":"0.14.1","ostree.tar-filtered":{},"ostree.manifest":"{\"schemaVersion\":2}","ostree.manifest-digest":"sha256:01"},
"base-removals":[],"pinned":false,"osname":"default","base-remote-replacements":{},"regenerate-initramfs":false,"checksum":"bb",
"container-image-reference-digest":"sha256:01","requested-base-local-replacements":[],"id":"default-bb.0","version":"43.1","requested-base-removals":[],
"requested-packages":["htop"],"serial":0,"timestamp":1767225600,"staged":false,"booted":true,"container-image-reference":"ostree-image-signed:docker://ghcr.io/me/desktop:stable",
"packages":["htop"],"base-local-replacements":[]}],"transaction":null,"cached-update":null,"update-driver":null}`

// TestParse parses the output of the programs on systems of all kinds.
func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		parse      func([]byte) (Image, error)
		want       Image
		fails      bool
	}{
		{"an image", `{"status":{"booted":{"image":{"image":{"image":"quay.io/a:1","transport":"registry"},"imageDigest":"sha256:00"}}}}`, parseBootc, Image{"quay.io/a:1", "sha256:00"}, false},
		{"all keys", bootcStatus, parseBootc, Image{"ghcr.io/me/desktop:stable", "sha256:01"}, false},
		{"all keys", rpmOSTreeStatus, parseRPMOSTree, Image{"ghcr.io/me/desktop:stable", "sha256:01"}, false},
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
