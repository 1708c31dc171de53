package autocapture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bkt/internal/containerfile"
	"bkt/internal/live"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/workspace"

	"github.com/google/go-cmp/cmp"
)

// named is a reconciler that only has a name.
type named struct {
	reconcile.Reconciler
	name string
}

func (n named) Name() string { return n.name }

// domainNamed returns a domain with only a name.
func domainNamed(name string) *live.Domain { return &live.Domain{Reconciler: named{name: name}} }

// added returns an item that a capture adds to the manifest.
func added(d *live.Domain, key, value string) live.Item {
	return live.Item{Domain: d, Op: plan.Add, Difference: reconcile.Difference{Key: key, Case: reconcile.CaseNew, Live: []byte(`"` + value + `"`)}}
}

// in returns a run in a repository that has the files of that name and text.
func in(t *testing.T, files map[string]string) *captureRun {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	w := workspace.Workspace{Repo: repo.Repo{Root: dir}, Host: "desk", Folders: workspace.Folders{State: t.TempDir(), Config: t.TempDir()}}
	r, err := newCaptureRun(live.System{Workspace: w}, Options{Debounce: time.Minute, CommitTimeout: time.Minute}, silent{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// silent is a reporter that reports nothing.
type silent struct{}

func (silent) Note(string, ...any)  {}
func (silent) Report(Outcome) error { return nil }

// TestDebounce checks that an item is captured once its value has not changed for as
// long as the option says, and that a changed value starts this time again.
func TestDebounce(t *testing.T) {
	apps := domainNamed("flatpak-apps")
	item := added(apps, "org.bkt.App", "one")
	now := time.Now()
	saw := func(i live.Item, ago time.Duration) []PendingItem {
		return []PendingItem{{Domain: i.Domain.Name(), Key: i.Key, Sum: i.Sum(), Since: now.Add(-ago)}}
	}
	tests := []struct {
		name     string
		debounce time.Duration
		pending  []PendingItem
		waits    bool
	}{
		{"never seen", time.Minute, nil, true},
		{"without a debounce", 0, nil, false},
		{"seen a moment ago", time.Minute, saw(item, 59*time.Second), true},
		{"seen long enough ago", time.Minute, saw(item, time.Minute), false},
		{"seen with another value", time.Minute, saw(added(apps, "org.bkt.App", "other"), time.Hour), true},
		{"seen in another domain", time.Minute, saw(added(domainNamed("services"), "org.bkt.App", "one"), time.Hour), true},
		{"seen in the future", time.Minute, saw(item, -time.Hour), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := in(t, nil)
			r.now, r.Debounce, r.state.Pending = now, tt.debounce, tt.pending
			r.items = []live.Item{item}
			r.debounce()
			if waits := r.items[0].Result == live.Waiting; waits != tt.waits || r.isUnstable() != tt.waits || live.Changing(r.items) == tt.waits {
				t.Errorf("waits: %v, unstable: %v", waits, r.isUnstable())
			}
			if text := r.outcome().Waiting(r.items[0]); (text != "") != tt.waits {
				t.Errorf("reason: %q", text)
			}
		})
	}
}

// TestPendingKeepsItsTime checks that an item that waits keeps the time at which its
// value was seen first.
func TestPendingKeepsItsTime(t *testing.T) {
	r := in(t, nil)
	first := r.now.Add(-time.Second)
	r.items = []live.Item{added(domainNamed("services"), "a", "1"), added(domainNamed("services"), "b", "2")}
	r.state.Pending = []PendingItem{{Domain: "services", Key: "a", Sum: r.items[0].Sum(), Since: first}}
	r.debounce()
	got := r.pending()
	if len(got) != 2 || !got[0].Since.Equal(first) || !got[1].Since.Equal(r.now) || got[0].Reason == "" {
		t.Errorf("%+v", got)
	}
}

// TestNewJournal checks which files are listed as written and to be committed.
func TestNewJournal(t *testing.T) {
	apps, units := domainNamed("flatpak-apps"), domainNamed("services")
	kept := added(units, "left.service", "x")
	kept.Op = ""
	items := []live.Item{added(apps, "org.bkt.A", "x"), added(apps, "org.bkt.B", "x"), kept}
	earlier := &journal{Files: map[string]string{"a": "1", "b": "2"}, Lines: []string{"services", "  + old.service"}, Items: map[string]int{"services": 1}}
	write := func(name, text string) []plan.Write {
		return []plan.Write{{Name: name, Old: []byte("old"), New: []byte(text)}}
	}
	before := func(name string) map[string]string { return map[string]string{name: hash([]byte("old"))} }
	tests := []struct {
		name       string
		earlier    *journal
		unfinished []string
		writes     []plan.Write
		items      []live.Item
		want       *journal
	}{
		{"nothing", nil, nil, nil, nil, nil},
		{"items that change no file", nil, nil, nil, items, nil},
		{"what this run writes", nil, nil, write("m", "text"), items,
			&journal{map[string]string{"m": hash([]byte("text"))}, []string{"flatpak-apps", "  + org.bkt.A", "  + org.bkt.B"}, map[string]int{"flatpak-apps": 2}, before("m")}},
		{"what an earlier run wrote", earlier, []string{"a"}, nil, nil,
			&journal{map[string]string{"a": "1"}, earlier.Lines, earlier.Items, map[string]string{}}},
		{"an item that an earlier run wrote in part", &journal{map[string]string{"m": "1"}, []string{"flatpak-apps", "  + org.bkt.A"}, map[string]int{"flatpak-apps": 1}, nil}, []string{"m"}, write("n", "text"), items,
			&journal{map[string]string{"m": "1", "n": hash([]byte("text"))}, []string{"flatpak-apps", "  + org.bkt.A", "flatpak-apps", "  + org.bkt.B"}, map[string]int{"flatpak-apps": 2}, before("n")}},
		{"both", earlier, []string{"a", "b"}, write("b", "text"), items[:1],
			&journal{map[string]string{"a": "1", "b": hash([]byte("text"))}, []string{"services", "  + old.service", "flatpak-apps", "  + org.bkt.A"}, map[string]int{"services": 1, "flatpak-apps": 1}, before("b")}},
		{"what someone has reverted meanwhile", earlier, nil, write("m", ""), items[:1],
			&journal{map[string]string{"m": hash(nil)}, []string{"flatpak-apps", "  + org.bkt.A"}, map[string]int{"flatpak-apps": 1}, before("m")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, newJournal(tt.earlier, tt.unfinished, tt.writes, tt.items)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if len(earlier.Lines) != 2 || len(earlier.Items) != 1 {
		t.Errorf("the earlier journal was changed: %+v", earlier)
	}
}

// TestJournalWhileGitIsBusy checks that what earlier runs wrote is not forgotten then.
func TestJournalWhileGitIsBusy(t *testing.T) {
	r := in(t, nil)
	before := &journal{Files: map[string]string{"a": "1"}}
	r.state.Journal, r.tree.Busy = before, "a merge"
	if r.updateJournal(nil); r.state.Journal != before {
		t.Errorf("%+v", r.state.Journal)
	}
	r.tree.Busy = ""
	if r.updateJournal(nil); r.state.Journal != nil {
		t.Errorf("of files that nobody has changed: %+v", r.state.Journal)
	}
}

// TestCommitMessage checks the message: programs read its last lines.
func TestCommitMessage(t *testing.T) {
	one := journal{nil, []string{"services", "  + user/a.timer"}, map[string]int{"services": 1}, nil}
	const want = "Capture 1 change on desk\n\nservices\n  + user/a.timer\n\nBkt-Host: desk\nBkt-Captured: services=1\n"
	if got := one.message("desk"); got != want {
		t.Errorf("%q", got)
	}
	several := journal{nil, []string{"x"}, map[string]int{"services": 2, "flatpak-apps": 1}, nil}.message("desk")
	if !strings.HasPrefix(several, "Capture 3 changes on desk\n") || !strings.HasSuffix(several, "\nBkt-Captured: flatpak-apps=1 services=2\n") {
		t.Errorf("%q", several)
	}
}

// TestSplitDirty checks which uncommitted files belong to an earlier run: those with
// the content in its journal. All others belong to the user.
func TestSplitDirty(t *testing.T) {
	r := in(t, map[string]string{"ours": "captured", "edited": "captured, and edited", "theirs": "mine"})
	r.state.Journal = &journal{Files: map[string]string{"ours": hash([]byte("captured")), "edited": hash([]byte("captured")), "deleted": hash([]byte("captured"))}}
	r.tree.Dirty = map[string]bool{"ours": true, "edited": true, "theirs": true, "deleted": true}
	r.splitDirty()
	if diff := cmp.Diff([]string{"ours"}, r.unfinished); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]bool{"edited": true, "theirs": true, "deleted": true}, r.edited); diff != "" {
		t.Error(diff)
	}
	without := in(t, map[string]string{"ours": "captured"})
	without.tree.Dirty = map[string]bool{"ours": true}
	if without.splitDirty(); len(without.unfinished) != 0 || !without.edited["ours"] {
		t.Errorf("without a journal: %v, %v", without.unfinished, without.edited)
	}
}

// TestResult checks the reported result of a run.
func TestResult(t *testing.T) {
	item := func(r live.Result) live.Item { return live.Item{Result: r} }
	tests := []struct {
		name  string
		items []live.Item
		busy  string
		err   error
		want  Result
	}{
		{"nothing", nil, "", nil, Nothing},
		{"items for an apply", []live.Item{item(live.Kept)}, "", nil, Nothing},
		{"a waiting item", []live.Item{item(live.Waiting)}, "", nil, Waiting},
		{"an unfinished journal", nil, "a merge", nil, Waiting},
		{"some captured, some waiting", []live.Item{item(live.Captured), item(live.Waiting)}, "", nil, Captured},
		{"an error", []live.Item{item(live.Captured)}, "", errors.New("x"), Failed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &captureRun{items: tt.items, tree: repo.WorkTree{Busy: tt.busy}}
			if got := r.result(tt.err); got != tt.want {
				t.Errorf("%q, not %q", got, tt.want)
			}
		})
	}
}

// TestState checks that a state comes back as it was saved, and that one that cannot be
// read is an error and no empty one.
func TestState(t *testing.T) {
	r := in(t, nil)
	r.state.setResult(r.now, Failed, fmt.Errorf("first"))
	r.state.setResult(r.now.Add(time.Hour), Failed, errors.Join(errors.New("a"), errors.New("b")))
	r.state.Journal = &journal{Files: map[string]string{"a": "1"}, Items: map[string]int{}}
	if err := r.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := readState(r.system.Workspace)
	if err != nil || !got.FailingSince.Equal(r.now) || !cmp.Equal(got.Problems, []string{"a", "b"}) || got.Journal.Files["a"] != "1" {
		t.Errorf("%+v, %v", got, err)
	}
	got.setResult(r.now, Nothing, nil)
	if got.FailingSince != nil || got.Problems != nil {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"{", `{"version": 9}`} {
		write(t, stateFile(r.system.Workspace), text)
		if _, err := readState(r.system.Workspace); err == nil {
			t.Errorf("%s is no error", text)
		}
		if st := ReadStatus(r.system.Workspace); st.Result != Failed || len(st.Problems) == 0 {
			t.Errorf("%s: %+v", text, st)
		}
	}
}

// A repository whose container exports one program, and a Containerfile for another.
const (
	boxes = `{"containers": {"dev": {"image": "x", "bins": {"also": ["/opt/a"], "to": "/usr/bin"}}}}`
	empty = "FROM base\n# === HOST_EXPORTS (managed by bkt) ===\n# === END HOST_EXPORTS ===\n"
)

// TestRerender checks that edits of manifests change the sections that come of them, and
// that other changes that are due are not included.
func TestRerender(t *testing.T) {
	r := in(t, map[string]string{"manifests/distrobox.json": boxes, "Containerfile": empty, "toolbox/Containerfile": "FROM base\n"})
	rep := r.system.Repo
	edits := reconcile.NewEdits(rep.FS())
	edits.WriteFile("manifests/distrobox.json", []byte(strings.Replace(boxes, "/opt/a", "/opt/b", 1)))

	stale := rerender(t.Context(), rep, edits, nil)
	if len(stale) != 1 || stale[0].name != "Containerfile" || !stale[0].stale {
		t.Fatalf("of sections that differed from the manifests: %+v", stale)
	}
	write(t, rep.Path("Containerfile"), strings.Replace(empty, "# === END", "RUN someone's\n# === END", 1))
	ours := rerender(t.Context(), rep, reconcile.NewEdits(rep.FS()), map[string]bool{"Containerfile": true})
	if len(ours) != 1 || !strings.Contains(string(ours[0].text), "/opt/a") {
		t.Errorf("of sections that an earlier run could not write: %+v", ours)
	}
	if theirs := rerender(t.Context(), rep, edits, nil); len(theirs) != 1 || !theirs[0].stale {
		t.Errorf("of a section that bkt never rendered: %+v", theirs)
	}
	write(t, rep.Path("Containerfile"), empty)
	rendered := containerfile.Render(t.Context(), rep.FS(), "Containerfile", containerfile.Unchanged)
	if rendered.Err != nil {
		t.Fatal(rendered.Err)
	}
	write(t, rep.Path("Containerfile"), string(rendered.Text))
	if same := rerender(t.Context(), rep, reconcile.NewEdits(rep.FS()), nil); len(same) != 0 {
		t.Errorf("of no edit: %+v", same)
	}
	changed := rerender(t.Context(), rep, edits, nil)
	if len(changed) != 1 || changed[0].stale || !strings.Contains(string(changed[0].text), "/opt/b") || strings.Contains(string(changed[0].text), "/opt/a") {
		t.Errorf("of an edit: %+v", changed)
	}
}
