package appimage

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"bkt/internal/keyfile"

	"github.com/google/go-cmp/cmp"
)

// TestLaunch checks what is found in the command of a desktop entry in addition to the
// command of the image, and the command that it makes with the next image.
func TestLaunch(t *testing.T) {
	type env = map[string]string
	for _, tt := range []struct {
		line, own string
		want      launch
		next      string // with the image's command "new --x %U"
	}{
		{"/a/x", "demo", launch{}, "/a/x --x %U"},
		{"/a/x %U", "demo %U", launch{}, "/a/x --x %U"},
		{"/a/x %U --no-sandbox", "demo %U", launch{args: []string{"--no-sandbox"}}, "/a/x --no-sandbox --x %U"},
		{"env GDK_BACKEND=x11 /a/x --a --b %U", "AppRun --a %U", launch{env{"GDK_BACKEND": "x11"}, []string{"--b"}}, "env GDK_BACKEND=x11 /a/x --b --x %U"},
		{`/usr/bin/env "A=b c" B= /a/x`, "demo", launch{env: env{"A": "b c", "B": ""}}, `env "A=b c" B= /a/x --x %U`},
		{`/a/x --share=50%% "a b"`, "demo", launch{args: []string{"--share=50%", "a b"}}, `/a/x --share=50%% "a b" --x %U`},
		{"/a/x --a --a", "demo --a", launch{args: []string{"--a"}}, "/a/x --a --x %U"},
	} {
		got, err := launchFrom(tt.line, tt.own, "/a/x")
		if err != nil || !got.equal(tt.want) {
			t.Errorf("%s: %v, %v", tt.line, got, err)
		}
		if next := got.command("/a/x", "new --x %U"); next != tt.next {
			t.Errorf("%s: next %s", tt.line, next)
		}
	}
}

// TestOtherCommand checks commands that a manifest cannot express.
func TestOtherCommand(t *testing.T) {
	for line, own := range map[string]string{
		"firejail /a/x":             "demo",
		"sh -c '/a/x'":              "demo",
		"/b/x":                      "demo",
		"":                          "demo",
		"env A=b":                   "demo",
		"env -u A /a/x":             "demo",
		"/a/x":                      "demo %U", // the user has removed the files
		"/a/x --file=%f":            "demo",
		"/a/x --title --name demo%": "demo --name other",
	} {
		if got, err := launchFrom(line, own, "/a/x"); !errors.Is(err, errOtherCommand) {
			t.Errorf("%s: %v, %v", line, got, err)
		}
	}
}

// FuzzLaunch checks that what was added to a command is found in it again.
func FuzzLaunch(f *testing.F) {
	f.Add("demo %U", "A", "b c", "--no-sandbox\n50%")
	f.Add(`env X=1 demo "a b" --x`, "GTK", `"$x\`, "%%U\n\n'")
	f.Fuzz(func(t *testing.T, own, name, value, args string) {
		if strings.ContainsAny(own+name+value, "\n\t") || strings.ContainsAny(name, "= \"\\%") || name == "" {
			return
		}
		l := launch{env: map[string]string{name: value}, args: strings.Split(args, "\n")}
		entry, main := keyfile.File{}.Open(desktopGroup)
		entry[main].Set("Exec", keyfile.Escape(l.command("/a/x", own)))
		got, err := launchFrom(entry.Get(desktopGroup, "Exec"), own, "/a/x")
		slices.Sort(got.args)
		slices.Sort(l.args)
		if diff := cmp.Diff(l.args, got.args); err != nil || diff != "" || got.env[name] != value {
			t.Errorf("%v: %v: %q", err, got, l.command("/a/x", own))
		}
	})
}
