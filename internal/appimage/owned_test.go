package appimage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/keyfile"
	"bkt/internal/plan"

	"github.com/google/go-cmp/cmp"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDesktopEntriesOfOthersStay checks that a desktop entry is removed with its app if bkt
// wrote it, and that other entries are neither removed nor replaced.
func TestDesktopEntriesOfOthersStay(t *testing.T) {
	shown := keyfile.File{{Name: desktopGroup, Entries: []keyfile.Entry{{Key: "Name", Value: "Demo"}, {Key: "Exec", Value: "demo"}}}}
	dir := t.TempDir()
	d := Domain{Folders: []string{dir + "/apps"}, Data: dir, Records: dir + "/records"}
	at, entry := dir+"/apps/demo.AppImage", d.entryOf("demo")
	tests := []struct {
		name, text string
		removed    bool // it goes with the app
		replaced   bool // an update writes it
		hidden     bool // an update to an app that wants none deletes it
		fails      bool // an update is refused
	}{
		{"none", "", false, true, false, false},
		{"of bkt", "[Desktop Entry]\nTryExec=" + at + "\nX-Bkt-AppImage=demo\n", true, true, true, false},
		{"of bkt, edited", "[Desktop Entry]\nExec=other\nX-Bkt-AppImage=demo\n", true, true, true, false},
		{"of the user", "[Desktop Entry]\nExec=" + at + " --mine\nTryExec=" + at + "\n", false, false, false, false},
		{"of another app", "[Desktop Entry]\nExec=demo\n", false, false, false, true},
		{"of another app of bkt's", "[Desktop Entry]\nTryExec=/x\nX-Bkt-AppImage=demo2\n", false, false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			os.Remove(entry)
			if tt.text != "" {
				put(t, entry, tt.text)
			}
			now, err := d.readEntry("demo", at)
			if err != nil {
				t.Fatal(err)
			}
			s := snapshot{Domain: d, files: map[string]*file{"demo": {path: at}}, entries: map[string]desktopFile{"demo": now}}
			if got := deletes(s.remove("demo"), entry); got != tt.removed {
				t.Errorf("goes with the app: %v", got)
			}
			f := finish{s, app{Name: "demo"}, at, nil}
			steps, err := f.integrate(image{entry: shown}, plan.Source{})
			if got := writes(steps, entry); got != tt.replaced || (err != nil) != tt.fails {
				t.Errorf("an update writes it: %v, %v", got, err)
			}
			if steps, err = f.integrate(image{}, plan.Source{}); err != nil || deletes(steps, entry) != tt.hidden {
				t.Errorf("an update without an entry: %v, %v", steps, err)
			}
		})
	}
}

func deletes(steps []plan.Step, path string) bool {
	for _, s := range steps {
		if d, ok := s.(plan.Delete); ok && d.Path == path {
			return true
		}
	}
	return false
}

func writes(steps []plan.Step, path string) bool {
	for _, s := range steps {
		if p, ok := s.(plan.Overwrite); ok && p.Path == path {
			return true
		}
	}
	return false
}

// TestDamagedRecords checks that an unreadable record is an error, because its app would
// have another name without it, and that other files are ignored.
func TestDamagedRecords(t *testing.T) {
	dir := t.TempDir()
	d := Domain{Records: dir}
	if all, err := (Domain{Records: dir + "/none"}).records(); err != nil || len(all) != 0 {
		t.Errorf("without a folder: %v, %v", all, err)
	}
	put(t, dir+"/demo.json", `{"name": "demo", "path": "/x"}`)
	put(t, dir+"/.bkt-tmp-0", "half")
	put(t, dir+"/copy.json", `{"name": "demo", "path": "/y"}`)
	all, err := d.records()
	if diff := cmp.Diff(map[string]record{"/x": {Name: "demo", Path: "/x"}}, all); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	put(t, dir+"/demo.json", `{"name": "de`)
	if _, err := d.records(); err == nil || !strings.Contains(err.Error(), dir+"/demo.json is damaged: ") {
		t.Errorf("error %v", err)
	}
}
