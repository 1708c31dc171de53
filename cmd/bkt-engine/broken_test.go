package main_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/buildkit"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"

	bolt "go.etcd.io/bbolt"
)

// TestBrokenRecord builds with a cache whose layers are gone from the database of the
// engine, as after a full disk: the image is built again, once and with a warning.
func TestBrokenRecord(t *testing.T) {
	w := newWorld(t)
	w.serve(t, nil, "--snapshotter", contract.Overlay)
	w.containerfile(t, `RUN ["/init", "write", "/one", "1"]`, `RUN ["/init", "write", "/two", "2"]`)
	w.mustBuild(t)
	if _, err := engineclient.Stop(t.Context(), w.config()); err != nil {
		t.Fatal(err)
	}
	forgetSteps(t, w.config().Root)
	w.serve(t, nil, "--snapshotter", contract.Overlay)
	w.containerfile(t, `RUN ["/init", "write", "/one", "1"]`, `RUN ["/init", "write", "/two", "2"]`, `RUN ["/init", "write", "/three", "3"]`)
	var log bytes.Buffer
	var warnings []string
	b := buildkit.Builder{Config: w.config(), Progress: "plain", Warn: func(err error) { warnings = append(warnings, err.Error()) }}
	for range 2 {
		if _, err := b.Build(t.Context(), w.spec(), filepath.Join(w.Dir, "out"), &log); err != nil {
			t.Fatalf("%v\n%s", err, log.String())
		}
	}
	var about []string
	for _, warning := range warnings {
		if !strings.Contains(warning, "network") { // of a machine without pasta
			about = append(about, warning)
		}
	}
	if len(about) != 1 || !strings.Contains(about[0], "the cache of the engine has a broken record") {
		t.Errorf("warnings: %q\n%s", warnings, log.String())
	}
}

// forgetSteps removes the results of steps from the database of the layers of a stopped
// engine.
func forgetSteps(t *testing.T, root string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "runc-*", "snapshots", "metadata.db"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	db, err := bolt.Open(found[0], 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	forgotten := 0
	err = db.Update(func(tx *bolt.Tx) error {
		all := tx.Bucket([]byte("v1")).Bucket([]byte("snapshots"))
		var steps [][]byte
		err := all.ForEachBucket(func(name []byte) error {
			const committed = 3 // containerd's snapshots.KindCommitted
			if kind := all.Bucket(name).Get([]byte("kind")); len(kind) > 0 && kind[0] == committed && !bytes.Contains(name, []byte("layer")) {
				steps = append(steps, name)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, name := range steps {
			if err := all.DeleteBucket(name); err != nil {
				return err
			}
			forgotten++
		}
		return nil
	})
	if err != nil || forgotten == 0 {
		t.Fatalf("%d steps, %v", forgotten, err)
	}
}
