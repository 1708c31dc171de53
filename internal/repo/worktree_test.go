package repo_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"bkt/internal/repo"

	"github.com/google/go-cmp/cmp"
)

// answers is a git with fixed answers.
type answers struct{ dir, prefix, status string }

func (g answers) Git(_ context.Context, _ string, _ []byte, args ...string) ([]byte, error) {
	if args[0] == "rev-parse" {
		return []byte(g.prefix + "\n" + g.dir + "\n"), nil
	}
	return []byte(g.status), nil
}

const (
	onMain = "# branch.oid 0123\x00# branch.head main\x00"
	hashes = "0123 4567 "
)

func TestWorkTree(t *testing.T) {
	tests := []struct {
		name, prefix, status string
		want                 repo.WorkTree
	}{
		{"clean", "", onMain, repo.WorkTree{Branch: "main"}},
		{"edited, staged and new", "", onMain +
			"1 .M N... 100644 100644 100644 " + hashes + "manifests/a b.json\x00" +
			"1 A. N... 000000 100644 100644 " + hashes + "new\nline\x00" +
			"? manifests/x.json\x00",
			repo.WorkTree{Branch: "main", Dirty: map[string]bool{"manifests/a b.json": true, "new\nline": true, "manifests/x.json": true}}},
		{"renamed", "", onMain + "2 R. N... 100644 100644 100644 " + hashes + "R100 to here\x00from there\x00? z\x00",
			repo.WorkTree{Branch: "main", Dirty: map[string]bool{"to here": true, "from there": true, "z": true}}},
		{"unmerged", "", onMain + "u UU N... 100644 100644 100644 100644 " + hashes + "8901 both ways\x00",
			repo.WorkTree{Branch: "main", Busy: "a conflict in its index", Dirty: map[string]bool{"both ways": true}}},
		{"in a folder", "image/", onMain + "? image/Containerfile\x00? Containerfile\x00", repo.WorkTree{Branch: "main", Dirty: map[string]bool{"Containerfile": true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := repo.Repo{Root: "/r"}.WorkTree(t.Context(), answers{t.TempDir(), tt.prefix, tt.status})
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Dirty == nil {
				tt.want.Dirty = map[string]bool{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTryLock(t *testing.T) {
	dir := populate(t, "manifests/", "Containerfile")
	r := repo.Repo{Root: dir}
	first, err := r.TryLock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.TryLock(); !errors.Is(err, repo.ErrLocked) {
		t.Errorf("error %v", err)
	}
	first.Close()
	second, err := r.TryLock()
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	if _, err := repo.TryLock(dir + "/gone"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
