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
	"regexp"
	"slices"
	"strings"
	"testing"

	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// varying are the files in which two builds of the same tree differ, each with the
// reason. TestReproducible compares what rpm and dnf read from them instead.
var varying = map[string]string{
	"usr/lib/sysimage/rpm/rpmdb.sqlite":                       "has the time at which each package was installed",
	"usr/lib/sysimage/rpm/rpmdb.sqlite-shm":                   "has a random number that SQLite makes",
	"usr/lib/sysimage/libdnf5/transaction_history.sqlite":     "has the times at which each transaction began and ended",
	"usr/lib/sysimage/libdnf5/transaction_history.sqlite-shm": "has a random number that SQLite makes",
	"usr/lib/sysimage/libdnf5/transaction_history.sqlite-wal": "has pages of transaction_history.sqlite, and a random number that SQLite makes",
}

// records are steps that print the content of the databases in varying without times.
// The digest of a package's header covers all its metadata, including its files.
const records = `FROM built
RUN rpm -qa --queryformat 'record %{NEVRA} %{SHA256HEADER}\n' | sort
RUN dnf history info last | grep -vE ' time +:|[Rr]pmdb' | sed 's/^/record /'
`

// TestReproducible builds the toolbox of this repository twice from nothing. The images
// may differ only in the files of varying, and there only in times and random numbers.
func TestReproducible(t *testing.T) {
	t.Parallel()
	w := testkit.SharedWorkshop(t)
	dir := t.TempDir()
	testkit.CopyTree(t, "../../manifests", filepath.Join(dir, "manifests"))
	testkit.CopyTree(t, "../../toolbox", filepath.Join(dir, "toolbox"))
	var images [2]map[string]string
	for i, name := range []string{"one", "two"} {
		build := exec.Command(filepath.Join(w.OfflineBkt(t), "bkt"), "build", "toolbox", "--no-cache", "--progress=plain", "--output", name)
		build.Dir, build.Env = dir, w.Env()
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		images[i] = filesOf(t, filepath.Join(dir, name))
		images[i]["the records"] = recordsOf(t, w, filepath.Join(dir, name))
	}
	for name := range varying {
		if images[0][name] == "" || images[1][name] == "" {
			t.Errorf("%s is not in both images", name)
		}
		delete(images[0], name)
		delete(images[1], name)
	}
	if diff := cmp.Diff(images[0], images[1]); diff != "" {
		t.Errorf("two builds differ (-first +second):\n%s", diff)
	}
}

// record matches a line that a step of records prints.
var record = regexp.MustCompile(`(?m)^#\d+ [\d.]+ record (.*)$`)

// recordsOf returns what rpm and dnf have recorded in the image in a layout.
func recordsOf(t *testing.T, w *testkit.Workshop, layout string) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "manifests"), 0o755), os.WriteFile(filepath.Join(dir, "Containerfile"), []byte(records), 0o644)); err != nil {
		t.Fatal(err)
	}
	ask := exec.Command(filepath.Join(w.Bin, "bkt"), "build", "system", "--progress=plain", "--build-context=built=oci-layout://"+layout)
	ask.Dir, ask.Env = dir, w.Env()
	out, err := ask.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var all []string
	for _, line := range record.FindAllSubmatch(out, -1) {
		all = append(all, string(line[1]))
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"jq-", "Reason"} { // of rpm and of dnf
		if !strings.Contains(text, want) {
			t.Fatalf("no %q in the records:\n%s", want, out)
		}
	}
	return text
}

// filesOf returns the files of the layers that an image does not have from its base,
// and its configuration without the digests of the layers.
func filesOf(t *testing.T, layout string) map[string]string {
	t.Helper()
	config, layers := readImage(t, layout)
	config.RootFS.DiffIDs = nil
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"the configuration": string(text)}
	for _, layer := range layers {
		if layer.MediaType == ocispec.MediaTypeImageLayerZstd {
			maps.Copy(files, filesOfLayer(t, blobOf(layout, layer)))
		}
	}
	return files
}

// readImage returns the configuration of the image in a layout, and its layers.
func readImage(t *testing.T, layout string) (config ocispec.Image, layers []ocispec.Descriptor) {
	t.Helper()
	var index ocispec.Index
	readJSON(t, filepath.Join(layout, "index.json"), &index)
	var manifest ocispec.Manifest
	readJSON(t, blobOf(layout, index.Manifests[0]), &manifest)
	readJSON(t, blobOf(layout, manifest.Config), &config)
	return config, manifest.Layers
}

func blobOf(layout string, d ocispec.Descriptor) string {
	return filepath.Join(layout, "blobs", "sha256", d.Digest.Encoded())
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

// filesOfLayer returns the metadata and checksums of the files in a layer, by name.
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
