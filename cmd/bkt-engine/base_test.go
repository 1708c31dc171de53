package main_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"bkt/internal/ocilayout"
	"bkt/internal/testkit"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// writeBase writes an image to dir that has the program init and a few folders.
func writeBase(t *testing.T, dir string) ocilayout.Image {
	t.Helper()
	layer := baseLayer(t)
	l := layout{t, dir}
	config := l.put(ocispec.MediaTypeImageConfig, l.json(ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   ocispec.ImageConfig{Env: []string{"PATH=/"}},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(layer)}},
		History:  []ocispec.History{{CreatedBy: "test"}},
	}))
	manifest := l.put(ocispec.MediaTypeImageManifest, l.json(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    config,
		Layers:    []ocispec.Descriptor{l.put(ocispec.MediaTypeImageLayer, layer)},
	}))
	l.write("index.json", l.json(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		Manifests: []ocispec.Descriptor{manifest},
	}))
	l.write("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	return ocilayout.Image{Dir: dir, Digest: manifest.Digest}
}

func baseLayer(t *testing.T) []byte {
	t.Helper()
	program, err := os.ReadFile(filepath.Join(testkit.Programs(t), "init"))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, dir := range []string{"dev/", "etc/", "proc/", "sys/", "tmp/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "init", Mode: 0o755, Size: int64(len(program))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(program); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// layout writes an OCI layout by hand.
type layout struct {
	t   *testing.T
	dir string
}

func (l layout) json(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		l.t.Fatal(err)
	}
	return data
}

func (l layout) put(media string, data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	l.write(filepath.Join("blobs", "sha256", d.Encoded()), data)
	return ocispec.Descriptor{MediaType: media, Digest: d, Size: int64(len(data))}
}

func (l layout) write(name string, data []byte) {
	name = filepath.Join(l.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		l.t.Fatal(err)
	}
}
