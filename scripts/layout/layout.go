// Package layout writes OCI layouts of one image, for the platform of this machine.
// The same input gives the same bytes.
package layout

import (
	"bytes"
	_ "crypto/sha256" // the hash behind digest.Canonical
	"encoding/json"
	"errors"
	"fmt"
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

// Created is the time of every image: a real one would make each run differ.
var Created = time.Date(2025, 10, 28, 0, 0, 0, 0, time.UTC)

// A Layout is the folder of an OCI layout.
type Layout string

// A Layer is a layer of an image.
type Layer struct {
	Blob v1.Descriptor
	Diff digest.Digest // of the layer when it is not compressed
}

// Create makes the layout dir with the image called ref, which fill writes the layers
// of and describes. dir must not exist; it appears when it is whole.
func Create(dir, ref string, fill func(Layout) (v1.Image, []v1.Descriptor, error)) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is there already", dir)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	l := Layout(temp)
	if err := os.MkdirAll(l.path(v1.ImageBlobsDir, "sha256"), 0o755); err != nil {
		return err
	}
	image, layers, err := fill(l)
	if err != nil {
		return err
	}
	if err := errors.Join(l.finish(image, layers, ref), os.Chmod(temp, 0o755)); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

// New returns an image without layers.
func New() v1.Image {
	return v1.Image{
		Created:  &Created,
		Platform: platform(),
		Config: v1.ImageConfig{
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd: []string{"/bin/bash"},
		},
		RootFS: v1.RootFS{Type: "layers"},
	}
}

// Append adds a layer to an image. Some tools refuse an image in whose history a layer
// is missing.
func Append(image *v1.Image, layer Layer, history string) {
	image.RootFS.DiffIDs = append(image.RootFS.DiffIDs, layer.Diff)
	image.History = append(image.History, v1.History{Created: &Created, CreatedBy: history})
}

func platform() v1.Platform {
	return v1.Platform{OS: "linux", Architecture: runtime.GOARCH}
}

// finish writes the image's JSON, and the two files by which others find it.
func (l Layout) finish(image v1.Image, layers []v1.Descriptor, ref string) error {
	config, err := l.putJSON(v1.MediaTypeImageConfig, image)
	if err != nil {
		return err
	}
	manifest, err := l.putJSON(v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: v1.MediaTypeImageManifest,
		Config:    config,
		Layers:    layers,
	})
	if err != nil {
		return err
	}
	p := platform()
	manifest.Platform = &p
	manifest.Annotations = map[string]string{v1.AnnotationRefName: ref}
	return errors.Join(
		l.writeJSON(v1.ImageIndexFile, v1.Index{
			Versioned: specs.Versioned{SchemaVersion: 2},
			MediaType: v1.MediaTypeImageIndex,
			Manifests: []v1.Descriptor{manifest},
		}),
		l.writeJSON(v1.ImageLayoutFile, v1.ImageLayout{Version: v1.ImageLayoutVersion}),
	)
}

func (l Layout) writeJSON(name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(l.path(name), text, 0o644)
}

// PutLayer stores tar as a compressed layer.
func (l Layout) PutLayer(tar io.Reader) (Layer, error) {
	plain := digest.Canonical.Digester()
	out, in := io.Pipe()
	go func() {
		in.CloseWithError(compress(in, io.TeeReader(tar, plain.Hash())))
	}()
	blob, err := l.put(v1.MediaTypeImageLayerGzip, out)
	return Layer{blob, plain.Digest()}, err
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
func (l Layout) putJSON(mediaType string, v any) (v1.Descriptor, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return l.put(mediaType, bytes.NewReader(text))
}

// put stores what r has as a blob, which is named by its digest and so gets
// its name last.
func (l Layout) put(mediaType string, r io.Reader) (v1.Descriptor, error) {
	f, err := os.Create(l.path(v1.ImageBlobsDir, "sha256", "new"))
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := digest.Canonical.Digester()
	size, err := io.Copy(io.MultiWriter(f, d.Hash()), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return v1.Descriptor{}, err
	}
	return v1.Descriptor{MediaType: mediaType, Digest: d.Digest(), Size: size}, os.Rename(f.Name(), l.blob(d.Digest()))
}

// Open returns the first image of a layout and the layers that it has.
func Open(l Layout) (image v1.Image, layers []v1.Descriptor, err error) {
	var index v1.Index
	if err := readJSON(l.path(v1.ImageIndexFile), &index); err != nil {
		return image, nil, err
	}
	if len(index.Manifests) == 0 {
		return image, nil, fmt.Errorf("%s has no image", l)
	}
	var manifest v1.Manifest
	if err := readJSON(l.blob(index.Manifests[0].Digest), &manifest); err != nil {
		return image, nil, err
	}
	return image, manifest.Layers, readJSON(l.blob(manifest.Config.Digest), &image)
}

func readJSON(name string, v any) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Link puts the blob of another layout into l, without copying it.
func (l Layout) Link(from Layout, blob digest.Digest) error {
	return os.Link(from.blob(blob), l.blob(blob))
}

func (l Layout) blob(d digest.Digest) string {
	return l.path(v1.ImageBlobsDir, d.Algorithm().String(), d.Encoded())
}

// path returns the path of something in l.
func (l Layout) path(names ...string) string {
	return filepath.Join(append([]string{string(l)}, names...)...)
}
