package git_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/merge/mergetest"
	"bkt/internal/mergedriver"
	"bkt/internal/testkit"
)

// TestMerge has git merge what two clones have edited at random in manifests of all kinds: 50
// pairs of edits, with BKT_TEST_FULL=1 500. Each pair is in a folder of its own, so that git
// merges all of them at once. No edit is lost, items that both changed in the same place are
// in conflict and nothing else is, and all other manifests can be loaded.
func TestMerge(t *testing.T) {
	testkit.Need(t, "git")
	bin := testkit.Programs(t)
	n := 50
	if testkit.Full() {
		n = 500
	}
	pairs := randomPairs(t, n)
	one := newGitRepo(t, bin)
	one.write(t, ".gitattributes", "**/manifests/*.json merge=bkt\n")
	one.writeAll(t, pairs, func(p mergetest.Pair) []byte { return p.Base })
	one.commitAll(t)
	two := one
	two.dir = filepath.Join(filepath.Dir(one.dir), "two")
	one.run(t, "git", "clone", "-q", ".", two.dir)
	two.writeAll(t, pairs, func(p mergetest.Pair) []byte { return p.Theirs })
	two.commitAll(t)
	one.writeAll(t, pairs, func(p mergetest.Pair) []byte { return p.Ours })
	one.commitAll(t)
	one.run(t, "git", "fetch", "-q", two.dir)

	byLines := one.merge(t)
	one.run(t, "git", "merge", "--abort")
	one.run(t, "git", "config", mergedriver.Key, mergedriver.Command)
	byItems := one.merge(t)
	independent, spoilt := 0, 0
	for i, p := range pairs {
		name := pathOf(i, p)
		if p.Conflicts > 0 != byItems[name] {
			t.Errorf("%s: git has a conflict: %v, but both changed %d items", name, byItems[name], p.Conflicts)
		}
		text, err := os.ReadFile(filepath.Join(one.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if p.Conflicts > 0 {
			if n := strings.Count(string(text), `"conflict": {`); n != p.Conflicts {
				t.Errorf("%s: %d conflicts, not %d", name, n, p.Conflicts)
			}
			continue
		}
		independent++
		if byLines[name] {
			spoilt++
		}
		checkMerged(t, name, p, text)
	}
	t.Logf("%d pairs of edits: in %d, both sides changed other places; git has conflicts in 0 of them with bkt, and in %d without", n, independent, spoilt)
}

// checkMerged checks a manifest that was merged without conflicts.
func checkMerged(t *testing.T, name string, p mergetest.Pair, text []byte) {
	t.Helper()
	if _, err := p.File.Format(name, text); err != nil {
		t.Error(err)
	}
	if same, err := mergetest.SameItems(text, p.WithOurs); err != nil || !same {
		t.Errorf("%s: %v\nbase %s\nours %s\ntheirs %s\nmerged %s", name, err, p.Base, p.Ours, p.Theirs, text)
	}
}

// randomPairs returns pairs of edits, a fifth of which may be of the same items.
func randomPairs(t *testing.T, n int) []mergetest.Pair {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	var all []mergetest.Pair
	for i := range n {
		p, err := mergetest.New(r, 4, i%5 == 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func pathOf(i int, p mergetest.Pair) string { return fmt.Sprintf("%d/%s", i, p.File.Path) }

func (g gitRepo) writeAll(t *testing.T, pairs []mergetest.Pair, text func(mergetest.Pair) []byte) {
	t.Helper()
	for i, p := range pairs {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(g.dir, pathOf(i, p))), 0o755); err != nil {
			t.Fatal(err)
		}
		g.write(t, pathOf(i, p), string(text(p)))
	}
}

func (g gitRepo) commitAll(t *testing.T) {
	t.Helper()
	g.run(t, "git", "add", ".")
	g.run(t, "git", "commit", "-qm", "edit")
}

// merge merges what was fetched, and returns the files in conflict.
func (g gitRepo) merge(t *testing.T) map[string]bool {
	t.Helper()
	out, err := g.command("git", "merge", "--no-edit", "FETCH_HEAD").CombinedOutput()
	t.Logf("git merge: %v", err)
	conflicts := map[string]bool{}
	for name := range strings.Lines(g.run(t, "git", "diff", "--name-only", "--diff-filter=U")) {
		conflicts[strings.TrimSpace(name)] = true
	}
	if (err == nil) != (len(conflicts) == 0) {
		t.Fatalf("%v\n%s", err, out)
	}
	return conflicts
}
