package main

import (
	"bytes"
	_ "crypto/sha256" // the hash behind digest.Canonical
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// created is the time of every image: a real one would make each run differ.
var created = time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)

// A layout is the folder of an OCI layout.
type layout string

// writeLayout fills l with the image called ref, whose one layer is tar.
func writeLayout(l layout, tar io.Reader, ref string) error {
	if err := os.MkdirAll(l.path("blobs", "sha256"), 0o755); err != nil {
		return err
	}
	layer, diff, err := l.putLayer(tar)
	if err != nil {
		return err
	}
	config, err := l.putJSON(v1.MediaTypeImageConfig, image(diff))
	if err != nil {
		return err
	}
	manifest, err := l.putJSON(v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    config,
		Layers:    []v1.Descriptor{layer},
	})
	if err != nil {
		return err
	}
	return l.writeIndex(manifest, ref)
}

// image returns the configuration of an image whose layer has the digest diff
// when it is not compressed. Some tools refuse an image in whose history a
// layer is missing.
func image(diff digest.Digest) v1.Image {
	return v1.Image{
		Created:  &created,
		Platform: platform(),
		Config: v1.ImageConfig{
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd: []string{"/bin/bash"},
		},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{diff}},
		History: []v1.History{{Created: &created, CreatedBy: "root file system"}},
	}
}

func platform() v1.Platform {
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

// writeIndex writes the two files by which others find the image.
func (l layout) writeIndex(manifest v1.Descriptor, ref string) error {
	p := platform()
	manifest.Platform = &p
	manifest.Annotations = map[string]string{v1.AnnotationRefName: ref}
	index, err := json.Marshal(v1.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageIndex,
		Manifests: []v1.Descriptor{manifest},
	})
	if err != nil {
		return err
	}
	version, err := json.Marshal(v1.ImageLayout{Version: v1.ImageLayoutVersion})
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(l.path(v1.ImageIndexFile), index, 0o644),
		os.WriteFile(l.path(v1.ImageLayoutFile), version, 0o644),
	)
}

// putLayer stores tar as a compressed layer. It returns its descriptor, and
// the digest of what it is when not compressed.
func (l layout) putLayer(tar io.Reader) (v1.Descriptor, digest.Digest, error) {
	plain := digest.Canonical.Digester()
	out, in := io.Pipe()
	go func() {
		in.CloseWithError(compress(in, io.TeeReader(tar, plain.Hash())))
	}()
	layer, err := l.put(v1.MediaTypeImageLayerGzip, out)
	return layer, plain.Digest(), err
}

// compress copies r to w through gzip, at a level that takes seconds for a
// whole system: what is saved on disk by a higher one is not worth the wait.
func compress(w io.Writer, r io.Reader) error {
	gz, err := gzip.NewWriterLevel(w, 3)
	if err != nil {
		return err
	}
	if _, err := io.Copy(gz, r); err != nil {
		return err
	}
	return gz.Close()
}

// putJSON stores v as a blob.
func (l layout) putJSON(mediaType string, v any) (v1.Descriptor, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return l.put(mediaType, bytes.NewReader(text))
}

// put stores what r has as a blob, which is named by its digest and so gets
// its name last.
func (l layout) put(mediaType string, r io.Reader) (v1.Descriptor, error) {
	f, err := os.Create(l.path("blobs", "sha256", "new"))
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := digest.Canonical.Digester()
	size, err := io.Copy(io.MultiWriter(f, d.Hash()), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return v1.Descriptor{}, err
	}
	name := l.path("blobs", "sha256", d.Digest().Encoded())
	return v1.Descriptor{MediaType: mediaType, Digest: d.Digest(), Size: size}, os.Rename(f.Name(), name)
}

// path returns the path of something in l.
func (l layout) path(names ...string) string {
	return filepath.Join(append([]string{string(l)}, names...)...)
}
