package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/leases"
	"github.com/containerd/containerd/v2/core/metadata"
	containerd "github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/util/compression"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	bolt "go.etcd.io/bbolt"
)

// TestDates sets the dates of a layer twice: the second time no layer is
// created, even after garbage was collected. Another date creates another
// layer.
func TestDates(t *testing.T) {
	ctx := containerd.WithNamespace(t.Context(), namespace)
	meta := openContent(t)
	store := meta.ContentStore()
	layer := addLayer(ctx, t, meta, time.Unix(2000, 0))
	at := func(seconds int64) dates {
		return dates{store, time.Unix(seconds, 0), compression.New(compression.Zstd)}
	}

	first, err := at(1000).layer(ctx, store, layer)
	if err != nil {
		t.Fatal(err)
	}
	if got := modified(ctx, t, store, first); !got.Equal(time.Unix(1000, 0)) {
		t.Errorf("the file is of %v", got)
	}
	if _, err := meta.GarbageCollect(ctx); err != nil {
		t.Fatal(err)
	}
	again, err := at(1000).layer(ctx, unreadable{store}, layer)
	if diff := cmp.Diff(first, again); err != nil || diff != "" {
		t.Errorf("the second time: %v (-first +second):\n%s", err, diff)
	}
	other, err := at(1500).layer(ctx, store, layer)
	if err != nil {
		t.Fatal(err)
	}
	if got := modified(ctx, t, store, other); !got.Equal(time.Unix(1500, 0)) {
		t.Errorf("with another date, the file is of %v", got)
	}
}

func openContent(t *testing.T) *metadata.DB {
	t.Helper()
	dir := t.TempDir()
	blobs, err := local.NewStore(filepath.Join(dir, "content"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := bolt.Open(filepath.Join(dir, "meta.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return metadata.NewDB(file, blobs, nil)
}

// addLayer adds a layer with a file of a date, which a lease keeps.
func addLayer(ctx context.Context, t *testing.T, meta *metadata.DB, date time.Time) ocispec.Descriptor {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := errors.Join(w.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, ModTime: date}), w.Close()); err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: digest.FromBytes(layer.Bytes()), Size: int64(layer.Len())}
	lease, err := metadata.NewLeaseManager(meta).Create(ctx, leases.WithID("layer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := content.WriteBlob(leases.WithLease(ctx, lease.ID), meta.ContentStore(), "layer", &layer, desc); err != nil {
		t.Fatal(err)
	}
	return desc
}

// modified returns the date of the first file of a layer.
func modified(ctx context.Context, t *testing.T, store content.Store, layer ocispec.Descriptor) time.Time {
	t.Helper()
	r, err := compression.Zstd.Decompress(ctx, store, layer)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	header, err := tar.NewReader(r).Next()
	if err != nil {
		t.Fatal(err)
	}
	return header.ModTime
}

// unreadable is a store with blobs that cannot be read.
type unreadable struct{ content.Store }

func (unreadable) ReaderAt(context.Context, ocispec.Descriptor) (content.ReaderAt, error) {
	return nil, errors.New("to be read again")
}
