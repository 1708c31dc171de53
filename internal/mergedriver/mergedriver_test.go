package mergedriver_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/mergedriver"
	"bkt/internal/plan"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// TestMerge checks what is in the place of our version after a merge, and what the user is
// told. Each case has base, ours and theirs.
func TestMerge(t *testing.T) {
	testkit.Need(t, "git")
	big := `{"settings": [], "x": "` + strings.Repeat("x", 17<<20) + `"}`
	tests := []struct {
		name, path         string
		base, ours, theirs string
		want               string // the merge; empty: ours
		err                string // its beginning
	}{
		{
			name: "items", path: "manifests/toolbox-packages.json",
			base: `{"packages": ["a"]}`, ours: `{"packages": ["a", "c"]}`, theirs: `{"packages": ["a", "b"]}`,
			want: "{\n  \"packages\": [\n    \"a\",\n    \"b\",\n    \"c\"\n  ]\n}",
		},
		{
			name: "in a folder", path: "my images/manifests/toolbox-packages.json",
			base: "{}\n", ours: `{"packages": ["c"]}` + "\n", theirs: `{"packages": ["b"]}` + "\n",
			want: "{\n  \"packages\": [\n    \"b\",\n    \"c\"\n  ]\n}\n",
		},
		{
			name: "both created it", path: "manifests/toolbox-packages.json",
			ours: `{"packages": ["c"]}` + "\n", theirs: `{"packages": ["b"]}` + "\n",
			want: "{\n  \"packages\": [\n    \"b\",\n    \"c\"\n  ]\n}\n",
		},
		{
			name: "what cannot be together", path: "manifests/toolbox-packages.json",
			base: "{}\n", ours: `{"packages": ["@x"]}` + "\n", theirs: `{"packages": [], "groups": ["x"]}` + "\n",
			want: "{\n  \"packages\": [\n    \"@x\"\n  ],\n  \"groups\": [\n    \"x\"\n  ]\n}\n",
			err:  "manifests/toolbox-packages.json: what both sides have added cannot be together\nmanifests/toolbox-packages.json:6:5: group \"x\" is in groups, and also in packages",
		},
		{
			name: "their side is no JSON", path: "manifests/toolbox-packages.json",
			base: "{}\n", ours: "{ }\n", theirs: "{}\n]\n",
			want: "<<<<<<< ours\n{ }\n=======\n{}\n]\n>>>>>>> theirs\n",
			err:  "manifests/toolbox-packages.json: merged line by line: their version of manifests/toolbox-packages.json:2:1: unexpected text",
		},
		{
			name: "our side is no object", path: "manifests/toolbox-packages.json",
			base: "1\n2\n3\n", ours: "[]\n2\n3\n", theirs: "1\n2\n4\n", want: "[]\n2\n4\n",
			err: "manifests/toolbox-packages.json: merged line by line: the version before ours and theirs of",
		},
		{
			name: "another file", path: "manifests/homebrew.json",
			base: "1\n2\n3\n", ours: "1\n2\n4\n", theirs: "0\n2\n3\n", want: "0\n2\n4\n",
		},
		{
			name: "another file in conflict", path: "manifests/homebrew.json",
			base: "1\n", ours: "2\n", theirs: "3\n", want: "<<<<<<< ours\n2\n=======\n3\n>>>>>>> theirs\n",
			err: "manifests/homebrew.json: merged line by line, with conflicts: it is not a manifest of bkt",
		},
		{
			name: "not text", path: "manifests/homebrew.json",
			base: "\x00", ours: "2\x00", theirs: "3", want: "<<<<<<< ours\n2\x00\n=======\n3\n>>>>>>> theirs\n",
			err: "manifests/homebrew.json: merged line by line, with conflicts: it is not a manifest of bkt\ngit: exit status 255: ",
		},
		{
			name: "too large", path: "manifests/gsettings.json",
			base: "{}\n", ours: "{}\n", theirs: big, want: big,
			err: "manifests/gsettings.json: merged line by line: ",
		},
		{
			name: "too large, and not text", path: "manifests/gsettings.json",
			base: "{}\n", ours: "{ }\n", theirs: "\x00" + big, want: "{ }\n",
			err: "manifests/gsettings.json: not merged: .merge_file_theirs: larger than 16 MB, the limit\ngit: exit status 255: ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := files(t, tt.base, tt.ours, tt.theirs)
			f.Path = tt.path
			p, err := mergedriver.Merge(t.Context(), f)
			if err == nil && tt.err != "" || err != nil && (tt.err == "" || !strings.HasPrefix(err.Error(), tt.err)) {
				t.Errorf("error %v", err)
			}
			if err := (host.Executor{}).Execute(t.Context(), p, nil); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, read(t, f, f.Ours)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if names, err := os.ReadDir(f.Folder); err != nil || len(names) != 3 {
				t.Errorf("left behind: %v, %v", names, err)
			}
		})
	}
}

// TestParts checks the parts of text fields that only a domain knows. The home of whoever
// merges does not matter.
func TestParts(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	tests := []struct {
		name, path         string
		base, ours, theirs string // of the field
		want               string
	}{
		{
			"elements of a setting", "manifests/gsettings.json",
			`"['a', 'b']"`, `"['a', 'b', '${HOME}/c']"`, `"['b', '/home/me/d']"`, `"['b', '/home/me/d', '${HOME}/c']"`,
		},
		{"another setting", "manifests/gsettings.json", `"1"`, `"2"`, `"3"`, ""},
		{
			"flags", "manifests/flatpak-overrides.json",
			`["--share=ipc"]`, `["--share=ipc", "--filesystem=${HOME}/x"]`, `["--share=network", "--share=ipc"]`,
			`["--share=ipc", "--filesystem=${HOME}/x", "--share=network"]`,
		},
		{
			"flags that contradict each other", "manifests/flatpak-overrides.json",
			`["--share=ipc"]`, `["--share=ipc", "--share=network"]`, `["--share=ipc", "--unshare=network"]`, "",
		},
	}
	around := map[string]string{
		"manifests/gsettings.json":         `{"settings": [{"schema": "org.example", "key": "k", "value": @}]}`,
		"manifests/flatpak-overrides.json": `{"overrides": [{"app": "global", "scope": "user", "flags": @}]}`,
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := func(field string) string { return strings.Replace(around[tt.path], "@", field, 1) }
			f := files(t, text(tt.base), text(tt.ours), text(tt.theirs))
			f.Path = tt.path
			p, err := mergedriver.Merge(t.Context(), f)
			if (err != nil) != (tt.want == "") {
				t.Fatal(err)
			}
			if err := (host.Executor{}).Execute(t.Context(), p, nil); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Fields(read(t, f, f.Ours)), " "); tt.want != "" && !strings.Contains(unspaced(got), unspaced(tt.want)) {
				t.Errorf("merged: %s", got)
			}
		})
	}
}

func unspaced(s string) string { return strings.ReplaceAll(s, " ", "") }

// TestUnwritable checks that a merge that cannot be written leaves our version, and says how
// to try again.
func TestUnwritable(t *testing.T) {
	f := files(t, "{}", `{"packages": ["a"]}`, `{"packages": ["b"]}`)
	f.Path = "my images/manifests/toolbox-packages.json"
	p, err := mergedriver.Merge(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(f.Folder, "full")
	p[0].Steps[0] = plan.Overwrite{Path: full, Text: []byte("x"), Within: []string{f.Folder}}
	if err := os.Mkdir(full, 0o755); err != nil { // no file can take its place
		t.Fatal(err)
	}
	err = f.Execute(t.Context(), p)
	if hints := strings.Join(hint.Of(err), "\n"); !strings.Contains(hints, `run "git checkout --merge -- 'my images/manifests/toolbox-packages.json'"`) {
		t.Errorf("%v: %s", err, hints)
	}
	if got := read(t, f, f.Ours); got != `{"packages": ["a"]}` {
		t.Errorf("overwritten: %s", got)
	}
}

// TestOutside checks that a link does not lead the merge to another file.
func TestOutside(t *testing.T) {
	other := filepath.Join(t.TempDir(), "secret")
	f := files(t, "{}", "{}", `{"packages": ["b"]}`)
	f.Path = "manifests/toolbox-packages.json"
	ours := filepath.Join(f.Folder, f.Ours)
	if err := errors.Join(os.WriteFile(other, []byte("{}"), 0o600), os.Remove(ours), os.Symlink(other, ours)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{f.Ours, other} {
		f.Ours = name
		if p, err := mergedriver.Merge(t.Context(), f); err == nil || len(p) > 0 {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

func files(t *testing.T, base, ours, theirs string) mergedriver.Files {
	t.Helper()
	f := mergedriver.Files{Folder: t.TempDir(), Base: ".merge_file_base", Ours: ".merge_file_ours", Theirs: ".merge_file_theirs"}
	for name, text := range map[string]string{f.Base: base, f.Ours: ours, f.Theirs: theirs} {
		if err := os.WriteFile(filepath.Join(f.Folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func read(t *testing.T, f mergedriver.Files, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.Folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
