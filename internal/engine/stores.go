package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/metadata"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/snapshots/storage"
	containerd "github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/containerd/v2/plugins/snapshots/native"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay/overlayutils"
	"github.com/containerd/errdefs"
	"github.com/moby/buildkit/util/db/boltutil"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// stores are what a worker stores on disk: the layers of images, as folders and as
// blobs, and a database of those in use.
type stores struct {
	root string // of the engine
	name string // of the snapshotter, which creates the folders
	file *boltutil.DB
	meta *metadata.DB
	ids  *storage.MetaStore // the folders of an overlay snapshotter; nil for another
}

// openStores opens the stores below root. It first moves all other files to the trash.
func openStores(root, snapshotter string) (stores, error) {
	s := stores{root: root, name: snapshotter}
	if err := os.MkdirAll(s.dir(), 0o700); err != nil {
		return s, err
	}
	s.discard()
	sn, err := s.openSnapshotter()
	if err != nil {
		return s, err
	}
	blobs, err := local.NewStore(contract.ContentDir(root, s.name))
	if err != nil {
		return s, err
	}
	if s.file, err = boltutil.Open(filepath.Join(s.dir(), "containerdmeta.db"), 0o600, boltOptions()); err != nil {
		return s, err
	}
	// The database uses an optional method of the snapshotter that frees the
	// disk. A type that embeds the snapshotter would lose that method.
	s.meta = metadata.NewDB(s.file, blobs, map[string]snapshots.Snapshotter{s.name: sn})
	return s, s.meta.Init(context.Background())
}

// dir is the folder of the worker.
func (s stores) dir() string { return contract.WorkerDir(s.root, s.name) }

// folders is the folder of the folders of layers.
func (s stores) folders() string { return filepath.Join(s.dir(), "snapshots", "snapshots") }

// openIDs opens the database of the folders.
func (s stores) openIDs() (*storage.MetaStore, error) {
	return storage.NewMetaStore(filepath.Join(s.dir(), "snapshots", "metadata.db"))
}

func (s *stores) openSnapshotter() (sn snapshots.Snapshotter, err error) {
	dir := filepath.Join(s.dir(), "snapshots")
	if s.name == contract.Native {
		return native.NewSnapshotter(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.ids, err = s.openIDs(); err != nil {
		return nil, err
	}
	return overlay.NewSnapshotter(dir, overlay.AsynchronousRemove, overlay.WithMetaStore(s.ids))
}

// chooseSnapshotter returns the name of the snapshotter for root: the wanted
// one, or else the one with overlays or, if the kernel or the file system does
// not support them, the one that copies.
func chooseSnapshotter(root, wanted string) string {
	switch {
	case wanted != "" && wanted != contract.AutoSnapshotter:
		return wanted
	case overlays(root):
		return contract.Overlay
	}
	return contract.Native
}

// overlays reports whether overlays can be mounted in root. A root with such
// layers is not tried: mounting one makes the kernel write out its whole file
// system.
func overlays(root string) bool {
	_, err := os.Stat(filepath.Join(contract.WorkerDir(root, contract.Overlay), "snapshots"))
	return err == nil || overlayutils.Supported(root) == nil
}

// unknownFolders returns the folders in dir that belong to no snapshot.
func unknownFolders(ctx context.Context, ids *storage.MetaStore, dir string) (unknown []string, err error) {
	// No snapshot is created during a transaction for writing.
	err = ids.WithTransaction(ctx, true, func(ctx context.Context) error {
		known, err := storage.IDMap(ctx)
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if _, ok := known[e.Name()]; !ok {
				unknown = append(unknown, filepath.Join(dir, e.Name()))
			}
		}
		return nil
	})
	return unknown, err
}

// sweep deletes unreferenced files from disk. It returns an error if it cannot delete
// all of it.
func (s stores) sweep(ctx context.Context) error {
	if err := s.collectGarbage(ctx); err != nil {
		return err
	}
	left, err := s.leftovers(ctx)
	if err != nil {
		return err
	}
	for _, dir := range append(left, trashDir(s.root)) {
		if failed := os.RemoveAll(dir); err == nil {
			err = failed
		}
	}
	return err
}

// leftovers returns the folders that the snapshotter did not remove.
func (s stores) leftovers(ctx context.Context) ([]string, error) {
	if s.ids != nil {
		return unknownFolders(ctx, s.ids, s.folders())
	}
	return filepath.Glob(filepath.Join(s.folders(), "rm-*"))
}

// collectGarbage deletes unneeded records, and files that are not in the database. The
// database looks for the latter only if it has something to delete, so collectGarbage
// adds an unneeded blob and snapshot first.
func (s stores) collectGarbage(ctx context.Context) error {
	const garbage = "bkt-garbage"
	ctx = containerd.WithNamespace(ctx, namespace)
	blob := ocispec.Descriptor{Digest: digest.FromString(garbage), Size: int64(len(garbage))}
	if err := content.WriteBlob(ctx, s.meta.ContentStore(), garbage, strings.NewReader(garbage), blob); err != nil {
		return err
	}
	if _, err := s.meta.Snapshotter(s.name).Prepare(ctx, garbage, ""); err != nil && !errdefs.IsAlreadyExists(err) {
		return err
	}
	_, err := s.meta.GarbageCollect(ctx)
	return err
}
