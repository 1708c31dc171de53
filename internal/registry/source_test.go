//go:build containers_image_openpgp

package registry

import (
	"archive/tar"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/opencontainers/go-digest"
)

// addImage adds a second image to the layout of l.
func addImage(t *testing.T, l ocilayout.Image) ocilayout.Image {
	t.Helper()
	made, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := layout.FromPath(l.Dir)
	if err == nil {
		err = folder.AppendImage(made)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := made.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return ocilayout.Image{Dir: l.Dir, Digest: digest.Digest(d.String())}
}

// keepOnly makes l the only image in the index of its layout.
func keepOnly(t *testing.T, l ocilayout.Image) {
	t.Helper()
	d, err := l.Descriptor()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{d}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.Dir, "index.json"), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPushOfNamedImage checks that the right image is pushed even if the layout
// holds others, or changes before it is sent.
func TestPushOfNamedImage(t *testing.T) {
	first := makeImage(t, 100)
	second := addImage(t, first)
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost { // the first blob is about to come
			keepOnly(t, second)
		}
		return false
	})
	there, err := push(t.Context(), first, host+"/a:1", io.Discard, nil)
	if err != nil || there != first.Digest {
		t.Errorf("%s is there, error %v", there, err)
	}
	checkThere(t, host+"/a:1", first.Digest.String())
	there, err = push(t.Context(), second, host+"/a:2", io.Discard, nil)
	if err != nil || there != second.Digest {
		t.Errorf("%s is there, error %v", there, err)
	}
	checkThere(t, host+"/a:2", second.Digest.String())
}

// TestReplacedImage checks that no other image is pushed or written in place of one
// that the layout no longer holds.
func TestReplacedImage(t *testing.T) {
	host := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	first := makeImage(t, 100)
	second := addImage(t, first)
	keepOnly(t, second)
	want := first.Dir + ": the image " + first.Digest.String() + " is not there: the folder holds " + second.Digest.String()
	_, err := push(t.Context(), first, host+"/a:1", io.Discard, atOnce)
	if err == nil || err.Error() != want || len(hint.Of(err)) != 1 {
		t.Errorf("error %v, hints %q", err, hint.Of(err))
	}
	checkThere(t, host+"/a:1", "")
	archive := filepath.Join(t.TempDir(), "archive.tar")
	if err := Export(t.Context(), first, archive, "localhost/a:1"); err == nil || err.Error() != want {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(archive); err == nil {
		t.Error("an archive was written")
	}
}

func TestDamagedManifest(t *testing.T) {
	host := serve(t, func(http.ResponseWriter, *http.Request) bool { return false })
	l := makeImage(t, 100)
	blob := filepath.Join(l.Dir, "blobs", "sha256", l.Digest.Encoded())
	if err := os.WriteFile(blob, []byte(`{"schemaVersion": 2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := push(t.Context(), l, host+"/a:1", io.Discard, nil)
	if want := l.Dir + ": blob " + l.Digest.String() + " is damaged"; err == nil || err.Error() != want {
		t.Errorf("error %v, not %s", err, want)
	}
	checkThere(t, host+"/a:1", "")
}

// TestExportOfNamedImage checks that the archive has its configuration.
func TestExportOfNamedImage(t *testing.T) {
	first := makeImage(t, 100)
	second := addImage(t, first)
	for _, l := range []ocilayout.Image{first, second} {
		archive := filepath.Join(t.TempDir(), "archive.tar")
		if err := Export(t.Context(), l, archive, "localhost/a:1"); err != nil {
			t.Fatal(err)
		}
		text, err := l.ReadBlob(l.Digest)
		if err != nil {
			t.Fatal(err)
		}
		var m struct {
			Config struct{ Digest digest.Digest }
		}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		if want := m.Config.Digest.Encoded() + ".json"; !hasFile(t, archive, want) {
			t.Errorf("%s is not in the archive", want)
		}
	}
}

func hasFile(t *testing.T, archive, name string) bool {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		header, err := r.Next()
		if err == io.EOF {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.TrimPrefix(header.Name, "./") == name {
			return true
		}
	}
}
