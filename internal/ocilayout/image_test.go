package ocilayout_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/opencontainers/go-digest"
)

// put writes a blob to the layout dir and returns its descriptor as JSON.
func put(t *testing.T, dir, media, data, more string) (digest.Digest, string) {
	t.Helper()
	d := digest.FromString(data)
	write(t, filepath.Join(dir, "blobs", "sha256", d.Encoded()), data)
	return d, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d%s}`, media, d, len(data), more)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// twoImages writes a layout with the images one and two to dir, and returns the
// digests of their manifests.
func twoImages(t *testing.T, dir string) (one, two digest.Digest) {
	t.Helper()
	var digests []digest.Digest
	var manifests []string
	for _, name := range []string{"one", "two"} {
		_, config := put(t, dir, "application/vnd.oci.image.config.v1+json", `{"author":"`+name+`"}`, "")
		manifest := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":` + config + `,"layers":[]}`
		d, desc := put(t, dir, "application/vnd.oci.image.manifest.v1+json", manifest, `,"annotations":{"org.opencontainers.image.ref.name":"`+name+`"}`)
		digests, manifests = append(digests, d), append(manifests, desc)
	}
	write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
	write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[`+strings.Join(manifests, ",")+`]}`)
	return digests[0], digests[1]
}

// TestFindBadDigests checks that a malformed digest is an error wherever it is.
func TestFindBadDigests(t *testing.T) {
	const manifestType, indexType = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
	for bad, says := range map[string]string{
		"":                                     `"": invalid checksum digest format`,
		"none":                                 `"none": invalid checksum digest format`,
		":":                                    `":": invalid checksum digest format`,
		"sha256:abc":                           `"sha256:abc": invalid checksum digest length`,
		"md5:d41d8cd98f00b204e9800998ecf8427e": `"md5:d41d8cd98f00b204e9800998ecf8427e": unsupported digest algorithm`,
		"sha256:../../../../../../../../etc/hosts": `"sha256:../../../../../../../../etc/hosts": invalid checksum digest length`,
		"sha256:" + strings.Repeat("0", 64):        "blob sha256:" + strings.Repeat("0", 64) + " is missing",
	} {
		one := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1}`, manifestType, bad)
		for place, image := range map[string]string{
			"index":         one,
			"configuration": `{"schemaVersion":2,"config":` + one + `,"layers":[]}`,
			"inner index":   `{"schemaVersion":2,"manifests":[` + one + `]}`,
		} {
			dir, desc := t.TempDir(), image
			switch place {
			case "configuration":
				_, desc = put(t, dir, manifestType, image, "")
			case "inner index":
				_, desc = put(t, dir, indexType, image, "")
			}
			checkIncomplete(t, dir, desc, place+" "+bad, says)
		}
	}
	dir := t.TempDir()
	_, desc := put(t, dir, manifestType, "null", "")
	checkIncomplete(t, dir, desc, "no manifest", `"": invalid checksum digest format`)
}

// checkIncomplete checks the error of Find for a layout with the image desc in its
// index.
func checkIncomplete(t *testing.T, dir, desc, name, says string) {
	t.Helper()
	write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
	write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[`+desc+`]}`)
	_, err := ocilayout.Find(dir, "")
	if want := dir + ": incomplete: " + says; err == nil || err.Error() != want {
		t.Errorf("%s: %v, not %s", name, err, want)
	}
}

func TestFindChooses(t *testing.T) {
	dir := t.TempDir()
	one, two := twoImages(t, dir)
	for name, want := range map[string]digest.Digest{"one": one, "two": two, one.String(): one} {
		got, err := ocilayout.Find(dir, name)
		if err != nil || got != (ocilayout.Image{Dir: dir, Digest: want}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"": "several images in it", "three": "no image three in it"} {
		_, err := ocilayout.Find(dir, name)
		if err == nil || err.Error() != dir+": "+want {
			t.Errorf("%q: error is %v, want %s", name, err, want)
		}
		if hints := strings.Join(hint.Of(err), ""); !strings.Contains(hints, one.String()) {
			t.Errorf("%q: hints %s", name, hints)
		}
	}
}

func TestFindReportsDamage(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string) error
		want  string
	}{
		{"no index", func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "index.json")) }, "not an OCI layout"},
		{"no mark", func(_ *testing.T, dir string) error { return os.Remove(filepath.Join(dir, "oci-layout")) }, "not an OCI layout"},
		{"no folder", func(_ *testing.T, dir string) error { return os.RemoveAll(dir) }, "not an OCI layout"},
		{"no blobs", func(_ *testing.T, dir string) error { return os.RemoveAll(filepath.Join(dir, "blobs")) }, "is missing"},
		{"cut blobs", func(t *testing.T, dir string) error {
			blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
			for _, blob := range blobs {
				write(t, blob, "{")
			}
			return err
		}, "has 1 bytes, not"},
		{"spoilt blobs", func(t *testing.T, dir string) error {
			blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
			for _, blob := range blobs {
				text, errRead := os.ReadFile(blob)
				write(t, blob, strings.Replace(string(text), ":", " ", 1))
				err = errors.Join(err, errRead)
			}
			return err
		}, "is damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			twoImages(t, dir)
			if err := tt.spoil(t, dir); err != nil {
				t.Fatal(err)
			}
			_, err := ocilayout.Find(dir, "one")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want %s", err, tt.want)
			}
		})
	}
}
