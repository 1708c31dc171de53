package buildkit

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// TestNoMethodIsLost checks that what stands in the place of a store has all
// methods of that: stores are asked for some that their type does not promise.
func TestNoMethodIsLost(t *testing.T) {
	store, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Only databases of containerd's ask for this, and this is no part of one.
	unneeded := "WalkStatusRefs"
	for m := range reflect.TypeOf(store).Methods() {
		if _, ok := reflect.TypeOf(nearby{}).MethodByName(m.Name); !ok && m.Name != unneeded {
			t.Errorf("it has no method %s", m.Name)
		}
	}
}

// TestNearby asks for writers of blobs that the engine has, or has damaged, or
// has not. Only what it has is not to be sent.
func TestNearby(t *testing.T) {
	root := t.TempDir()
	desc := func(text string) ocispec.Descriptor {
		return ocispec.Descriptor{Digest: digest.FromString(text), Size: int64(len(text))}
	}
	dir := filepath.Join(contract.ContentDir(root, contract.Native), "blobs", "sha256")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"here": "here", "damaged": "damaGed"} {
		if err := os.WriteFile(filepath.Join(dir, desc(name).Digest.Encoded()), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	store, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for text, here := range map[string]bool{"here": true, "damaged": false, "elsewhere": false} {
		w, err := nearby{store, root}.Writer(t.Context(), content.WithRef(text), content.WithDescriptor(desc(text)))
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
