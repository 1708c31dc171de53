package homepath_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/homepath"
)

func TestEncode(t *testing.T) {
	const h = "/home/u"
	tests := []struct{ text, want string }{ // "": unchanged
		{h, "${HOME}"}, {h + "/", "${HOME}/"}, {"file://" + h + "/a.png", "file://${HOME}/a.png"},
		{"run " + h + "/x:" + h, "run ${HOME}/x:${HOME}"}, {"--env=P=/bin:" + h + "/bin", "--env=P=/bin:${HOME}/bin"},
		{"--filesystem=" + h + ":ro", "--filesystem=${HOME}:ro"}, {`sh -c "cd ` + h + `; x"`, `sh -c "cd ${HOME}; x"`},
		{h + "2/a", ""}, {"/mnt" + h, ""}, {h + ".old", ""}, {"//" + h, ""}, {"x" + h, ""}, {"", ""}, {"~/x", ""}, {"$HOME/x", ""},
		{h + "/" + h, "${HOME}/" + h}, {h + h, "${HOME}" + h}, {h + h + h, "${HOME}" + h + h}, {h + "  " + h, "${HOME}  ${HOME}"},
		{"${HOME}", "${$HOME}"}, {"cd ${HOME}; x", "cd ${$HOME}; x"}, {"${$HOME}", "${$$HOME}"}, {"${$$$HOME}", "${$$$$HOME}"},
		{"${HOME}" + h, "${$HOME}" + h}, {h + "${HOME}", "${HOME}${$HOME}"}, {"$" + h, "$${HOME}"}, {"${" + h, "${${HOME}"}, {"${$" + h, "${$${HOME}"},
		{"${${HOME}", "${${$HOME}"}, {"${HOME", ""}, {"${HOMES}", ""}, {"${HOME:-x}", ""}, {"${ $HOME}", ""}, {"$HOME}", ""}, {"${", ""}, {"${$", ""},
	}
	for _, tt := range tests {
		if tt.want == "" {
			tt.want = tt.text
		}
		if got := homepath.Encode(tt.text, h); got != tt.want {
			t.Errorf("%q is written as %q, not %q", tt.text, got, tt.want)
		}
		if got := homepath.Decode(tt.want, h); got != tt.text {
			t.Errorf("%q is read as %q, not %q", tt.want, got, tt.text)
		}
	}
}

// TestDecodeReadsOlderManifests has what an earlier bkt wrote: each ${HOME} is the home.
func TestDecodeReadsOlderManifests(t *testing.T) {
	for _, text := range []string{"${HOME}", "a${HOME}b", "${HOME}${HOME}", "$${HOME}", "${${HOME}}", "${HOME}/$HOME/$(x)/${X}/$$"} {
		if got, want := homepath.Decode(text, "/home/u"), strings.ReplaceAll(text, "${HOME}", "/home/u"); got != want {
			t.Errorf("%q is read as %q, not %q", text, got, want)
		}
	}
}

// TestHomesThatNoTextHas has homes that would be the start of any path.
func TestHomesThatNoTextHas(t *testing.T) {
	for _, home := range []string{"", "/", "//", "home/u", "."} {
		if got := homepath.Encode("/home/u ${HOME}", home); got != "/home/u ${$HOME}" {
			t.Errorf("with the home %q: %q", home, got)
		}
	}
	if got := homepath.Encode("/home/u/x", "/home/u/"); got != "${HOME}/x" || homepath.Decode(got, "/home/u/") != "/home/u/x" {
		t.Errorf("with a slash at the end of the home: %q", got)
	}
}

func FuzzEncode(f *testing.F) {
	for _, text := range []string{"/home/u", "${HOME}/home/u", "${$HOME}", "a${${HOME}", "/x${HOME}", "/home/u/home/u", "${$/home/u$HOME}"} {
		f.Add(text, "/home/u")
		f.Add(text, "/x$")
		f.Add(text, "/${HOME}")
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, home string) {
		written := homepath.Encode(text, home)
		if got := homepath.Decode(written, home); got != text {
			t.Errorf("with the home %q, %q is written as %q, which means %q", home, text, written, got)
		}
		if again := homepath.Encode(homepath.Decode(written, home), home); again != written {
			t.Errorf("with the home %q, %q is written as %q and then as %q", home, text, written, again)
		}
	})
}

// tree makes folders and links, and returns their folder.
func tree(t *testing.T, folders []string, links map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range folders {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		if err := os.Symlink(strings.ReplaceAll(target, "ROOT", root), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestUsual(t *testing.T) {
	root := tree(t, []string{"var/home/u/data", "var/home/u2", "mnt/x"}, map[string]string{
		"home": "var/home", "var/home/other": "u", "var/home/a b": "ROOT/home/u", "up": "../" + "..", "loop": "loop",
		"mnt/x/link": "../../var/home/u", "absolute": "ROOT/var", "usr": "mnt",
	})
	tests := []struct{ text, want string }{ // ROOT stands for root, HOME for the home; "": unchanged
		{"ROOT/var/home/u", "HOME"}, {"ROOT/home/u/x", "HOME/x"}, {"file://ROOT/var/home/u/w.jpg", "file://HOME/w.jpg"},
		{"ROOT/var/home/other/x:ROOT/home/u:ROOT/var/home/u/y", "HOME/x:HOME:HOME/y"}, {"ROOT/home/a b/x", "HOME/x"},
		{"cd ROOT/absolute/home/u; x", "cd HOME; x"}, {"--filesystem=ROOT/home/other:ro", "--filesystem=HOME:ro"},
		{"ROOT/var/home/u2", ""}, {"ROOT/home/u2/x", ""}, {"ROOT/var/home", ""}, {"ROOT/var", ""}, {"ROOT/home", ""}, {"ROOT/loop/x", ""}, {"ROOT/up/x", ""},
		{"xROOT/home/u", ""}, {"ROOT/home/none", ""}, {"ROOT/mnt/x/link/a", ""}, // no link above the home
		{"/", ""}, {"//", ""}, {"", ""}, {"a/b", ""}, {"http://example.org/home/u", ""},
	}
	for _, home := range []string{root + "/home/u", root + "/var/home/u", root + "/home/other"} {
		names := homepath.Of(home)
		fill := strings.NewReplacer("ROOT", root, "HOME", home).Replace
		for _, tt := range tests {
			if tt.want == "" {
				tt.want = tt.text
			}
			if got := names.Usual(fill(tt.text)); got != fill(tt.want) {
				t.Errorf("home %s: %s is %s, not %s", home, fill(tt.text), got, fill(tt.want))
			}
		}
	}
	missing := homepath.Of(root + "/none")
	if got := missing.Usual(root + "/var/home/u"); got != root+"/var/home/u" {
		t.Errorf("a home that does not exist is %s", got)
	}
}
