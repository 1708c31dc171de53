package engine

import (
	"reflect"
	"slices"
	"testing"

	"bkt/internal/engine/contract"

	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/moby/buildkit/cache"
	"github.com/moby/buildkit/executor/runcexecutor"
	"github.com/moby/buildkit/exporter/oci"
	"github.com/moby/buildkit/util/contentutil"
	"github.com/moby/buildkit/worker/base"
)

// TestNoMethodIsLost checks that wrappers of BuildKit's types have all their methods.
// BuildKit and containerd look for methods that their interfaces lack, and silently
// work without missing ones.
func TestNoMethodIsLost(t *testing.T) {
	executor, err := runcexecutor.New(runcexecutor.Opt{Root: t.TempDir(), CommandCandidates: []string{"true"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	images, err := oci.New(oci.Opt{Variant: oci.VariantOCI})
	if err != nil {
		t.Fatal(err)
	}
	image, err := images.Resolve(t.Context(), 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		wrapper, wrapped any
		unneeded         []string // nobody asks for these
	}{
		{datingWorker{}, &base.Worker{}, nil},
		{ownNetworkExecutor{}, executor, nil},
		{datingExporter{}, images, nil},
		{datingExport{}, image, []string{"Resolve"}}, // of the exporter, which it has in it
		{lazyProvider{}, &contentutil.MultiProvider{}, nil},
	} {
		have := methods(c.wrapper)
		for _, name := range methods(c.wrapped) {
			if !slices.Contains(have, name) && !slices.Contains(c.unneeded, name) {
				t.Errorf("%T has no method %s, which %T has", c.wrapper, name, c.wrapped)
			}
		}
	}
}

func methods(v any) (names []string) {
	for m := range reflect.TypeOf(v).Methods() {
		names = append(names, m.Name)
	}
	return names
}

// lazyProvider must still fetch its blobs.
var _ cache.Unlazier = lazyProvider{}

// TestSnapshotterFreesTheDisk checks that the snapshotter for overlays, which
// removes folders later, has the method that removes them.
func TestSnapshotterFreesTheDisk(t *testing.T) {
	s := stores{root: t.TempDir(), name: contract.Overlay}
	sn, err := s.openSnapshotter()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sn.Close() })
	if _, ok := sn.(snapshots.Cleaner); !ok {
		t.Errorf("%T has no method Cleanup", sn)
	}
}
