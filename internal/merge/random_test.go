package merge_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"bkt/internal/manifest"
	"bkt/internal/merge"
	"bkt/internal/merge/mergetest"
)

// FuzzEdits checks the merge of random edits of all kinds of manifests: no edit is lost,
// there are no conflicts but of items that both sides changed in the same place, and the
// result can be loaded, also after the conflicts are decided.
func FuzzEdits(f *testing.F) {
	for seed := range uint64(500) {
		f.Add(seed, seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, seed uint64, clash bool) {
		p, err := mergetest.New(rand.New(rand.NewPCG(seed, 1)), 6, clash)
		if err != nil {
			t.Fatal(err)
		}
		checkPair(t, p)
	})
}

// TestEveryManifestIsEdited checks that the random edits are of all manifests.
func TestEveryManifestIsEdited(t *testing.T) {
	for _, f := range manifest.All() {
		if !slices.Contains(mergetest.Paths(), f.Path) {
			t.Errorf("no random edits of %s", f.Path)
		}
	}
}

func checkPair(t *testing.T, p mergetest.Pair) {
	t.Helper()
	res, err := merge.Texts(p.File, nil, p.Base, p.Ours, p.Theirs)
	if err != nil || res.Invalid != nil {
		t.Fatal(err, res.Invalid)
	}
	if len(res.Conflicts) != p.Conflicts {
		t.Errorf("%d conflicts, not %d", len(res.Conflicts), p.Conflicts)
	}
	for side, want := range map[merge.Side][]byte{merge.Ours: p.WithOurs, merge.Theirs: p.WithTheirs} {
		decided, err := merge.Decide(p.File, res.Text, slices.Repeat([]merge.Side{side}, len(res.Conflicts)))
		if err != nil {
			t.Fatal(err)
		}
		checkLoads(t, p.File, decided)
		if same, err := mergetest.SameItems(decided, want); !same || err != nil {
			t.Errorf("%s: %v\nbase %s\nours %s\ntheirs %s\nmerged %s\nwant %s", side, err, p.Base, p.Ours, p.Theirs, res.Text, want)
		}
	}
}

// checkLoads checks that a manifest can be loaded, and is in canonical form.
func checkLoads(t *testing.T, f manifest.File, text []byte) {
	t.Helper()
	canonical, err := f.Format(f.Path, text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !bytes.Equal(canonical, text) {
		t.Errorf("not canonical:\n%s", text)
	}
}
