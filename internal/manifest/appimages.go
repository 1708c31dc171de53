package manifest

import (
	"errors"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// AppImages has the apps in AppImages: appimage-apps.json.
type AppImages struct {
	Schema string     `json:"$schema,omitempty"`
	Apps   []AppImage `json:"apps"` // the apps, in any order
}

// An AppImage is an app in a single file.
type AppImage struct {
	Name        string            `json:"name"`                 // of the app, and of its file
	Repo        string            `json:"repo,omitempty"`       // on GitHub, with releases that have it: owner/name
	Asset       string            `json:"asset,omitempty"`      // file of a release: a glob, such as "*x86_64.AppImage"
	URL         string            `json:"url,omitempty"`        // of the file, for an app that is not on GitHub
	Version     string            `json:"version,omitempty"`    // to stay at; default: the newest
	SHA256      string            `json:"sha256,omitempty"`     // of the file
	Prereleases bool              `json:"prereleases,omitzero"` // also use prereleases
	Args        []string          `json:"args,omitempty"`       // additional arguments, in the desktop entry that bkt writes
	Env         map[string]string `json:"env,omitempty"`        // variables that the desktop entry sets
	Disabled    bool              `json:"disabled,omitzero"`    // do not install it
	Hosts       Hosts             `json:"hosts,omitempty"`      // the only computers for it; default: all
	Comment     string            `json:"comment,omitempty"`

	// The state of the system, which is not in the manifest.
	Installed InstalledAppImage `json:"-"`
}

// An InstalledAppImage is the state of an app on a system.
type InstalledAppImage struct {
	There  bool
	Source bool   // the source of the app is known
	File   string // of the release; "": unknown

	Versions []string // any of these is the installed one; none: unknown
	SHA256   string   // of its file; "": not computed
}

// Key returns the name of the app.
func (a AppImage) Key() string { return a.Name }

func (f AppImages) canonical() AppImages {
	f.Apps = sortItems(f.Apps)
	return f
}

func (a AppImage) canonical() AppImage {
	a.Hosts = a.Hosts.canonical()
	return a
}

func (f AppImages) check(r *strictjson.Report) { checkItems(r.Object(""), "apps", "app", f.Apps) }

func (a AppImage) check(o strictjson.Object) {
	o.Required("name", a.Name, checkAppImage)
	o.Optional("repo", a.Repo, checkGitHub)
	o.Optional("asset", a.Asset, checkFileName)
	o.Optional("url", a.URL, checkURL)
	o.Optional("version", a.Version, checkArgument)
	o.Optional("sha256", a.SHA256, checkSHA256)
	if a.Asset != "" && a.Repo == "" {
		o.Add(o.Pointer+"/asset", hint.Add(errors.New("asset needs repo"), hintGitHub))
	}
	for _, arg := range entries(o.Pointer+"/args", a.Args) {
		o.Verify(arg.Pointer, "argument", arg.Text, checkAny)
	}
	checkNamed(o.Within("env"), "variable", a.Env, checkVariableName)
	checkNotes(o, a.Hosts, a.Comment)
}

const hintGitHub = `"repo" is the repository on GitHub that has the releases, such as "owner/name"`

// checkAppImage checks the name of an app, which its file has, too.
func checkAppImage(s string) error {
	err := checkFileName(s)
	if err == nil && (s[0] == '.' || s[0] == '-') {
		err = errors.New("may not begin with '" + s[:1] + "'")
	}
	return err
}

func checkGitHub(s string) error {
	owner, name, _ := strings.Cut(s, "/")
	err := checkSpelling(owner, letters, letters.with("-"))
	if err == nil {
		err = checkSpelling(name, letters.with("."), letters.with(".-"))
	}
	if owner == "" || name == "" || name == "." || name == ".." || strings.Contains(name, "/") {
		err = errors.New("is not of the form owner/name")
	}
	return hint.Add(err, hintGitHub)
}
