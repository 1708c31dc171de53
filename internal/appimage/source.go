package appimage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
)

type app = manifest.AppImage

// GitHub is a server with the API of GitHub.
type GitHub struct {
	URL   string // of its API
	Token string // of the user; "": none
}

const (
	maxAnswer   = 16 << 20
	zsyncSuffix = ".zsync"

	hintToken  = "GitHub limits requests without a login, and hides private repositories from them: set GH_TOKEN"
	hintSource = `add "repo", with the owner and name of its repository on GitHub, or "url" to the manifest`
)

var (
	errUnresolvable = hint.Add(errors.New("its source is unknown"), hintSource)
	errNoSum        = hint.Add(errors.New("its download has no sha256 in the manifest"), `add "sha256" to it, as sha256sum prints it, or use the URL of its .zsync file`)
)

// sourced reports whether the source of an app is known.
func sourced(a app) bool { return a.Repo != "" || a.URL != "" }

// source returns the source of the file of an app.
func (d Domain) source(a app) (plan.Source, error) {
	switch {
	case a.Repo != "":
		return d.release(a), nil
	case a.URL == "":
		return plan.Source{}, errUnresolvable
	case isZsync(a.URL):
		return plan.Source{Version: a.Version, Ask: zsyncAsk(a.URL, plan.Source{SHA256: a.SHA256, Version: a.Version})}, nil
	case a.SHA256 == "":
		return plan.Source{}, errNoSum
	}
	return plan.Source{URL: a.URL, SHA256: a.SHA256, Version: a.Version}, nil
}

func isZsync(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.HasSuffix(u.Path, zsyncSuffix)
}

// release returns the source that asks GitHub for a release: the declared version, with or
// without a "v" in its tag, or else the newest.
func (d Domain) release(a app) plan.Source {
	releases := strings.TrimSuffix(d.GitHub.URL, "/") + "/repos/" + a.Repo + "/releases"
	ask := plan.Ask{
		URLs:    []string{releases + "/latest"},
		Token:   d.GitHub.Token,
		Limit:   maxAnswer,
		Missing: "it has no release",
		Refused: hintToken,
		Answer:  releaseAnswer{a, d.Arch},
	}
	switch {
	case a.Version != "":
		tag := url.PathEscape(a.Version)
		ask.URLs = []string{releases + "/tags/" + tag, releases + "/tags/v" + tag}
		ask.Missing = "it has no release " + a.Version
	case a.Prereleases:
		ask.URLs = []string{releases + "?per_page=10"}
	}
	return plan.Source{Ask: &ask}
}

// A release has the relevant facts about a release at GitHub.
type release struct {
	Tag    string  `json:"tag_name"`
	Draft  bool    `json:"draft"`
	Assets []asset `json:"assets"`
}

type asset struct {
	Name   string `json:"name"`
	URL    string `json:"browser_download_url"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"` // null in old releases
}

// releaseAnswer parses GitHub's answer about the releases of an app.
type releaseAnswer struct {
	app  app
	arch string // of this computer, in Go's words
}

// Source implements [plan.Answer].
func (r releaseAnswer) Source(from string, text []byte) (plan.Source, error) {
	found, err := r.newest(text)
	if err != nil {
		return plan.Source{}, err
	}
	a, err := r.pick(found)
	if err != nil {
		return plan.Source{}, err
	}
	at, err := resolve(from, a.URL)
	if err != nil {
		return plan.Source{}, fmt.Errorf("%s: %w", a.Name, err)
	}
	s := plan.Source{URL: at, SHA256: r.app.SHA256, Size: a.Size, Version: found.Tag}
	if sum, ok := strings.CutPrefix(a.Digest, "sha256:"); ok && s.SHA256 == "" {
		s.SHA256 = sum
	}
	if s.SHA256 != "" {
		return s, nil
	}
	for _, other := range found.Assets {
		if other.Name == a.Name+zsyncSuffix {
			s.Ask = zsyncAsk(other.URL, s)
			return s, nil
		}
	}
	return s, hint.Add(fmt.Errorf("GitHub has no checksum of %s", a.Name), `add its "sha256" to the manifest, as sha256sum prints it`)
}

// newest returns the first release in the text that is not a draft.
func (r releaseAnswer) newest(text []byte) (release, error) {
	var all []release
	err := json.Unmarshal(text, &all)
	if err != nil {
		var one release
		err = json.Unmarshal(text, &one)
		all = []release{one}
	}
	if err != nil {
		return release{}, fmt.Errorf("GitHub's answer cannot be parsed: %w", err)
	}
	for _, found := range all {
		if !found.Draft && found.Tag != "" {
			return found, nil
		}
	}
	return release{}, errors.New("it has no release")
}

// pick returns the file of a release to install: the only AppImage that the glob matches,
// or the only one of several that is for this computer.
func (r releaseAnswer) pick(found release) (asset, error) {
	var fitting, all []asset
	for _, a := range found.Assets {
		if matches, err := path.Match(r.app.Asset, a.Name); err != nil {
			return asset{}, fmt.Errorf("asset %q is not a glob", r.app.Asset)
		} else if r.app.Asset == "" && isAppImageName(a.Name) || matches && !strings.HasSuffix(a.Name, zsyncSuffix) {
			all = append(all, a)
		}
	}
	for _, a := range all {
		if forArch(a.Name, r.arch) {
			fitting = append(fitting, a)
		}
	}
	if len(all) == 1 {
		fitting = all
	}
	if len(fitting) == 1 {
		return fitting[0], nil
	}
	var names []string
	for _, a := range found.Assets {
		names = append(names, a.Name)
	}
	what := fmt.Sprintf("%d files of release %s match", len(fitting), found.Tag)
	if len(fitting) == 0 {
		what = fmt.Sprintf("no file of release %s matches", found.Tag)
	}
	return asset{}, hint.Add(errors.New(what), `set "asset" to a glob that matches one of %s`, strings.Join(names, ", "))
}

const fileSuffix = ".appimage"

func isAppImageName(name string) bool { return strings.HasSuffix(strings.ToLower(name), fileSuffix) }

// architectures are the words for architectures in names of files, by Go's names.
var architectures = map[string][]string{
	"amd64": {"x86_64", "x86-64", "amd64", "x64"},
	"arm64": {"aarch64", "arm64"},
	"arm":   {"armhf", "armv7", "armv6"},
	"386":   {"i386", "i686", "ia32"},
}

// forArch reports whether the file of a release is for an architecture, by its name. A file
// without an architecture in its name is for the most common one.
func forArch(name, arch string) bool {
	name = strings.ToLower(name)
	hasWord := func(words []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(name, w) })
	}
	if hasWord(architectures[arch]) {
		return true
	}
	for _, words := range architectures {
		if hasWord(words) {
			return false
		}
	}
	return arch == "amd64"
}

// zsyncAsk returns the request for the .zsync file at a URL, which adds facts to known.
func zsyncAsk(address string, known plan.Source) *plan.Ask {
	known.Ask = nil
	return &plan.Ask{URLs: []string{address}, Limit: maxAnswer, Answer: zsyncAnswer{known}}
}

type zsyncAnswer struct{ known plan.Source }

// Source implements [plan.Answer].
func (z zsyncAnswer) Source(from string, text []byte) (plan.Source, error) {
	h, err := parseZsync(text)
	if err != nil {
		return plan.Source{}, err
	}
	s := z.known
	s.SHA1, s.Size = h.sha1, h.length
	if s.URL == "" {
		s.URL, err = resolve(from, h.url)
	}
	return s, err
}

// resolve resolves a reference in a document at a URL. A server cannot refer to files of
// this computer.
func resolve(from, reference string) (string, error) {
	base, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	to, err := base.Parse(reference)
	if err != nil {
		return "", err
	}
	if to.Scheme != "https" && to.Scheme != base.Scheme {
		return "", fmt.Errorf("leads to %s, which is less safe", to.Redacted())
	}
	return to.String(), nil
}

// A zsyncHeader has the facts in a .zsync file about its target.
type zsyncHeader struct {
	url, sha1 string
	length    int64
}

const maxZsyncHeader = 8 << 10

// parseZsync parses a .zsync file: lines of a name, a colon and a value, and an empty line
// before binary data.
func parseZsync(text []byte) (zsyncHeader, error) {
	var h zsyncHeader
	head, _, ok := strings.Cut(string(text[:min(len(text), maxZsyncHeader)]), "\n\n")
	if !ok || !strings.HasPrefix(head, "zsync:") {
		return h, errors.New("is not a .zsync file")
	}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimSpace(value)
		switch name {
		case "URL":
			h.url = value
		case "SHA-1":
			h.sha1 = strings.ToLower(value)
		case "Length":
			h.length, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	switch {
	case h.url == "":
		return h, errors.New("has no URL")
	case len(h.sha1) != 40 || strings.Trim(h.sha1, "0123456789abcdef") != "":
		return h, errors.New("has no SHA-1")
	case h.length <= 0:
		return h, errors.New("has no length")
	}
	return h, nil
}

// updates returns the source in update information, and whether a manifest can declare it.
func updates(info string) (app, bool) {
	parts := strings.Split(info, "|")
	switch {
	case len(parts) == 2 && parts[0] == "zsync" && isZsync(parts[1]):
		return app{URL: parts[1]}, true
	case len(parts) == 5 && parts[0] == "gh-releases-zsync":
		a := app{Repo: parts[1] + "/" + parts[2], Asset: strings.TrimSuffix(parts[4], zsyncSuffix)}
		switch tag := parts[3]; tag {
		case "latest":
		case "latest-pre", "latest-all":
			a.Prereleases = true
		default:
			a.Version = tag
		}
		return a, true
	}
	return app{}, false
}
