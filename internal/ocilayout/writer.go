package ocilayout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/owner"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/google/renameio/v2"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A Writer writes a layout with one image. Blobs are added to its store;
// [Writer.Commit] then replaces index.json. A build that fails so leaves the
// image that was there, and the engine sends only new blobs to one that
// succeeds.
type Writer struct {
	dir   string
	store content.Store
	lock  *os.File
	fresh bool     // dir was empty, and nothing is committed yet
	made  []string // the folders that did not exist, the innermost first
}

// Create creates the folder dir if it does not exist, and waits until no one else
// writes to it; it then calls waiting first. A folder that holds anything but a
// layout that bkt has written is an error. The caller closes the writer.
func Create(ctx context.Context, dir string, waiting func()) (*Writer, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s: not a folder", dir)
	}
	for {
		w, err := tryCreate(ctx, dir, waiting)
		if !errors.Is(err, errRemoved) {
			return w, err
		}
	}
}

// errRemoved says that a build that failed removed the folder while another one
// waited for its lock.
var errRemoved = errors.New("the folder was removed")

func tryCreate(ctx context.Context, dir string, waiting func()) (*Writer, error) {
	w := &Writer{dir: dir, made: missingFolders(dir)}
	if err := owner.MkdirAll(dir, 0o755); err != nil {
		return nil, patherr.TrimOp(err)
	}
	var err error
	if w.lock, err = lockFolder(ctx, dir, waiting); err != nil {
		return nil, err
	}
	if err := w.open(); err != nil {
		w.lock.Close()
		return nil, err
	}
	return w, nil
}

// missingFolders returns the missing folders among dir and its parents, the innermost
// first.
func missingFolders(dir string) []string {
	var all []string
	for {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append(all, dir)
		dir = filepath.Dir(dir)
	}
}

func lockFolder(ctx context.Context, dir string, waiting func()) (*os.File, error) {
	lock, err := flock.Lock(ctx, dir, os.O_RDONLY, flock.Exclusive, waiting)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errRemoved
	}
	return lock, patherr.TrimOp(err)
}

// open checks the folder, which is locked, and opens its store.
func (w *Writer) open() error {
	locked, err := w.lock.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(w.dir); err != nil || !os.SameFile(now, locked) {
		return errRemoved
	}
	if w.fresh, err = CheckOwn(w.dir); err != nil {
		return err
	}
	if err := checkWritable(w.dir); err != nil {
		return err
	}
	w.store, err = Store(w.dir)
	return err
}

// checkWritable returns an error if the user cannot change something in the layout,
// such as files from a build by root.
func checkWritable(dir string) error {
	for _, name := range []string{".", ingestDir, ocispec.ImageBlobsDir, ocispec.ImageBlobsDir + "/sha256"} {
		path := filepath.Join(dir, name)
		err := unix.Access(path, unix.W_OK|unix.X_OK)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return hint.Add(fmt.Errorf("%s: %w", path, err), "it may be left by a build of another user, such as root: remove %s, or make it yours with \"sudo chown -R $USER %s\"", dir, dir)
		}
	}
	return nil
}

// oursKey is the annotation, in the index of a layout, of images that bkt has
// written.
const oursKey = "bkt.output"

// CheckOwn returns an error if dir holds anything but a layout that bkt has
// written: a writer may remove what it holds. It reports whether dir is empty.
func CheckOwn(dir string) (empty bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, patherr.TrimOp(err)
	}
	for _, e := range entries {
		switch e.Name() {
		case ocispec.ImageBlobsDir, ocispec.ImageIndexFile, ocispec.ImageLayoutFile, ingestDir:
		default:
			return false, fmt.Errorf("%s: neither empty nor an OCI layout: it holds %s", dir, e.Name())
		}
	}
	return len(entries) == 0, errors.Join(checkImages(dir), checkIngest(filepath.Join(dir, ingestDir)))
}

// checkIngest returns an error if dir holds anything but blobs that are not
// complete: a writer removes them.
func checkIngest(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	ours := regexp.MustCompile(`^([0-9a-f]{64}|docker[0-9]+)$`)
	for _, e := range entries {
		if !e.IsDir() || !ours.MatchString(e.Name()) {
			err := fmt.Errorf("%s: it holds %s, which bkt has not written", dir, e.Name())
			return hint.Add(err, "write to another folder, or move that away")
		}
	}
	return patherr.TrimOp(err)
}

// checkImages returns an error if the index of the layout dir names images that bkt
// has not written, or cannot be read. A layout without an index was left by a first
// build that was killed.
func checkImages(dir string) error {
	var index ocispec.Index
	data, err := plainfile.Read(filepath.Join(dir, ocispec.ImageIndexFile), plainfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return fmt.Errorf("%s: cannot determine which image it holds: %w", dir, patherr.TrimOp(err))
	}
	for _, desc := range index.Manifests {
		if desc.Annotations[oursKey] == "" {
			err := fmt.Errorf("%s: it holds an image that bkt has not written (%s)", dir, desc.Digest)
			return hint.Add(err, "write to another folder, or remove this one")
		}
	}
	return nil
}

// ingestDir is where the store keeps blobs that are not complete.
const ingestDir = "ingest"

// Close releases the folder. If nothing was committed to a new folder, it is
// left as it was: empty, or missing.
func (w *Writer) Close() {
	if w.fresh {
		_ = os.RemoveAll(filepath.Join(w.dir, ingestDir))
		_ = os.RemoveAll(filepath.Join(w.dir, ocispec.ImageBlobsDir))
		for _, dir := range w.made {
			_ = os.Remove(dir)
		}
	}
	// Files that root wrote belong to the owner of the folder around them. The next
	// build reports files that could not be given to the owner.
	_ = owner.GiveTree(w.dir)
	w.lock.Close()
}

// Store returns the store that receives the blobs of the image.
func (w *Writer) Store() content.Store { return w.store }

// MkdirTemp creates a folder for the files of a build that are not blobs, on the disk
// of the layout. The next writer removes leftovers.
func (w *Writer) MkdirTemp() (string, error) {
	incoming := filepath.Join(w.dir, ingestDir)
	if err := os.MkdirAll(incoming, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(incoming, "docker")
}

// Move moves the blobs of the only image of the layout dir, which must be on the same
// disk, to w, and returns the image's descriptor.
func (w *Writer) Move(dir string) (ocispec.Descriptor, error) {
	index, err := readIndex(dir)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	desc, err := choose(index.Manifests, "")
	if err != nil {
		return desc, fmt.Errorf("%s: %w", dir, err)
	}
	from := filepath.Join(dir, ocispec.ImageBlobsDir, "sha256")
	to := filepath.Join(w.dir, ocispec.ImageBlobsDir, "sha256")
	entries, err := os.ReadDir(from)
	if err := errors.Join(err, os.MkdirAll(to, 0o755)); err != nil {
		return desc, err
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return desc, err
		}
	}
	return desc, nil
}

// Commit makes desc, whose blobs are in the store, the image of the layout, and
// removes all other blobs. It waits until no one reads the image that was
// there, and then calls waiting first.
func (w *Writer) Commit(ctx context.Context, desc ocispec.Descriptor, waiting func()) (Image, error) {
	keep, err := blobsOf(ctx, w.store, desc)
	if err != nil {
		return Image{}, fmt.Errorf("%s: the engine has not sent all of the image: %w", w.dir, err)
	}
	lock, err := lockBlobs(ctx, w.dir, flock.Exclusive, waiting)
	if err != nil {
		return Image{}, err
	}
	defer lock.Close()
	if err := w.writeIndex(desc); err != nil {
		return Image{}, err
	}
	w.fresh = false
	return Image{Dir: w.dir, Digest: desc.Digest}, w.clean(ctx, keep)
}

func (w *Writer) writeIndex(desc ocispec.Descriptor) error {
	// Some tools find an image only by a name.
	desc.Annotations = map[string]string{ocispec.AnnotationRefName: "latest", oursKey: "1"}
	if err := w.writeFile(ocispec.ImageLayoutFile, version); err != nil {
		return err
	}
	return w.writeFile(ocispec.ImageIndexFile, newIndex(desc))
}

func (w *Writer) writeFile(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(w.dir, name), data, 0o644)
}

// clean removes all blobs but keep, so that the folder does not grow with each
// build.
func (w *Writer) clean(ctx context.Context, keep map[digest.Digest]bool) error {
	var old []digest.Digest
	err := w.store.Walk(ctx, func(info content.Info) error {
		if !keep[info.Digest] {
			old = append(old, info.Digest)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range old {
		if err := w.store.Delete(ctx, d); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(w.dir, ingestDir))
}
