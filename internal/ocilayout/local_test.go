package ocilayout

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestNoMethodIsLost checks that the wrapped store has all methods of a store:
// containerd asserts some that the interface does not have.
func TestNoMethodIsLost(t *testing.T) {
	store, err := Store(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Only containerd's databases need this one.
	unneeded := "WalkStatusRefs"
	for m := range reflect.TypeOf(store).Methods() {
		if _, ok := reflect.TypeOf(localBlobStore{}).MethodByName(m.Name); !ok && m.Name != unneeded {
			t.Errorf("method %s is missing", m.Name)
		}
	}
}

// TestWithLocalBlobs asks for writers of blobs that a local folder has, has
// damaged, or lacks. Only a blob that it has need not be sent.
func TestWithLocalBlobs(t *testing.T) {
	local := t.TempDir()
	desc := func(text string) ocispec.Descriptor {
		return ocispec.Descriptor{Digest: digest.FromString(text), Size: int64(len(text))}
	}
	dir := filepath.Join(local, "blobs", "sha256")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"here": "here", "damaged": "damaGed"} {
		if err := os.WriteFile(filepath.Join(dir, desc(name).Digest.Encoded()), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	store, err := Store(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for text, here := range map[string]bool{"here": true, "damaged": false, "elsewhere": false} {
		w, err := WithLocalBlobs(store, filepath.Join(local, "missing"), local).Writer(t.Context(), content.WithRef(text), content.WithDescriptor(desc(text)))
		if (err != nil) != here {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil {
			w.Close()
		}
		if _, err := store.Info(t.Context(), desc(text).Digest); (err == nil) != here {
			t.Errorf("%s: in the store: %v", text, err)
		}
	}
}
