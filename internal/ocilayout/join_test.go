package ocilayout

import (
	"fmt"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// putPlatform adds an image without layers for a platform to w.
func putPlatform(t *testing.T, w *Writer, platform string) ocispec.Descriptor {
	t.Helper()
	p := platforms.MustParse(platform)
	return putConfig(t, w, fmt.Sprintf(`{"os":%q,"architecture":%q,"config":{"Labels":{"platform":%q}}}`, p.OS, p.Architecture, platform))
}

func TestImageOfOnePlatform(t *testing.T) {
	w, err := Create(t.Context(), t.TempDir(), unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	desc, err := w.Join(t.Context(), []ocispec.Descriptor{putPlatform(t, w, "linux/arm64")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	image, err := w.Commit(t.Context(), desc, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	if p, ok, err := image.Platform(); err != nil || !ok || platforms.Format(p) != "linux/arm64" {
		t.Errorf("platform %v, %v, %v", p, ok, err)
	}
	config, err := image.Config(platforms.MustParse("linux/arm64"))
	if err != nil || config.Config.Labels["platform"] != "linux/arm64" {
		t.Errorf("configuration %v, %v", config, err)
	}
}

// TestJoin checks that the image of several engines is an index with the platforms
// in their order, and that each platform has its own configuration.
func TestJoin(t *testing.T) {
	w, err := Create(t.Context(), t.TempDir(), unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	own := platforms.Format(platforms.Normalize(platforms.DefaultSpec()))
	order := []string{own, "linux/riscv64", "linux/s390x"}
	var descs []ocispec.Descriptor
	for _, platform := range []string{"linux/s390x", own, "linux/riscv64"} {
		descs = append(descs, putPlatform(t, w, platform))
	}
	desc, err := w.Join(t.Context(), descs, order)
	if err != nil {
		t.Fatal(err)
	}
	image, err := w.Commit(t.Context(), desc, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	if err := readJSON(reader{image.Dir}, desc, &index); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range index.Manifests {
		got = append(got, platforms.Format(*d.Platform))
	}
	if diff := cmp.Diff(order, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, ok, err := image.Platform(); ok || err != nil {
		t.Errorf("it is for one platform: %v, %v", ok, err)
	}
	if labels, err := image.Labels(); err != nil || labels["platform"] != own {
		t.Errorf("labels %v, %v", labels, err)
	}
	if id, err := image.ID(); err != nil || id == "" {
		t.Errorf("id %s, %v", id, err)
	}
	if _, err := image.Config(platforms.MustParse("linux/ppc64le")); err == nil {
		t.Error("a platform that the image lacks is no error")
	}
}

func TestReadBlob(t *testing.T) {
	w, err := Create(t.Context(), t.TempDir(), unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	desc := putPlatform(t, w, "linux/amd64")
	image := Image{Dir: w.dir, Digest: desc.Digest}
	if data, err := image.ReadBlob(desc.Digest); err != nil || int64(len(data)) != desc.Size {
		t.Errorf("%q, %v", data, err)
	}
	for _, bad := range []string{"", "sha256:../../etc/passwd"} {
		if _, err := image.ReadBlob(digest.Digest(bad)); err == nil {
			t.Errorf("%q is no error", bad)
		}
	}
}
