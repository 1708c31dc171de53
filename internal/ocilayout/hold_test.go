package ocilayout

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// putImage adds an image without layers to w.
func putImage(t *testing.T, w *Writer, author string) ocispec.Descriptor {
	t.Helper()
	return putConfig(t, w, `{"author":"`+author+`"}`)
}

// putConfig adds an image without layers and with that configuration to w.
func putConfig(t *testing.T, w *Writer, text string) ocispec.Descriptor {
	t.Helper()
	put := func(media, text string) ocispec.Descriptor {
		d := digest.FromString(text)
		dir := filepath.Join(w.dir, "blobs", "sha256")
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, d.Encoded()), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
		return ocispec.Descriptor{MediaType: media, Digest: d, Size: int64(len(text))}
	}
	config := put(ocispec.MediaTypeImageConfig, text)
	return put(ocispec.MediaTypeImageManifest, `{"schemaVersion":2,"mediaType":"`+ocispec.MediaTypeImageManifest+
		`","config":{"mediaType":"`+config.MediaType+`","digest":"`+config.Digest.String()+`","size":`+strconv.FormatInt(config.Size, 10)+`},"layers":[]}`)
}

// unexpected fails the test if a call waits.
func unexpected(t *testing.T) func() {
	return func() { t.Error("it waits") }
}

// TestHeldImageIsNotReplaced checks that a build replaces an image only when no one
// reads it.
func TestHeldImageIsNotReplaced(t *testing.T) {
	dir := t.TempDir()
	out, err := Create(t.Context(), dir, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	first, err := out.Commit(t.Context(), putImage(t, out, "first"), unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	// The build holds the folder, and two readers hold the image in it.
	release, err := Hold(t.Context(), dir, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	releaseToo, err := Hold(t.Context(), dir, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	second := putImage(t, out, "second")
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := out.Commit(ctx, second, cancel); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if l, err := Find(dir, ""); err != nil || l != first {
		t.Errorf("%v, %v, not %v", l, err, first)
	}
	waiting, done := make(chan struct{}), make(chan error)
	go func() {
		_, err := out.Commit(t.Context(), second, func() { close(waiting) })
		done <- err
	}()
	<-waiting
	if l, err := Find(dir, first.Digest.String()); err != nil || l != first {
		t.Errorf("%v, %v, not %v", l, err, first)
	}
	release()
	releaseToo()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if l, err := Find(dir, ""); err != nil || l.Digest != second.Digest {
		t.Errorf("%v, %v, not %v", l, err, second.Digest)
	}
	if _, err := Find(dir, first.Digest.String()); err == nil {
		t.Error("the first one is still there")
	}
}

func TestHoldOfNothing(t *testing.T) {
	release, err := Hold(t.Context(), filepath.Join(t.TempDir(), "missing"), unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// TestLink checks that only the linked image is found.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	out, err := Create(t.Context(), dir, unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	l, err := out.Commit(t.Context(), putImage(t, out, "first"), unexpected(t))
	if err != nil {
		t.Fatal(err)
	}
	alone := t.TempDir()
	if err := l.Link(alone); err != nil {
		t.Fatal(err)
	}
	if err := out.writeIndex(putImage(t, out, "second")); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(alone, ""); err != nil || got.Digest != l.Digest {
		t.Errorf("%v, %v, not %s", got, err, l.Digest)
	}
	if err := l.Link(t.TempDir()); err == nil {
		t.Error("an image that is not there any more is no error")
	}
}
