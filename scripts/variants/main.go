// Variants makes base images that look like the real ones, from the offline base
// images: small layers over theirs.
//
//	variants BASE BASE4 OUTDIR
//
// BASE and BASE4 are OCI layouts of the images with dnf 5 and dnf 4. OUTDIR gets an OCI
// layout for each variant of the table in table.go, with the blobs of its base as hard
// links. The same bases give the same bytes.
package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"bkt/scripts/layout"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: variants BASE BASE4 OUTDIR")
		os.Exit(2)
	}
	if err := run(layout.Layout(os.Args[1]), layout.Layout(os.Args[2]), os.Args[3]); err != nil {
		fmt.Fprintf(os.Stderr, "variants: error: %v\n", err)
		os.Exit(1)
	}
}

// run writes a layout for each variant.
func run(base, base4 layout.Layout, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, v := range variants() {
		from := base
		if v.dnf4 {
			from = base4
		}
		if err := v.write(from, filepath.Join(dir, v.name)); err != nil {
			return fmt.Errorf("variant %s: %w", v.name, err)
		}
	}
	return nil
}

// write writes the layout dir with the variant of a base.
func (v variant) write(base layout.Layout, dir string) error {
	return layout.Create(dir, "43", func(l layout.Layout) (v1.Image, []v1.Descriptor, error) {
		image, layers, err := layout.Open(base)
		for _, d := range layers {
			err = errors.Join(err, l.Link(base, d.Digest))
		}
		if err != nil {
			return image, nil, err
		}
		for _, layer := range v.layers {
			d, err := layer.write(l, &image)
			if err != nil {
				return image, nil, err
			}
			layers = append(layers, d)
		}
		v.describe(&image)
		return image, layers, nil
	})
}

// describe adds the labels of the variant, and those that only its layers tell.
func (v variant) describe(image *v1.Image) {
	if v.labels == nil {
		return
	}
	image.Config.Labels = maps.Clone(v.labels)
	if v.lastOfCommit > 0 {
		base := len(image.RootFS.DiffIDs) - len(v.layers)
		image.Config.Labels["ostree.final-diffid"] = image.RootFS.DiffIDs[base+v.lastOfCommit-1].String()
	}
	image.Config.Cmd = []string{"/sbin/init"}
	image.Config.StopSignal = "SIGRTMIN+3"
}

// write adds the layer to a layout and to the description of its image.
func (x layer) write(l layout.Layout, image *v1.Image) (v1.Descriptor, error) {
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for _, e := range x.entries {
		h := e.Header
		h.ModTime = layout.Created
		h.Size = int64(len(e.text))
		if err := w.WriteHeader(&h); err != nil {
			return v1.Descriptor{}, err
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			return v1.Descriptor{}, err
		}
	}
	if err := w.Close(); err != nil {
		return v1.Descriptor{}, err
	}
	done, err := l.PutLayer(&text)
	layout.Append(image, done, x.history)
	done.Blob.Annotations = x.annotations
	return done.Blob, err
}
