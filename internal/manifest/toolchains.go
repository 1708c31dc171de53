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
	Toolchains []Toolchain `json:"toolchains"` // the toolchains, in any order
}

// A Toolchain is a program that installs and updates others, such as rustup. The image
// has the program; the files that it installs are in the user's home.
type Toolchain struct {
	Name    string            `json:"name"`             // such as "rustup"
	URL     map[string]string `json:"url"`              // for each architecture, as "uname -m" names it
	SHA256  map[string]string `json:"sha256"`           // of the download, for each architecture
	Member  string            `json:"member,omitempty"` // path of the program in an archive; * is any folder
	Path    string            `json:"path"`             // of the program in the image
	State   string            `json:"state,omitempty"`  // folder for what it installs, such as "~/.rustup"; never in the image
	Comment string            `json:"comment,omitempty"`
}

// Key returns the name of the toolchain.
func (t Toolchain) Key() string { return t.Name }

// Architectures returns the architectures of the toolchain, sorted.
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
			r.Add(p, fmt.Errorf("path %s is also the path of another toolchain (at %s)", strictjson.Quote(t.Path), r.Where(other)))
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

// checkDownloads checks that the toolchain has a URL, and each URL a checksum.
func (t Toolchain) checkDownloads(o strictjson.Object) {
	urls, sums := o.Within("url"), o.Within("sha256")
	o.Tell("url", strictjson.Rule{Required: true, Filled: true})
	o.Tell("sha256", strictjson.Rule{Required: true, Filled: true})
	if len(t.URL) == 0 {
		o.Add(urls.Pointer, hint.Add(errors.New("url is missing"), hintDownload))
	}
	for _, arch := range t.Architectures() {
		if o.VerifyName(urls.Pointer.AppendToken(arch), "architecture", arch, checkArchitecture) {
			o.Verify(urls.Pointer.AppendToken(arch), "url", t.URL[arch], checkURL)
		}
		if _, ok := t.SHA256[arch]; !ok {
			o.Add(sums.Pointer, hint.Add(fmt.Errorf("sha256 is missing for %s", strictjson.QuoteName(arch)), hintDownload))
		}
	}
	for _, arch := range slices.Sorted(maps.Keys(t.SHA256)) {
		if _, ok := t.URL[arch]; !ok {
			o.Add(sums.Pointer.AppendToken(arch), fmt.Errorf("sha256 without url for %s", strictjson.QuoteName(arch)))
			continue
		}
		o.Verify(sums.Pointer.AppendToken(arch), "sha256", t.SHA256[arch], checkSHA256)
	}
}

const hintDownload = `"url" and "sha256" have a value for each architecture: {"x86_64": "…", "aarch64": "…"}`

// checkArchitecture checks the name of an architecture in uname's spelling. Images
// have other names for some.
func checkArchitecture(s string) error {
	for uname, other := range unames {
		if other == s {
			return hint.Add(errors.New(`is not the name that "uname -m" prints`), "write %q", uname)
		}
	}
	return hint.Add(checkSpelling(s, letters, letters.with("-")), `write an architecture as "uname -m" does, such as "x86_64" or "aarch64"`)
}

func checkToolchain(s string) error {
	return hint.Add(checkSpelling(s, letters, letters.with(".+-")), `the name of a toolchain has letters, digits, ".", "+", "_" and "-", such as "rustup"`)
}

// checkState checks a path in the home of the user.
func checkState(s string) error {
	below, ok := strings.CutPrefix(s, "~/")
	if !ok {
		return hint.Add(errors.New("is not in the user's home: the image has the installer of a toolchain, the home what it installs"), `write "~/.rustup"`)
	}
	return checkBelow(below)
}
