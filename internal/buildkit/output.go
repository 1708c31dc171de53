package buildkit

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
	"bkt/internal/image"
	"bkt/internal/owner"
	"bkt/internal/patherr"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/google/renameio/v2"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// output is the OCI layout that a build writes to. The engine adds blobs to it;
// which image it holds says index.json alone, which is replaced at the very
// end. So a build that fails leaves the image that was there, and one that
// succeeds has to be sent only what is new.
type output struct {
	dir   string
	store content.Store
	lock  *os.File
	fresh bool     // nothing was in dir, and nothing has come of the build yet
	made  []string // the folders that did not exist, the innermost first
}

// openOutput makes dir, if need be, and waits until no one else writes to it.
// waiting is called if there is something to wait for.
func openOutput(ctx context.Context, dir string, waiting func()) (*output, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s: not a folder", dir)
	}
	for {
		o, err := tryOutput(ctx, dir, waiting)
		if !errors.Is(err, errGone) {
			return o, err
		}
	}
}

// errGone says that a folder was removed, by a build that failed, while another
// one waited for it.
var errGone = errors.New("the folder is gone")

func tryOutput(ctx context.Context, dir string, waiting func()) (*output, error) {
	o := &output{dir: dir, made: missing(dir)}
	if err := owner.MkdirAll(dir, 0o755); err != nil {
		return nil, patherr.TrimOp(err)
	}
	var err error
	if o.lock, err = lockOutput(ctx, dir, waiting); err != nil {
		return nil, err
	}
	if err := o.open(); err != nil {
		o.lock.Close()
		return nil, err
	}
	return o, nil
}

// missing returns dir and those of the folders around it that do not exist,
// the innermost first.
func missing(dir string) []string {
	var all []string
	for {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			return all
		}
		all = append(all, dir)
		dir = filepath.Dir(dir)
	}
}

func lockOutput(ctx context.Context, dir string, waiting func()) (*os.File, error) {
	lock, err := flock.Lock(ctx, dir, os.O_RDONLY, flock.Exclusive, waiting)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errGone
	}
	return lock, patherr.TrimOp(err)
}

// open looks into the folder, whose lock it has.
func (o *output) open() error {
	locked, err := o.lock.Stat()
	if err != nil {
		return err
	}
	if now, err := os.Stat(o.dir); err != nil || !os.SameFile(now, locked) {
		return errGone
	}
	if o.fresh, err = checkOurs(o.dir); err != nil {
		return err
	}
	if err := writable(o.dir); err != nil {
		return err
	}
	o.store, err = openStore(o.dir)
	return err
}

// writable returns an error if something in the layout is not for the user to
// change, as what root has left of a build is not.
func writable(dir string) error {
	for _, name := range []string{".", ingestDir, ocispec.ImageBlobsDir, ocispec.ImageBlobsDir + "/sha256"} {
		path := filepath.Join(dir, name)
		err := unix.Access(path, unix.W_OK|unix.X_OK)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return hint.Add(fmt.Errorf("%s: %w", path, err), "it may be left of a build by another user, such as root: remove %s, or give it to you with \"sudo chown -R $USER %s\"", dir, dir)
		}
	}
	return nil
}

// oursKey is the annotation, in the index of a layout, of images that bkt has
// written.
const oursKey = "bkt.output"

// checkOurs returns an error if dir holds anything but a layout that bkt has
// written: what is in there may be removed. It says whether dir is empty.
func checkOurs(dir string) (empty bool, err error) {
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

// checkIngest returns an error if there is something else in dir than blobs that
// have not all come: what is in there is removed.
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

// checkImages returns an error if the layout dir has an index that names images
// that bkt has not written, or that cannot be read. Without an index, it is
// what a first build has left that was killed.
func checkImages(dir string) error {
	var index ocispec.Index
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		return fmt.Errorf("%s: cannot tell what image it holds: %w", dir, patherr.TrimOp(err))
	}
	for _, desc := range index.Manifests {
		if desc.Annotations[oursKey] == "" {
			err := fmt.Errorf("%s: it holds an image that bkt has not written (%s)", dir, desc.Digest)
			return hint.Add(err, "write to another folder, or remove this one")
		}
	}
	return nil
}

// checkSources returns an error if an image would be written to where one that
// it is built from lies.
func checkSources(dir string, images map[string]image.Layout) error {
	to, err := os.Stat(dir)
	if err != nil {
		return nil // there is nothing yet
	}
	for name, l := range images {
		if from, err := os.Stat(l.Dir); err == nil && os.SameFile(from, to) {
			err := fmt.Errorf("%s: the image %s, which is built from, lies there", dir, name)
			return hint.Add(err, "write to another folder")
		}
	}
	return nil
}

// ingestDir is where the store keeps blobs that are not complete.
const ingestDir = "ingest"

// close gives the folder back. If nothing has come of a first build, it is left
// as it was: empty, or not there.
func (o *output) close() {
	if o.fresh {
		_ = os.RemoveAll(filepath.Join(o.dir, ingestDir))
		_ = os.RemoveAll(filepath.Join(o.dir, ocispec.ImageBlobsDir))
		for _, dir := range o.made {
			_ = os.Remove(dir)
		}
	}
	o.give()
	o.lock.Close()
}

// give has what root has written belong to whoever owns the folder around it. What
// cannot be given, the next build names.
func (o *output) give() { _ = owner.GiveTree(o.dir) }

// exportTo returns what to ask the engine for. What is compressed already, as the
// layers of a base are, stays as it is.
func exportTo(store content.Store, compression string) client.ExportEntry {
	return client.ExportEntry{
		Type:        client.ExporterOCI,
		Attrs:       map[string]string{"tar": "false", "compression": compression, rewriteTimes: "true"},
		OutputStore: store,
	}
}

// commit makes desc, whose blobs have come, the image in the layout, and removes
// what belongs to no other, once no one reads the image that was there. waiting
// is called if someone does.
func (o *output) commit(ctx context.Context, desc ocispec.Descriptor, waiting func()) (image.Layout, error) {
	keep, err := blobs(ctx, o.store, desc)
	if err != nil {
		return image.Layout{}, fmt.Errorf("%s: the engine has not sent all of the image: %w", o.dir, err)
	}
	lock, err := lockBlobs(ctx, o.dir, flock.Exclusive, waiting)
	if err != nil {
		return image.Layout{}, err
	}
	defer lock.Close()
	if err := o.writeIndex(desc); err != nil {
		return image.Layout{}, err
	}
	o.fresh = false
	return image.Layout{Dir: o.dir, Digest: desc.Digest}, o.clean(ctx, keep)
}

func (o *output) writeIndex(desc ocispec.Descriptor) error {
	// Some tools find an image only by a name.
	desc.Annotations = map[string]string{ocispec.AnnotationRefName: "latest", oursKey: "1"}
	index := ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{desc},
	}
	if err := o.write(ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}); err != nil {
		return err
	}
	return o.write(ocispec.ImageIndexFile, index)
}

func (o *output) write(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(o.dir, name), data, 0o644)
}

// clean removes all blobs but keep, so that the folder does not grow with each build.
func (o *output) clean(ctx context.Context, keep map[digest.Digest]bool) error {
	var old []digest.Digest
	err := o.store.Walk(ctx, func(info content.Info) error {
		if !keep[info.Digest] {
			old = append(old, info.Digest)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range old {
		if err := o.store.Delete(ctx, d); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(o.dir, ingestDir))
}
