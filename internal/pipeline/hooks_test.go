package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/hook"
	"bkt/internal/hook/rehearse"
	"bkt/internal/manifest"
	"bkt/internal/repo"

	"github.com/google/go-cmp/cmp"
)

func TestFindOldHome(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	tests := []struct {
		text   string
		old    rehearse.Old
		folder string
		err    string
	}{
		{"", rehearse.None, "", ""},
		{dir, rehearse.Home, dir, ""},
		{missing, rehearse.None, "", "--old-home: " + missing + ": no such file or directory"},
		{file, rehearse.None, "", "--old-home: " + file + " is not a folder"},
	}
	for _, tt := range tests {
		old, extra, err := HookOptions{OldHome: tt.text}.findOldHome()
		text := ""
		if err != nil {
			text = err.Error()
		}
		if old.From != tt.old || extra.Folder != tt.folder || (len(extra.Exclude) > 0) != (tt.folder != "") || text != tt.err {
			t.Errorf("%q: %q, %+v, %q", tt.text, old.From, extra, text)
		}
	}
	with := HookOptions{OldHome: dir}
	with.Network = buildkit.DefaultNetwork
	if old, _, err := with.findOldHome(); !old.Online || err != nil {
		t.Errorf("with a network: %+v, %v", old, err)
	}
	if old, _, err := (HookOptions{OldHome: "oci-layout://" + missing}).findOldHome(); old.From != rehearse.Image || err == nil {
		t.Errorf("an image that is missing: %q, %v", old.From, err)
	}
}

// A notes log has the notes.
type notes struct{ text bytes.Buffer }

func (n *notes) Warn(warnings []error)           { fmt.Fprintln(&n.text, warnings) }
func (n *notes) Note(format string, args ...any) { fmt.Fprintf(&n.text, format+"\n", args...) }
func (n *notes) Log() io.Writer                  { return io.Discard }

// containersText declares containers of four images.
const containersText = `{"containers": {
	"bootc-dev": {"image": "quay.io/me/dev", "init_hooks": ["a"], "pre_init_hooks": ["b"]},
	"empty": {"image": "quay.io/me/empty"},
	"local": {"image": "localhost/x", "init_hooks": ["c"]},
	"other": {"image": "docker.io/library/debian:latest", "init_hooks": ["d"]},
	"same": {"image": "docker://debian", "init_hooks": ["e"], "hosts": ["elsewhere"]},
	"saved": {"image": "oci:/srv/x", "pre_init_hooks": ["f"]},
	"twin": {"image": "quay.io/me/dev:latest", "init_hooks": ["g"]}}}`

func readHooks(t *testing.T, text string, containers ...string) (hook.Manifest, []*hook.Declared) {
	t.Helper()
	m, err := hook.Read(fstest.MapFS{manifest.DistroboxPath: {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	hooks, err := m.Hooks(containers...)
	if err != nil {
		t.Fatal(err)
	}
	return m, hooks
}

// newRepository returns a repository with files and with containers.
func newRepository(t *testing.T, files map[string]string) repo.Repo {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return repo.Repo{Root: dir}
}

// TestPrepare checks in which image each hook runs.
func TestPrepare(t *testing.T) {
	toolbox := map[string]string{"toolbox/Containerfile": "FROM example.org/base:1\n"}
	tests := []struct {
		name       string
		files      map[string]string
		containers []string
		want       []string
	}{
		{"all", toolbox, nil, []string{
			"toolbox: b a g", "localhost/x: c (not read)", "docker.io/library/debian:latest: d e", "oci:/srv/x: f (not read)",
		}},
		{"some", toolbox, []string{"same", "empty", "twin"}, []string{"docker://debian: e", "toolbox: g"}},
		{"without a toolbox", nil, []string{"bootc-dev", "twin"}, []string{"quay.io/me/dev: b a g"}},
		{"with a name", map[string]string{"toolbox/Containerfile": "FROM x", manifest.ImagePath: `{"toolbox": {"name": "debian"}}`},
			[]string{"other", "same"}, []string{"toolbox: d e"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, hooks := readHooks(t, containersText, tt.containers...)
			h := rehearsal{log: &notes{}, repo: newRepository(t, tt.files)}
			if err := h.prepare(m, hooks); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range h.images {
				got = append(got, describe(i))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func describe(i hookImage) string {
	text := i.name + ":"
	if i.name == "" {
		text = "toolbox:"
	}
	for _, h := range slices.Concat(i.hooks...) {
		text += " " + h.Run
	}
	if i.unread != "" {
		text += " (not read)"
	}
	return text
}

// TestEarlierImage checks which hooks run in the home that an earlier image makes.
func TestEarlierImage(t *testing.T) {
	tests := []struct {
		containers []string
		want       string // the images with an old home
		notes, err string
	}{
		{[]string{"bootc-dev", "other"}, "toolbox", "the hooks of other run without the old home: oci-layout://old is an earlier toolbox image\n", ""},
		{[]string{"other", "same"}, "docker.io/library/debian:latest", "", ""},
		{[]string{"other", "local"}, "", "", "--old-home oci-layout://old: it is an earlier image, but the hooks run in 2 images"},
	}
	for _, tt := range tests {
		m, hooks := readHooks(t, containersText, tt.containers...)
		log := &notes{}
		h := rehearsal{HookOptions: HookOptions{OldHome: "oci-layout://old"}, log: log, images: byImage(m.Images(), []string{"bootc-dev"}, hooks)}
		h.old.From = rehearse.Image
		err := h.chooseOld()
		var got []string
		for _, i := range h.images {
			if i.hasOld {
				got = append(got, strings.Split(describe(i), ": ")[0])
			}
		}
		if strings.Join(got, " ") != tt.want || log.text.String() != tt.notes || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%q: %q, %s, %v", tt.containers, got, log.text.String(), err)
		}
	}
}

// TestContexts checks that --build-context can name the image of any container, and what the
// toolbox reads.
func TestContexts(t *testing.T) {
	m, hooks := readHooks(t, containersText, "bootc-dev")
	r := newRepository(t, map[string]string{"toolbox/Containerfile": "FROM example.org/base:1\n"})
	folder := t.TempDir()
	for name, want := range map[string]string{
		"example.org/base:1": "", "debian": "", "docker.io/library/debian:latest": "", "localhost/x": "", "quay.io/me/empty": "",
		"example.org/bass:1": "it reads example.org/base:1, debian, localhost/x, quay.io/me/dev, quay.io/me/empty",
	} {
		h := rehearsal{log: &notes{}, repo: r}
		h.BuildContext = []string{name + "=" + folder}
		err := h.prepare(m, hooks)
		if hints := strings.Join(hint.Of(err), "\n"); hints != want || (err == nil) != (want == "") {
			t.Errorf("%s: %v, %s", name, err, hints)
		}
	}
}

// TestNotRun checks the findings of hooks whose image cannot be had.
func TestNotRun(t *testing.T) {
	_, hooks := readHooks(t, containersText, "same", "bootc-dev")
	own, toolbox := hookImage{name: "docker://debian", hooks: [][]*hook.Declared{hooks[:1]}}, hookImage{hooks: [][]*hook.Declared{hooks[1:]}}
	asked := &buildspec.StepError{File: "Containerfile", Line: 1, Err: errors.New("debian: not there")}
	refused := hint.Add(errors.New("the policy refuses it"), "sign it")
	const instead = "read it from a folder with --build-context docker://debian=oci-layout://DIR"
	tests := []struct {
		name   string
		image  hookImage
		err    error
		want   []string // messages
		hints  []string
		failed bool
	}{
		{"no such image", own, asked, []string{"not run: the image docker://debian cannot be read: debian: not there"}, []string{instead}, false},
		{"with a hint", own, hint.Add(asked, "or with --build-context NAME=oci-layout://DIR"),
			[]string{"not run: the image docker://debian cannot be read: debian: not there"}, []string{"or with --build-context docker://debian=oci-layout://DIR"}, false},
		{"refused", own, refused, []string{"not run: the image docker://debian cannot be read: the policy refuses it"}, []string{"sign it", instead}, false},
		{"the toolbox", toolbox, asked, []string{"not run: the toolbox image cannot be built", "not run: the toolbox image cannot be built"}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := rehearsal{}.without(tt.image, tt.err)
			var messages []string
			for _, f := range got.Found {
				messages = append(messages, f.Message)
			}
			if diff := cmp.Diff(tt.want, messages); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.hints, got.Found[0].Fix); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
			if (got.Failed != nil) != tt.failed || got.NotRun() != len(tt.want) {
				t.Errorf("%v, %d", got.Failed, got.NotRun())
			}
		})
	}
}
