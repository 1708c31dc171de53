package images_test

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// varying are the files of an image in which two builds of the same tree
// differ: what dnf and rpm write down of when they have done what.
var varying = []string{
	"usr/lib/sysimage/libdnf5/transaction_history.sqlite",
	"usr/lib/sysimage/libdnf5/transaction_history.sqlite-shm",
	"usr/lib/sysimage/libdnf5/transaction_history.sqlite-wal",
	"usr/lib/sysimage/rpm/rpmdb.sqlite",
	"usr/lib/sysimage/rpm/rpmdb.sqlite-shm",
}

// TestReproducible builds the toolbox of this repository twice from nothing.
// The images may differ in what is varying alone.
func TestReproducible(t *testing.T) {
	w := testkit.SharedWorkshop(t)
	dir := t.TempDir()
	testkit.CopyTree(t, "../../manifests", filepath.Join(dir, "manifests"))
	testkit.CopyTree(t, "../../toolbox", filepath.Join(dir, "toolbox"))
	var images [2]map[string]string
	for i, name := range []string{"one", "two"} {
		build := exec.Command(filepath.Join(w.OfflineBkt(t), "bkt"), "build", "toolbox", "--no-cache", "--progress=plain", "--output", name)
		build.Dir = dir
		build.Env = append(os.Environ(), "XDG_DATA_HOME="+w.Data, "XDG_RUNTIME_DIR="+w.Run)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		images[i] = filesOf(t, filepath.Join(dir, name))
	}
	for _, name := range varying {
		delete(images[0], name)
		delete(images[1], name)
	}
	if len(images[0]) == 0 {
		t.Error("the image has no files of its own")
	}
	if diff := cmp.Diff(images[0], images[1]); diff != "" {
		t.Errorf("two builds differ (-first +second):\n%s", diff)
	}
}

// filesOf returns what the layers of an image have that are not its base's, and
// its configuration less the digests of the layers.
func filesOf(t *testing.T, layout string) map[string]string {
	t.Helper()
	var index ocispec.Index
	readJSON(t, filepath.Join(layout, "index.json"), &index)
	blob := func(d ocispec.Descriptor) string {
		return filepath.Join(layout, "blobs", "sha256", d.Digest.Encoded())
	}
	var manifest ocispec.Manifest
	readJSON(t, blob(index.Manifests[0]), &manifest)
	var config ocispec.Image
	readJSON(t, blob(manifest.Config), &config)
	config.RootFS.DiffIDs = nil
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"the configuration": string(text)}
	for _, layer := range manifest.Layers {
		if layer.MediaType == ocispec.MediaTypeImageLayerZstd {
			maps.Copy(files, filesOfLayer(t, blob(layer)))
		}
	}
	return files
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// filesOfLayer returns all that a layer says of its files, by their names.
func filesOfLayer(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		hash := sha256.New()
		if err == nil {
			_, err = io.Copy(hash, r)
		}
		if err != nil {
			t.Fatal(err)
		}
		var more []string
		for _, key := range slices.Sorted(maps.Keys(h.PAXRecords)) {
			more = append(more, key+"="+h.PAXRecords[key])
		}
		files[h.Name] = fmt.Sprintf("%c %o %d:%d %s %v %x %v", h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname, h.ModTime.UTC(), hash.Sum(nil), more)
	}
}
