package appimage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/host"
	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/plan"

	"github.com/google/go-cmp/cmp"
)

func TestUpdateInformation(t *testing.T) {
	tests := []struct {
		info string
		want app
		ok   bool
	}{
		{"", app{}, false},
		{"zsync|https://a/x.AppImage.zsync", app{URL: "https://a/x.AppImage.zsync"}, true},
		{"zsync|https://a/x.AppImage.zsync?a=b", app{URL: "https://a/x.AppImage.zsync?a=b"}, true},
		{"zsync|https://a/x.AppImage", app{}, false},
		{"gh-releases-zsync|o|r|latest|x-*.AppImage.zsync", app{Repo: "o/r", Asset: "x-*.AppImage"}, true},
		{"gh-releases-zsync|o|r|latest-pre|x.zsync", app{Repo: "o/r", Asset: "x", Prereleases: true}, true},
		{"gh-releases-zsync|o|r|latest-all|x.zsync", app{Repo: "o/r", Asset: "x", Prereleases: true}, true},
		{"gh-releases-zsync|o|r|continuous|x.zsync", app{Repo: "o/r", Asset: "x", Version: "continuous"}, true},
		{"gh-releases-zsync|o|r|latest", app{}, false},
		{"pling-v1-zsync|1|x", app{}, false},
		{"bintray-zsync|a|b|c|d", app{}, false},
	}
	for _, tt := range tests {
		got, ok := updates(tt.info)
		if diff := cmp.Diff(tt.want, got); diff != "" || ok != tt.ok {
			t.Errorf("%s: %v (-want +got):\n%s", tt.info, ok, diff)
		}
	}
}

func TestPlainName(t *testing.T) {
	for stem, want := range map[string]string{
		"Foo":                    "Foo",
		"Foo-1.2.3-x86_64":       "Foo",
		"Foo-v2-amd64":           "Foo",
		"Foo_2024.1_aarch64":     "Foo",
		"Foo-x86_64-1.0":         "Foo",
		"Foo 3":                  "Foo",
		"foo-bar":                "foo-bar",
		"foo-bar-1":              "foo-bar",
		"2048":                   "2048",
		"Foo-1.2.3-linux-x86_64": "Foo-1.2.3-linux",
	} {
		if got := plainName(stem); got != want {
			t.Errorf("%s: %s, not %s", stem, got, want)
		}
	}
}

const zsyncHead = "zsync: 0.6.2\nFilename: x\nMTime: y\nBlocksize: 2048\nLength: 7\nHash-Lengths: 2,2,5\nURL: x.AppImage\nSHA-1: DA39a3ee5e6b4b0d3255bfef95601890afd80709\n\n\x00\xff"

func TestZsync(t *testing.T) {
	want := zsyncHeader{"x.AppImage", "da39a3ee5e6b4b0d3255bfef95601890afd80709", 7}
	got, err := parseZsync([]byte(zsyncHead))
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, tt := range []struct{ old, new, err string }{
		{"zsync:", "sync:", "is not a .zsync file"},
		{"\n\n", "\n", "is not a .zsync file"},
		{"Filename: x", strings.Repeat("x", maxZsyncHeader), "is not a .zsync file"},
		{"URL: ", "Url: ", "has no URL"},
		{"SHA-1: DA", "SHA-1: ", "has no SHA-1"},
		{"SHA-1: DA", "SHA-1: ..", "has no SHA-1"},
		{"Length: 7", "Length: -7", "has no length"},
	} {
		if _, err := parseZsync([]byte(strings.Replace(zsyncHead, tt.old, tt.new, 1))); err == nil || err.Error() != tt.err {
			t.Errorf("%s: %v", tt.new, err)
		}
	}
}

// TestZsyncFile reads a file that zsyncmake 0.6.2 wrote.
func TestZsyncFile(t *testing.T) {
	text, err := os.ReadFile("testdata/zsyncmake-0.6.2.zsync")
	if err != nil {
		t.Fatal(err)
	}
	want := zsyncHeader{"https://example.org/Demo.AppImage", "dfe3aff1ed7bf5b99f1064e15f2554a918a7a7e1", 12}
	if got, err := parseZsync(text); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzZsync(f *testing.F) {
	f.Add([]byte(zsyncHead))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := parseZsync(text)
		if err == nil && (len(h.sha1) != 40 || h.length <= 0 || h.url == "") {
			t.Errorf("%+v", h)
		}
	})
}

func TestPickAsset(t *testing.T) {
	tests := []struct {
		name, glob, arch string
		files            []string
		want             string // or the start of an error
	}{
		{"the only one", "", "amd64", []string{"x.AppImage", "x.AppImage.zsync", "x.tar.gz"}, "x.AppImage"},
		{"the only one, of another architecture", "", "amd64", []string{"x-aarch64.AppImage"}, "x-aarch64.AppImage"},
		{"by architecture", "", "arm64", []string{"x-x86_64.AppImage", "x-arm64.AppImage"}, "x-arm64.AppImage"},
		{"without a word of it", "", "amd64", []string{"x.AppImage", "x-arm64.AppImage"}, "x.AppImage"},
		{"without a word of it, elsewhere", "", "arm64", []string{"x.AppImage", "x-i386.AppImage"}, "no file of release 1 matches"},
		{"by glob", "*-gtk*", "amd64", []string{"x-gtk.AppImage", "x-qt.AppImage", "x-gtk.AppImage.zsync"}, "x-gtk.AppImage"},
		{"by glob and architecture", "*gtk*", "amd64", []string{"x-gtk-arm64.AppImage", "x-gtk-x64.AppImage"}, "x-gtk-x64.AppImage"},
		{"none by glob", "y*", "amd64", []string{"x.AppImage"}, "no file of release 1 matches"},
		{"several", "", "amd64", []string{"x.AppImage", "y.AppImage"}, "2 files of release 1 match"},
		{"no glob", "[", "amd64", []string{"x.AppImage"}, `asset "[" is not a glob`},
	}
	for _, tt := range tests {
		r := release{Tag: "1"}
		for _, f := range tt.files {
			r.Assets = append(r.Assets, asset{Name: f})
		}
		got, err := releaseAnswer{app{Asset: tt.glob}, tt.arch}.pick(r)
		if err != nil {
			got.Name = err.Error()
		}
		if got.Name != tt.want {
			t.Errorf("%s: %s, not %s", tt.name, got.Name, tt.want)
		}
	}
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte(`{"tag_name": "v1", "assets": [{"name": "x.AppImage", "browser_download_url": "https://x", "digest": "sha256:00", "size": 1}]}`))
	f.Add([]byte(`[{"tag_name": "v1", "draft": true}, {"tag_name": "v0", "assets": [{"name": "x.AppImage", "digest": null}, {"name": "x.AppImage.zsync"}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := releaseAnswer{app{}, "amd64"}.Source("https://x", text)
		if err == nil && s.SHA256 == "" && s.Ask == nil {
			t.Errorf("%+v", s)
		}
	})
}

// TestReleaseElsewhere checks that a server cannot refer to files of this computer, or to
// URLs that are less safe.
func TestReleaseElsewhere(t *testing.T) {
	for _, at := range []string{"file:///etc/passwd", "http://example.org/x.AppImage"} {
		text := `{"tag_name": "v1", "assets": [{"name": "x.AppImage", "browser_download_url": "` + at + `", "digest": "sha256:00"}]}`
		if s, err := (releaseAnswer{app{}, "amd64"}).Source("https://api.example.org/", []byte(text)); err == nil {
			t.Errorf("%s: %+v", at, s)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for line, want := range map[string]string{
		"demo":                       `/a/x`,
		"demo %U":                    `/a/x %U`,
		"AppRun --no-sandbox %F":     `/a/x --no-sandbox %F`,
		`demo "a b" "c\"d\$" e`:      `/a/x "a b" "c\"d\$" e`,
		"env A=b C=d demo %u":        `/a/x %u`,
		`"/opt/my demo/x" --new  -n`: `/a/x --new -n`,
		"":                           `/a/x`,
		"sh -c 'rm -rf $HOME'":       `/a/x -c "'rm" -rf "\$HOME'"`,
	} {
		if got := (launch{}).command("/a/x", line); got != want {
			t.Errorf("%s: %s, not %s", line, got, want)
		}
	}
	if got, want := (launch{}).command(`/a b/50% "x"$`, "x"), `"/a b/50%% \"x\"\$"`; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestDesktopEntry(t *testing.T) {
	entry, err := keyfile.Parse([]byte("[Desktop Entry]\nName=Demo\nExec=demo\nIcon[de]=x\nTryExec=sh\nX-AppImage-Version=7\n[Evil]\nExec=sh\n"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := desktopEntry(entry, "a b", `/h\o/x`, "", "9", launch{})
	got := made.String()
	want := "[Desktop Entry]\nName=Demo\nExec=\"/h\\\\\\\\o/x\"\nX-Bkt-Exec=demo\nX-AppImage-Version=7\nTryExec=/h\\\\o/x\nX-AppImage-Name=a b\nX-Bkt-AppImage=a b\n"
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"a\nb", "a\x1bb"} {
		if _, err := desktopEntry(entry, bad, "/x", "", "", launch{}); err == nil || !strings.Contains(err.Error(), "control character") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// FuzzDesktopEntry checks that no value in an image becomes a separate line, or starts
// another program.
func FuzzDesktopEntry(f *testing.F) {
	f.Add([]byte("[Desktop Entry]\nName=Demo\nExec=demo %U\nDBusActivatable=true\n[Desktop Action x]\nExec=\"a b\" c\n"))
	f.Add([]byte("[Desktop Entry]\nExec=a\\nExec=b\n Exec = c\rTryExec=d\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entry, err := keyfile.Parse(text)
		if err != nil {
			return
		}
		entry, err = desktopEntry(entry, "demo", "/a/x", "/a/i", "1", launch{})
		if err != nil {
			return
		}
		made, err := keyfile.Parse([]byte(entry.String()))
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range made {
			for _, e := range g.Entries {
				words := execWords(keyfile.Unescape(e.Value))
				if e.Key == "Exec" && (len(words) == 0 || words[0] != "/a/x") || e.Key == "TryExec" && e.Value != "/a/x" || e.Key == "DBusActivatable" {
					t.Errorf("%s: %s=%s", g.Name, e.Key, e.Value)
				}
			}
		}
	})
}

func TestGearLeverSources(t *testing.T) {
	const conf = "[app.9dd4e461268c8034f5c8564e155c67a6.update_manager]\nManager = GithubUpdater\nrepo_url = https://github.com/o/r\nrepo_filename = x-*.AppImage.zsync\nallow_prereleases = True\n"
	f, err := parseGearLever([]byte(conf))
	if err != nil {
		t.Fatal(err)
	}
	g := gearLever{f, true}
	got, manager := g.source("x") // whose MD5 that is
	want := app{Repo: "o/r", Asset: "x-*.AppImage", Prereleases: true}
	if diff := cmp.Diff(want, got); diff != "" || manager != managerGitHub {
		t.Errorf("%s (-want +got):\n%s", manager, diff)
	}
	if got, manager := g.source("y"); manager != "" || sourced(got) {
		t.Errorf("%v, %s", got, manager)
	}
}

// TestGearLeverFile reads a file that the code of Gear Lever 4.6.2 wrote (src/lib/ini_config.py,
// with Python 3.11).
func TestGearLeverFile(t *testing.T) {
	g, err := readGearLever("testdata/gearlever-4.6.2.conf")
	if err != nil || !g.used {
		t.Fatal(err)
	}
	for file, want := range map[string]app{
		"tool":  {Repo: "own/tool", Asset: "Tool-*x86_64.AppImage", Prereleases: true},
		"paint": {URL: "https://example.org/a%20b/Paint.AppImage.zsync"},
		"lab":   {}, // bkt does not know GitLab
		"none":  {},
	} {
		got, _ := g.source("/home/me/AppImages/" + file + ".appimage")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// FuzzGearLever checks that an edited file can be read, that the edit keeps other entries,
// and that a second edit changes nothing.
func FuzzGearLever(f *testing.F) {
	f.Add([]byte("[a]\nB = c\n\n[app.x]\nname=%%\n"), "name", "https://x/%20")
	f.Add([]byte(""), "", "")
	f.Fuzz(func(t *testing.T, text []byte, name, address string) {
		a := app{Name: name, URL: address}
		if manifest.Check(a) != nil || address == "" {
			return
		}
		conf := filepath.Join(t.TempDir(), "gearlever.conf")
		put(t, conf, string(text))
		edit := func(a *app) ([]byte, error) {
			err := host.Executor{}.Execute(t.Context(), plan.Plan{{Steps: []plan.Step{gearLeverEdit(conf, "/x", a)}}}, nil)
			text, errRead := os.ReadFile(conf)
			return text, errors.Join(err, errRead)
		}
		once, err := edit(&a)
		if err != nil {
			return
		}
		if twice, err := edit(&a); err != nil || string(twice) != string(once) {
			t.Errorf("%q, then %q, %v", once, twice, err)
		}
		read, err := parseGearLever(once)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := (gearLever{read, true}).source("/x"); got.URL != address {
			t.Errorf("%q is %q", address, got.URL)
		}
		gone, err := edit(nil)
		if err != nil || strings.Contains(string(gone), group("/x")) {
			t.Errorf("%q, %v", gone, err)
		}
	})
}

func TestSame(t *testing.T) {
	there := func(a app, edit func(*manifest.InstalledAppImage)) app {
		a.Installed = manifest.InstalledAppImage{There: true, Source: true, File: "x-1.AppImage", Versions: []string{"v1"}, SHA256: "s"}
		if edit != nil {
			edit(&a.Installed)
		}
		return a
	}
	r := app{Name: "x", Repo: "o/r"}
	with := func(edit func(*app)) app { a := r; edit(&a); return a }
	tests := []struct {
		name string
		a, b app
		want bool
	}{
		{"nothing declared of it", there(r, nil), r, true},
		{"its version", there(r, nil), with(func(a *app) { a.Version = "1" }), true},
		{"another version", there(r, nil), with(func(a *app) { a.Version = "2" }), false},
		{"a version, and it says none", there(r, func(i *manifest.InstalledAppImage) { i.Versions = nil }), with(func(a *app) { a.Version = "2" }), true},
		{"its checksum", there(r, nil), with(func(a *app) { a.SHA256 = "s" }), true},
		{"another checksum", there(r, nil), with(func(a *app) { a.SHA256 = "t" }), false},
		{"a glob that fits", there(r, nil), with(func(a *app) { a.Asset = "x-*" }), true},
		{"one that does not", there(r, nil), with(func(a *app) { a.Asset = "y-*" }), false},
		{"another repository", there(r, nil), with(func(a *app) { a.Repo = "o/q" }), false},
		{"another one, and where it is from is not known", there(r, func(i *manifest.InstalledAppImage) { i.Source = false }), with(func(a *app) { a.Repo = "o/q" }), true},
		{"prereleases", there(r, nil), with(func(a *app) { a.Prereleases = true }), true},
		{"two manifests", r, with(func(a *app) { a.Version = "1" }), false},
		{"two manifests, and the letter", with(func(a *app) { a.Version = "v1" }), with(func(a *app) { a.Version = "1" }), true},
	}
	for _, tt := range tests {
		for _, pair := range [][2]app{{tt.a, tt.b}, {tt.b, tt.a}} {
			if got := new(Domain).Same(pair[0], pair[1]); got != tt.want {
				t.Errorf("%s: %v", tt.name, got)
			}
		}
	}
}

func TestSourceOfAnApp(t *testing.T) {
	d := Domain{GitHub: GitHub{URL: "https://api/"}, Arch: "amd64"}
	tests := []struct {
		app  app
		urls []string
		err  string
	}{
		{app{Repo: "o/r"}, []string{"https://api/repos/o/r/releases/latest"}, ""},
		{app{Repo: "o/r", Prereleases: true}, []string{"https://api/repos/o/r/releases?per_page=10"}, ""},
		{app{Repo: "o/r", Version: "a/1"}, []string{"https://api/repos/o/r/releases/tags/a%2F1", "https://api/repos/o/r/releases/tags/va%2F1"}, ""},
		{app{URL: "https://x/y.zsync"}, []string{"https://x/y.zsync"}, ""},
		{app{URL: "https://x/y", SHA256: "s"}, nil, ""},
		{app{URL: "https://x/y"}, nil, errNoSum.Error()},
		{app{}, nil, errUnresolvable.Error()},
	}
	for _, tt := range tests {
		s, err := d.source(tt.app)
		if s.Ask == nil {
			s.Ask = &plan.Ask{}
		}
		if diff := cmp.Diff(tt.urls, s.Ask.URLs); diff != "" || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%+v: %v (-want +got):\n%s", tt.app, err, diff)
		}
	}
}
