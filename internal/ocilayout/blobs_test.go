package ocilayout_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/ocilayout"
)

const (
	configType   = "application/vnd.oci.image.config.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

// manifestOf writes a manifest with layers, and returns its descriptor.
func manifestOf(t *testing.T, dir, config string, layers ...string) string {
	t.Helper()
	_, desc := put(t, dir, configType, config, "")
	_, desc = put(t, dir, manifestType, `{"schemaVersion":2,"config":`+desc+`,"layers":[`+strings.Join(layers, ",")+`]}`, "")
	return desc
}

// indexes writes n indexes, of which each has the next one, and returns the descriptor of
// the first.
func indexes(t *testing.T, dir, inner string, n int) string {
	t.Helper()
	for range n {
		_, inner = put(t, dir, indexType, `{"schemaVersion":2,"manifests":[`+inner+`]}`, "")
	}
	return inner
}

// TestFindLimits checks layouts on both sides of each limit.
func TestFindLimits(t *testing.T) {
	// A layer of 1 MiB, the largest that is verified: to do so for each mention of it
	// takes minutes.
	layers := func(n int) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			_, layer := put(t, dir, layerType, strings.Repeat("x", 1<<20), "")
			return manifestOf(t, dir, "{}", strings.Repeat(layer+",", n-1)+layer)
		}
	}
	nested := func(n int) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string { return indexes(t, dir, manifestOf(t, dir, "{}"), n) }
	}
	// Each index has the next one twice.
	doubling := func(t *testing.T, dir string) string {
		desc := manifestOf(t, dir, "{}")
		for range 8 {
			desc = indexes(t, dir, strings.Repeat(desc+",", 50)+desc, 1)
		}
		return desc
	}
	config := func(size int) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			return manifestOf(t, dir, `{"author":"`+strings.Repeat("x", size-len(`{"author":""}`))+`"}`)
		}
	}
	tests := []struct {
		name  string
		write func(*testing.T, string) string
		err   string
	}{
		{"one layer often", layers(5000), ""},
		{"too many layers", layers(10_001), "more than 10000 blobs, the limit"},
		{"indexes in indexes", nested(9), ""},
		{"too many indexes in indexes", nested(10), "more than 8 indexes in indexes, the limit"},
		{"an index that doubles", doubling, ""},
		{"a configuration", config(4 << 20), ""},
		{"a large configuration", config(4<<20 + 1), "is larger than 4 MiB, the limit for a manifest or configuration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "oci-layout"), `{"imageLayoutVersion":"1.0.0"}`)
			write(t, filepath.Join(dir, "index.json"), `{"schemaVersion":2,"manifests":[`+tt.write(t, dir)+`]}`)
			_, err := ocilayout.Find(dir, "")
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.HasPrefix(err.Error(), dir+": ") || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%.300v", err)
			}
		})
	}
}

// TestLargeIndex checks the size of index.json, and a blob that is no plain file.
func TestLargeIndex(t *testing.T) {
	dir := t.TempDir()
	twoImages(t, dir)
	index := filepath.Join(dir, "index.json")
	write(t, index, strings.Repeat(" ", 4<<20-2)+"{}")
	if _, err := ocilayout.Find(dir, ""); err == nil || !strings.Contains(err.Error(), "no image in it") {
		t.Error(err)
	}
	write(t, index, strings.Repeat(" ", 4<<20-1)+"{}")
	if _, err := ocilayout.Find(dir, ""); err == nil || !strings.Contains(err.Error(), index) || !strings.Contains(err.Error(), "larger than 4 MiB, the limit") {
		t.Error(err)
	}
	dir = t.TempDir()
	one, _ := twoImages(t, dir)
	blob := filepath.Join(dir, "blobs", "sha256", one.Encoded())
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", blob); err != nil {
		t.Fatal(err)
	}
	if _, err := ocilayout.Find(dir, "one"); err == nil {
		t.Error("a device is a blob")
	}
	if _, err := (ocilayout.Image{Dir: dir, Digest: one}).ReadBlob(one); err == nil || !strings.Contains(err.Error(), fmt.Sprint("open ", blob)) {
		t.Error(err)
	}
}
