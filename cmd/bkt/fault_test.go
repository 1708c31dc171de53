package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"bkt/internal/testkit"
	"bkt/internal/testkit/killpoint"
	"bkt/internal/ui"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/txtar"
)

// A faultCase is a command whose system calls fail.
type faultCase struct {
	name  string
	full  bool                // only with BKT_TEST_FULL=1
	setUp func(*faulty)       // what is there before the command
	args  []string            // of bkt
	reach []string            // parts of the points that the command must reach; $WORK is the folder
	also  func(*faulty) error // what must be true once the command has succeeded
}

// TestFaultsDoNoHarm makes each system call by which a command changes a file fail: with
// a full disk, a read-only one, a broken one, an interrupt, and a short write. After that,
// each file must have its old or its new text, and the last known state must have nothing
// that manifest and system do not agree on. The error must name the file. The next run
// must finish the work, with the same result as if nothing had failed.
//
// Each call fails in one way; with BKT_TEST_FULL=1 in every way, and for more commands.
func TestFaultsDoNoHarm(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "git")
	for _, c := range faultCases() {
		if c.full && !testkit.Full() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			newFaulty(t, c).failAll()
		})
	}
}

// notFaulted are the commands with --check that no fault case has, and why.
var notFaulted = map[string]string{
	"base update":     "it asks a registry, and writes as system add does",
	"engine prune":    "it is the engine that deletes files",
	"engine stop":     "it is the engine that deletes files",
	"man-pages":       "it writes as init does",
	"schema":          "it writes as init does",
	"system remove":   "it writes as toolbox remove does",
	"toolbox add":     "it writes as system add does",
	"toolbox capture": "it writes as system add does",
	"toolbox upgrade": "programs of containers make its changes",
}

// TestWritingCommandsHaveFaults checks that each command that writes files has a fault case.
func TestWritingCommandsHaveFaults(t *testing.T) {
	t.Parallel()
	parser, _, err := (&app{Printer: ui.Printer{Out: t.Output(), Err: t.Output()}}).parser(t.Context(), commands()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(false) {
		name := strings.TrimPrefix(leaf.Path(), "bkt ")
		writes := slices.ContainsFunc(leaf.Flags, func(f *kong.Flag) bool { return f.Name == "dry-run" })
		has := slices.ContainsFunc(faultCases(), func(c faultCase) bool { return strings.HasPrefix(strings.Join(c.args, " ")+" ", name+" ") })
		_, excused := notFaulted[name]
		if writes && has == excused {
			t.Errorf("bkt %s needs a fault case, or a reason why it has none, and not both", name)
		}
	}
}

// A faulty is a victim whose files are restored before each run.
type faulty struct {
	*victim
	faultCase
	work          string
	first         texts // all files
	folders       map[string]bool
	before, after texts // those that count
}

// texts are the texts of files by their path below a folder.
type texts map[string]string

func newFaulty(t *testing.T, c faultCase) *faulty {
	t.Helper()
	f := &faulty{victim: newVictim(t), faultCase: c}
	f.work = filepath.Dir(f.dir)
	// Commits must not depend on when they are made.
	f.env = append(f.env, "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	c.setUp(f)
	f.first, f.folders = f.readAll()
	f.before = f.read()
	return f
}

// failAll fails at each point of the command.
func (f *faulty) failAll() {
	f.Helper()
	run := f.fail("", killpoint.Fault{})
	if run.Err != nil {
		f.Fatalf("%v\n%s", run.Err, run.Output)
	}
	f.after = f.read()
	var wanted []string
	for _, want := range f.reach {
		wanted = append(wanted, strings.ReplaceAll(want, "$WORK", f.work))
	}
	f.mustHave(run.Points, wanted...)
	if f.Failed() {
		return
	}
	tried := 0
	for _, point := range run.Points {
		for _, fault := range faultsAt(point, tried) {
			tried++
			f.failAt(point, fault)
		}
	}
}

// faultsAt returns the faults to try at a point: one, or all of them.
func faultsAt(point string, n int) []killpoint.Fault {
	possible := slices.DeleteFunc(killpoint.Faults(), func(k killpoint.Fault) bool { return !k.Hits(point) })
	if testkit.Full() || len(possible) == 0 {
		return possible
	}
	return possible[n%len(possible):][:1]
}

// failAt runs the command with a fault, and then without one.
func (f *faulty) failAt(point string, fault killpoint.Fault) {
	f.Helper()
	what := fmt.Sprintf("%s at %s", fault.Name, strings.ReplaceAll(point, f.work, "$WORK"))
	f.restore()
	run := f.fail(point, fault)
	if !run.Failed {
		if fault.Name != "short write" || !strings.HasPrefix(point, "write ") { // of one byte
			f.Errorf("%s: the point is not reached\n%s", what, run.Output)
		}
		return
	}
	if err := f.checkRun(run, point, fault); err != nil {
		f.Errorf("%s: %v\n%s", what, err, run.Output)
	}
	if err := f.checkFiles(); err != nil {
		f.Errorf("%s: %v\n%s", what, err, run.Output)
	}
	out, err := f.command(f.args...).CombinedOutput()
	if err == nil {
		err = f.finished()
	}
	if err != nil {
		f.Errorf("%s, and in the next run: %v\n%s\nafter\n%s", what, err, out, run.Output)
	}
}

func (f *faulty) fail(point string, fault killpoint.Fault) killpoint.Run {
	f.Helper()
	run, err := killpoint.Fail(f.command(f.args...), f.work, point, fault, testkit.Full())
	if err != nil {
		f.Fatal(err)
	}
	return run
}

// checkRun checks how a run with a fault ended.
func (f *faulty) checkRun(run killpoint.Run, point string, fault killpoint.Fault) error {
	if run.Err == nil {
		call, path, _ := strings.Cut(point, " ")
		if call == "sync" && !fault.Harmless() && !isCache(path) {
			return fmt.Errorf("it succeeded, and what it wrote may be lost")
		}
		return f.finished()
	}
	if fault.Harmless() {
		return fmt.Errorf("it failed: %w", run.Err)
	}
	if ended, ok := run.Err.(*exec.ExitError); !ok || ended.ExitCode() != 1 {
		return fmt.Errorf("it ended with %w", run.Err)
	}
	if strings.Contains(run.Output, "this is a bug") {
		return fmt.Errorf("it says that this is a bug")
	}
	call, path, _ := strings.Cut(point, " ")
	path, _, _ = strings.Cut(path, " (")
	_, existed := f.before[strings.TrimPrefix(path, f.work+"/")]
	if isCache(path) || call == "remove" && !existed {
		return nil // nothing is lost; the error is that of the next file on the same disk
	}
	return f.namesFile(run.Output, point)
}

// namesFile checks that an error names the file of a point. If the file has no name yet, that
// is its folder, or the name that it gets.
func (f *faulty) namesFile(output, point string) error {
	_, path, _ := strings.Cut(strings.TrimPrefix(point, "set "), " ")
	path, _, _ = strings.Cut(path, " (")
	dir, want := path, []string{filepath.Base(path)}
	if base := filepath.Base(path); base == "#…" || isDraft(base) {
		dir = filepath.Dir(path)
		want = []string{filepath.Base(dir)}
	}
	for name := range f.after {
		if at := filepath.Join(f.work, name); filepath.Dir(at) == dir || strings.HasPrefix(point, "mkdir ") && strings.HasPrefix(at, dir+"/") {
			want = append(want, filepath.Base(name))
		}
	}
	if strings.HasSuffix(dir, "/.git/hooks") {
		want = append(want, "pre-commit hook")
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "bkt: error: ") && slices.ContainsFunc(want, func(w string) bool { return strings.Contains(line, w) }) {
			return nil
		}
	}
	return fmt.Errorf("no error names %s", strings.Join(want, " or "))
}

// checkFiles checks that each file has its old or its new text.
func (f *faulty) checkFiles() error {
	now := f.read()
	paths := maps.Clone(f.before)
	maps.Copy(paths, f.after)
	maps.Copy(paths, now)
	for path := range paths {
		switch text, ok := now[path]; {
		case isState(path) || isDraft(path) || isCache(path):
		case isSame(text, ok, f.before, path), isSame(text, ok, f.after, path):
		default:
			return fmt.Errorf("%s has neither its old nor its new text: %q", path, text)
		}
	}
	return f.checkBases(now)
}

func isSame(text string, ok bool, in texts, path string) bool {
	was, had := in[path]
	return ok == had && text == was
}

// checkBases checks that each item in a last known state was there before, or that both
// sides have it. In these tests, it is in the final one, and both sides have all of it.
func (f *faulty) checkBases(now texts) error {
	for path, text := range now {
		if !isBase(path) || text == f.before[path] {
			continue
		}
		known := itemsOf(f.before[path])
		maps.Copy(known, itemsOf(f.after[path]))
		for item := range itemsOf(text) {
			if !known[item] {
				return fmt.Errorf("%s has an item that no side has: %s", path, item)
			}
		}
		for other, final := range f.after {
			if !isState(other) && !f.isWritten(now, other) && f.before[other] != final && sameItems(text, f.after[path]) {
				return fmt.Errorf("%s is ahead of %s", path, other)
			}
		}
	}
	return nil
}

func (f *faulty) isWritten(now texts, path string) bool {
	text, ok := now[path]
	return isSame(text, ok, f.after, path)
}

func itemsOf(base string) map[string]bool {
	var content struct{ Items []json.RawMessage }
	all := map[string]bool{}
	if json.Unmarshal([]byte(base), &content) == nil {
		for _, item := range content.Items {
			all[string(item)] = true
		}
	}
	return all
}

func sameItems(a, b string) bool { return maps.Equal(itemsOf(a), itemsOf(b)) }

// finished checks that the files are as after a run without faults.
func (f *faulty) finished() error {
	now := f.read()
	paths := maps.Clone(f.after)
	maps.Copy(paths, now)
	for path := range paths {
		text, ok := now[path]
		if isRun(path) {
			if err := finishedRun(text); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			continue
		}
		if !isSame(text, ok, f.after, path) {
			return fmt.Errorf("%s is not as after a run without a fault: %q, want %q", path, text, f.after[path])
		}
	}
	if f.also != nil {
		return f.also(f)
	}
	return nil
}

// finishedRun checks that a state of auto-capture says that nothing is left to do. Its times
// differ from run to run, and which run has committed.
func finishedRun(text string) error {
	var state struct {
		Journal  *json.RawMessage
		Problems []string
	}
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return err
	}
	if state.Journal != nil || len(state.Problems) > 0 {
		return fmt.Errorf("not finished: %s", text)
	}
	return nil
}

func isBase(path string) bool {
	return strings.Contains(path, "/state/bkt/base/") && filepath.Ext(path) == ".json"
}
func isRun(path string) bool { return strings.Contains(path, "/state/bkt/auto-capture/") }
func isDraft(path string) bool {
	return strings.HasPrefix(filepath.Base(path), ".bkt-tmp-") || strings.Contains(path, "/.bkt-tmp-")
}

// isState reports whether a file is one of bkt's own.
func isState(path string) bool { return isBase(path) || isRun(path) }

// unread are the folders whose files say nothing about the command.
var unread = []string{".test/bin", ".test/share", ".test/calls", "repo/.git"}

// installation matches the identity of an installation, which is another one each time.
var installation = regexp.MustCompile(`"installation": "[^"]*"`)

// read returns the files that the command may change. Caches do not matter.
func (f *faulty) read() texts {
	f.Helper()
	all, _ := f.readAll()
	maps.DeleteFunc(all, func(name, _ string) bool { return isCache(name) })
	for name, text := range all {
		if isBase(name) {
			all[name] = installation.ReplaceAllString(text, `"installation": ""`)
		}
	}
	return all
}

func isCache(name string) bool { return slices.Contains(strings.Split(name, "/"), ".cache") }

// readAll returns all files, and the names of all folders.
func (f *faulty) readAll() (files texts, folders map[string]bool) {
	f.Helper()
	files, folders = texts{}, map[string]bool{}
	err := fs.WalkDir(os.DirFS(f.work), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(unread, name) && d.IsDir():
			return fs.SkipDir
		case slices.Contains(unread, name):
		case d.IsDir():
			folders[name] = true
		case d.Type().IsRegular():
			text, err := os.ReadFile(filepath.Join(f.work, name))
			files[name] = string(text)
			return err
		}
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	return files, folders
}

// restore gives all files their first text. Folders stay, because they identify the
// installations in them; new ones go.
func (f *faulty) restore() {
	f.Helper()
	files, folders := f.readAll()
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		if !f.folders[name] {
			f.remove(name)
		}
	}
	for name := range files {
		if _, ok := f.first[name]; !ok {
			f.remove(name)
		}
	}
	for name, text := range f.first {
		if was, ok := files[name]; !ok || was != text {
			f.put(name, text)
		}
	}
	f.remove("repo/.git/hooks")
	f.git("update-ref", "HEAD", "refs/bkt-test/first")
	f.git("reset", "--quiet", "--mixed")
}

func (f *faulty) remove(name string) {
	f.Helper()
	if err := os.RemoveAll(filepath.Join(f.work, name)); err != nil {
		f.Fatal(err)
	}
}

// put writes a file below the folder.
func (f *faulty) put(name, text string) {
	f.Helper()
	path := filepath.Join(f.work, name)
	_ = os.Remove(path)
	f.write(path, text)
	if strings.Contains(name, "/state/") {
		if err := os.Chmod(path, 0o600); err != nil {
			f.Fatal(err)
		}
	}
}

// putAll writes the files of a txtar archive into the repository.
func (f *faulty) putAll(archive string) {
	f.Helper()
	for _, file := range txtar.Parse([]byte(archive)).Files {
		f.put(filepath.Join("repo", file.Name), string(file.Data))
	}
}

// commitAll commits all files of the repository.
func (f *faulty) commitAll() {
	f.Helper()
	f.git("add", "--all")
	f.git("commit", "--quiet", "--allow-empty", "--message=before")
	f.git("update-ref", "refs/bkt-test/first", "HEAD")
}
