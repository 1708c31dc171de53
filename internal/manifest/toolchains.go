package manifest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// Toolchains has the installers of toolchains in the toolbox: toolchains.json.
type Toolchains struct {
	Schema     string      `json:"$schema,omitempty"`
	Toolchains []Toolchain `json:"toolchains"`
}

// A Toolchain is a program that brings and updates others, such as rustup. The
// image has the program; what it brings lives in the home of its user.
type Toolchain struct {
	Name    string            `json:"name"`
	URL     map[string]string `json:"url"`              // for each architecture, as "uname -m" names it
	SHA256  map[string]string `json:"sha256"`           // of what the URL has, for each architecture
	Member  string            `json:"member,omitempty"` // path of the program where that is an archive; * stands for any folder
	Path    string            `json:"path"`             // of the program in the image
	State   string            `json:"state,omitempty"`  // where it keeps what it brings, such as "~/.rustup"; never in the image
	Comment string            `json:"comment,omitempty"`
}

// Key returns the name of the toolchain.
func (t Toolchain) Key() string { return t.Name }

// Architectures returns the architectures that the toolchain is for, sorted.
func (t Toolchain) Architectures() []string { return slices.Sorted(maps.Keys(t.URL)) }

func (f Toolchains) canonical() Toolchains {
	f.Toolchains = sortItems(f.Toolchains)
	return f
}

func (t Toolchain) canonical() Toolchain { return t }

func (f Toolchains) check(r *strictjson.Report) {
	checkItems(r.Object(""), "toolchains", "toolchain", f.Toolchains)
	first := map[string]jsontext.Pointer{}
	for i, t := range f.Toolchains {
		p := strictjson.Item("/toolchains", i) + "/path"
		if other, ok := first[t.Path]; ok && t.Path != "" {
			r.Add(p, fmt.Errorf("path %s is that of another toolchain (at %s)", strictjson.Quote(t.Path), r.Where(other)))
			continue
		}
		first[t.Path] = p
	}
}

func (t Toolchain) check(o strictjson.Object) {
	o.Required("name", t.Name, checkToolchain)
	t.checkDownloads(o)
	o.Optional("member", t.Member, checkBelow)
	o.Required("path", t.Path, checkAbsolute)
	o.Optional("state", t.State, checkState)
	checkItemComment(o, t.Comment)
}

// checkDownloads checks that there is a URL, and that each has its checksum.
func (t Toolchain) checkDownloads(o strictjson.Object) {
	urls, sums := o.Within("url"), o.Within("sha256")
	if len(t.URL) == 0 {
		o.Add(urls.Pointer, hint.Add(errors.New("no url is given"), hintDownload))
	}
	for _, arch := range t.Architectures() {
		if o.Verify(urls.Pointer.AppendToken(arch), "architecture", arch, checkArchitecture) {
			o.Verify(urls.Pointer.AppendToken(arch), "url", t.URL[arch], checkURL)
		}
		if _, ok := t.SHA256[arch]; !ok {
			o.Add(sums.Pointer, hint.Add(fmt.Errorf("no sha256 is given for %s", strictjson.QuoteName(arch)), hintDownload))
		}
	}
	for _, arch := range slices.Sorted(maps.Keys(t.SHA256)) {
		if _, ok := t.URL[arch]; !ok {
			o.Add(sums.Pointer.AppendToken(arch), fmt.Errorf("a sha256 is given for %s, and no url", strictjson.QuoteName(arch)))
			continue
		}
		o.Verify(sums.Pointer.AppendToken(arch), "sha256", t.SHA256[arch], checkSHA256)
	}
}

const hintDownload = `"url" and "sha256" have a value for each architecture: {"x86_64": "…", "aarch64": "…"}`

// checkArchitecture checks the name of an architecture. Images have others for
// some, by which no computer calls itself.
func checkArchitecture(s string) error {
	for uname, other := range unames {
		if other == s {
			return hint.Add(errors.New(`is not what "uname -m" says`), "write %q", uname)
		}
	}
	return hint.Add(checkSpelling(s, letters, letters.with("-")), `an architecture is named as by "uname -m", such as "x86_64" or "aarch64"`)
}

func checkToolchain(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with(".+-")), `a toolchain is named in letters, digits, ".", "+", "_" and "-", such as "rustup"`)
}

// checkState checks a path in the home of the user.
func checkState(s string) error {
	below, ok := strings.CutPrefix(s, "~/")
	if !ok {
		return hint.Add(errors.New("is not in the user's home: the image has the installer of a toolchain, the home what it installs"), `write "~/.rustup"`)
	}
	return checkBelow(below)
}
