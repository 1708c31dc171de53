package host_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/host"
	"bkt/internal/plan"

	"github.com/google/go-cmp/cmp"
)

// edited returns the text that is written by an edit that adds x to the list on and removes it
// from off, or the other way round.
func edited(t *testing.T, e plan.EditLists, on, off string) (string, error) {
	t.Helper()
	return host.EditedLists(e, "s.other on ['z']\ns a 'b'\ns on "+on+"\ns off "+off+"\n")
}

func switching(add, remove string) plan.EditLists {
	list := func(key, add, remove string) plan.ListEdit {
		return plan.ListEdit{Key: key, Add: strings.Fields(add), Remove: strings.Fields(remove)}
	}
	return plan.EditLists{Schema: "s", Folder: "/s/", Lists: []plan.ListEdit{list("on", add, remove), list("off", remove, add)}}
}

func TestEditListsKeepsOtherElements(t *testing.T) {
	forget := switching("", "x")
	forget.Lists[1].Add, forget.Lists[1].Remove = nil, []string{"x"}
	tests := []struct {
		name, on, off string
		edit          plan.EditLists
		want          string
	}{
		{"added", "['a', 'b']", "@as []", switching("x", ""), "[/]\non=['a', 'b', 'x']\n"},
		{"added again", "['x', 'b']", "['c']", switching("x", ""), ""},
		{"added, and removed from the other list", "['b']", "['x', 'c']", switching("x", ""), "[/]\non=['b', 'x']\noff=['c']\n"},
		{"removed", "['x', 'b']", "['c']", switching("", "x"), "[/]\non=['b']\noff=['c', 'x']\n"},
		{"removed, and twice in the list", "['x', 'b', 'x']", "['x']", switching("", "x"), "[/]\non=['b']\n"},
		{"removed from both", "['x']", "['x', 'c']", forget, "[/]\non=@as []\noff=['c']\n"},
		{"removed from both, and in none", "['b']", "['c']", forget, ""},
		{"odd names", `["it's", 'a\\b', 'ü', '"']`, "@as []", switching("x", ""), "[/]\non=[\"it's\", 'a\\\\b', 'ü', '\"', 'x']\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := edited(t, tt.edit, tt.on, tt.off)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestEditListsSkipsMissingPaths has an element whose path does not exist, and
// then does.
func TestEditListsSkipsMissingPaths(t *testing.T) {
	e := switching("x", "y")
	e.Needs = map[string]string{"x": t.TempDir() + "/x", "y": "/none"}
	if text, err := edited(t, e, "['a', 'y']", "@as []"); err != nil || text != "" {
		t.Errorf("%s, %v", text, err)
	}
	put(t, e.Needs["x"], "", 0o600)
	if text, err := edited(t, e, "['a', 'y']", "@as []"); err != nil || text != "[/]\non=['a', 'y', 'x']\n" {
		t.Errorf("%s, %v", text, err)
	}
}

func TestEditListsNeedsTheKey(t *testing.T) {
	for printed, want := range map[string]string{
		"":                   "gsettings does not print on of s",
		"s.on on ['a']\n":    "gsettings does not print on of s",
		"s on 1\n":           "gsettings: on: ",
		"s on ['a']\n":       "gsettings does not print off of s",
		"s on @as []\ns off": "gsettings does not print off of s",
	} {
		if _, err := host.EditedLists(switching("x", ""), printed); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", printed, err)
		}
	}
	e := switching("x", "")
	e.Lists[1].Optional = true
	if text, err := host.EditedLists(e, "s on @as []\n"); err != nil || text != "[/]\non=['x']\n" {
		t.Errorf("%s, %v", text, err)
	}
}

// TestEditListsRuns has programs that print and read settings. Without a change, nothing is
// written.
func TestEditListsRuns(t *testing.T) {
	tests := []struct{ name, gsettings, dconf, written, err string }{
		{"changed", "echo \"$2 on ['a']\"; echo \"$2 off @as []\"", "cat", "[/]\non=['a', 'x']\n", ""},
		{"the same", "echo \"$2 on ['x']\"; echo \"$2 off @as []\"", "cat", "", ""},
		{"not to be edited", "echo odd", "cat", "", "x: gsettings does not print on of s"},
		{"reading fails", "exit 1", "cat", "", "x: gsettings: exit status 1"},
		{"writing fails", "echo \"$2 on ['a']\"; echo \"$2 off @as []\"", "false", "", "x: dconf: exit status 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir+"/bin/gsettings", "#!/bin/sh\n"+tt.gsettings+"\n", 0o755)
			put(t, dir+"/bin/dconf", "#!/bin/sh\ntest \"$*\" = 'load /s/' || exit 3\n"+tt.dconf+" >'"+dir+"/out'\n", 0o755)
			t.Setenv("PATH", dir+"/bin:"+os.Getenv("PATH"))
			err := carryOut(t, switching("x", ""))
			if err == nil && tt.err != "" || err != nil && err.Error() != tt.err {
				t.Errorf("error is %v, not %s", err, tt.err)
			}
			got, _ := os.ReadFile(dir + "/out")
			if string(got) != tt.written {
				t.Errorf("wrote %q", got)
			}
		})
	}
}

// FuzzEditLists checks that other elements stay in a list, and that a second execution of an
// edit changes nothing.
func FuzzEditLists(f *testing.F) {
	f.Add("['a', 'b']")
	f.Add(`["it's", '\n\t\u00ad\U0001f600']`)
	f.Fuzz(func(t *testing.T, list string) {
		if strings.ContainsAny(list, "\n") {
			return
		}
		add, remove := switching("x@test", ""), switching("", "x@test")
		add.Lists, remove.Lists = add.Lists[:1], remove.Lists[:1]
		value := func(text string) string {
			_, written, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "=")
			return written
		}
		once, err := edited(t, add, list, "@as []")
		if err != nil || once == "" {
			return
		}
		if twice, err := edited(t, add, value(once), "@as []"); err != nil || twice != "" {
			t.Errorf("%s: %s: %s, %v", list, once, twice, err)
		}
		back, err := edited(t, remove, value(once), "@as []")
		if err != nil || back == "" {
			t.Fatalf("%s: %s, %v", value(once), back, err)
		}
		if again, err := edited(t, remove, value(back), "@as []"); err != nil || again != "" {
			t.Errorf("%s: %s: %s, %v", list, back, again, err)
		}
	})
}

func TestEditKeyFile(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/x", "[a]\nB=1\n\n[gone]\nc=2\n\n[gone.too]\nd=3\n", 0o600)
	e := plan.EditKeyFile{Remove: []string{"gone", "gone.too", "none"}, Set: []plan.KeyValue{{Group: "a", Key: "b", Value: "%%"}, {Group: "new", Key: "e", Value: "5"}}, LowerKeys: true}
	for range 2 {
		for _, name := range []string{"x", "none"} {
			e.Path = dir + "/" + name
			if err := carryOut(t, e); err != nil {
				t.Fatal(err)
			}
		}
	}
	want(t, dir, map[string]string{"x": "[a]\nb=%%\n\n[new]\ne=5\n"})
	if mode := stat(t, dir+"/x").Mode(); mode != 0o600 {
		t.Errorf("mode %v", mode)
	}
	put(t, dir+"/x", "odd", 0o600)
	if err := carryOut(t, plan.EditKeyFile{Path: dir + "/x"}); err == nil || !strings.Contains(err.Error(), dir+"/x: line 1 is neither") {
		t.Error(err)
	}
}

// FuzzEditKeyFile checks that an edit can be read again, and that executing it again
// changes nothing.
func FuzzEditKeyFile(f *testing.F) {
	f.Add([]byte("[a]\nB = c\n\n[app.x]\nname=%%\n"), "name")
	f.Add([]byte(""), "")
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		if strings.ContainsAny(value, "\r\n") || strings.TrimSpace(value) != value {
			return
		}
		path := t.TempDir() + "/x"
		put(t, path, string(text), 0o600)
		e := plan.EditKeyFile{Path: path, LowerKeys: true, Set: []plan.KeyValue{{Group: "app.x", Key: "name", Value: value}}}
		var texts []string
		for range 2 {
			if err := (host.Executor{}).Execute(context.Background(), plan.Plan{{Steps: []plan.Step{e}}}, nil); err != nil {
				return
			}
			got, _ := os.ReadFile(path)
			texts = append(texts, string(got))
		}
		if texts[0] != texts[1] || !slices.Contains(strings.Split(texts[0], "\n"), "name="+value) {
			t.Errorf("%q, then %q", texts[0], texts[1])
		}
	})
}

func TestExpectations(t *testing.T) {
	const text = `{"uuid": "a@b", "version": 7, "text": "7", "shell": ["3.38", "43.beta", 44], "odd": null}`
	folder := fstest.MapFS{"m.json": {Data: []byte(text)}, "broken.json": {Data: []byte("{")}, "list.json": {Data: []byte("[]")}}
	for _, tt := range []struct {
		e    plan.Expectation
		want string
	}{
		{plan.Expectation{Field: "uuid", Value: "a@b"}, ""},
		{plan.Expectation{Field: "uuid", Value: "a"}, `is "a@b"`},
		{plan.Expectation{Field: "version", Value: uint(7)}, ""},
		{plan.Expectation{Field: "version", Value: uint(5)}, `is "7"`},
		{plan.Expectation{Field: "text", Value: uint(7)}, `is "7"`},
		{plan.Expectation{Field: "version", Value: "7"}, `is "7"`},
		{plan.Expectation{Field: "shell", Value: "43", Release: true}, ""},
		{plan.Expectation{Field: "shell", Value: "43"}, `is "3.38, 43.beta, 44"`},
		{plan.Expectation{Field: "shell", Value: "3", Release: true}, ""},
		{plan.Expectation{Field: "shell", Value: "4", Release: true}, `is "3.38, 43.beta, 44"`},
		{plan.Expectation{Field: "odd", Value: "x"}, `is "none"`},
		{plan.Expectation{Field: "other", Value: "x"}, `is "none"`},
		{plan.Expectation{File: "none.json", Field: "x"}, "none.json: file does not exist"},
		{plan.Expectation{File: "broken.json", Field: "x"}, "broken.json: unexpected EOF"},
		{plan.Expectation{File: "list.json", Field: "x"}, "list.json: json: cannot unmarshal array"},
	} {
		if tt.e.File == "" {
			tt.e.File = "m.json"
		}
		tt.e.Wrong = "is %q"
		err := host.Meets(folder, tt.e)
		if got := errors.Join(err); tt.want == "" && got != nil || tt.want != "" && (got == nil || !strings.HasPrefix(got.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt.e, got)
		}
	}
}
