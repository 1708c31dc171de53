package manifest

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// A Program is a single program of a container that is exported to the host. A string is
// short for one without other fields.
type Program struct {
	Path       string `json:"path"`                  // in the container
	Flags      string `json:"flags,omitempty"`       // arguments before those of the caller, for a shell
	Sudo       bool   `json:"sudo,omitzero"`         // runs as root of the container
	EnterFlags string `json:"enter_flags,omitempty"` // options of distrobox-enter
	To         string `json:"to,omitempty"`          // folder of the host; default: "to" of the bins
	Comment    string `json:"comment,omitempty"`
	Bare       bool   `json:"-"` // written as a string
}

// PlainProgram returns a program without options.
func PlainProgram(path string) Program { return Program{Path: path, Bare: true} }

// Short returns the program in its shortest form: as a string, if it has nothing but a path.
func (p Program) Short() Program {
	p.Bare = true
	p.Bare = p == PlainProgram(p.Path)
	return p
}

// Name returns the name of the program's wrapper.
func (p Program) Name() string { return path.Base(p.Path) }

// HasOptions reports whether a wrapper of the program differs from a plain one.
func (p Program) HasOptions() bool { return p.Flags != "" || p.Sudo || p.EnterFlags != "" }

// Key returns the path, and the folder if it is not the default.
func (p Program) Key() string { return strings.TrimSpace(p.Path + " " + p.To) }

// Form implements [strictjson.Union].
func (p *Program) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &p.Bare, &p.Path, (*programObject)(p))
}

// A programObject is a Program in the form of an object.
type programObject Program

// MarshalJSONTo implements json.MarshalerTo.
func (p Program) MarshalJSONTo(e *jsontext.Encoder) error {
	return writeTextOrObject(e, p == PlainProgram(p.Path), p.Path, programObject(p))
}

func (p Program) canonical() Program { return p }

// pointer returns the pointer of the path of a program at a pointer.
func (p Program) pointer(at jsontext.Pointer) jsontext.Pointer {
	return textPointer(at, p.Bare, "path")
}

func (p Program) check(o strictjson.Object) {
	checkItemText(o, p.Bare, "program", "path", p.Path, checkProgram)
	o.Optional("flags", p.Flags, checkExportFlags)
	o.Optional("enter_flags", p.EnterFlags, checkExportFlags)
	o.Optional("to", p.To, checkProgramFolder)
	checkItemComment(o, p.Comment)
}

// checkProgramFolder checks the folder of one wrapper. The wrappers of the host's image
// belong to a container with this folder.
func checkProgramFolder(s string) error {
	if path.Clean(s) == SystemBin {
		return hint.Add(errors.New("is the folder of the host's image"), `set "to" of the bins instead`)
	}
	return checkHomePath(s)
}

// An ExportedApp is a desktop entry of a container that is exported to the host. A string
// is short for one without other fields.
type ExportedApp struct {
	Name       string `json:"name"`                  // of the desktop entry, or a part of its title or command
	Flags      string `json:"flags,omitempty"`       // arguments before the files that it opens
	Sudo       bool   `json:"sudo,omitzero"`         // runs as root of the container
	EnterFlags string `json:"enter_flags,omitempty"` // options of distrobox-enter
	Label      string `json:"label,omitempty"`       // after its title, "none" for no label; default: "(on CONTAINER)"
	Comment    string `json:"comment,omitempty"`
	Bare       bool   `json:"-"` // written as a string
}

// PlainApp returns an app without options.
func PlainApp(name string) ExportedApp { return ExportedApp{Name: name, Bare: true} }

// Short returns the app in its shortest form: as a string, if it has nothing but a name.
func (a ExportedApp) Short() ExportedApp {
	a.Bare = true
	a.Bare = a == PlainApp(a.Name)
	return a
}

// HasOptions reports whether an entry of the app differs from a plain one.
func (a ExportedApp) HasOptions() bool {
	return a.Flags != "" || a.Sudo || a.EnterFlags != "" || a.Label != ""
}

// Key returns the name.
func (a ExportedApp) Key() string { return a.Name }

// Form implements [strictjson.Union].
func (a *ExportedApp) Form(kind jsontext.Kind) any {
	return textOrObject(kind, &a.Bare, &a.Name, (*appObject)(a))
}

// An appObject is an ExportedApp in the form of an object.
type appObject ExportedApp

// MarshalJSONTo implements json.MarshalerTo.
func (a ExportedApp) MarshalJSONTo(e *jsontext.Encoder) error {
	return writeTextOrObject(e, a == PlainApp(a.Name), a.Name, appObject(a))
}

func (a ExportedApp) canonical() ExportedApp { return a }

func (a ExportedApp) check(o strictjson.Object) {
	checkItemText(o, a.Bare, "app", "name", a.Name, checkArgument)
	o.Optional("flags", a.Flags, checkAppFlags)
	o.Optional("enter_flags", a.EnterFlags, checkAppFlags)
	o.Optional("label", a.Label, checkAppLabel)
	checkItemComment(o, a.Comment)
}

const hintExportFlags = `write words with blanks between them, such as "-q --color", and in single quotes a word with a blank`

// checkExportFlags checks options that distrobox-export writes unchanged into a shell
// script. Releases put them into different quotes, so some characters would have
// another meaning in each.
func checkExportFlags(s string) error {
	if err := checkTrimmed(s); err != nil {
		return err
	}
	if i := strings.IndexAny(s, "\"`$\\;&|<>()#"); i >= 0 {
		return hint.Add(fmt.Errorf("may not contain %q", s[i]), hintExportFlags)
	}
	if strings.Count(s, "'")%2 != 0 {
		return hint.Add(errors.New("has a quote without its end"), hintExportFlags)
	}
	return nil
}

// checkAppFlags checks options that distrobox-export writes into a desktop entry, before
// the first % of a line.
func checkAppFlags(s string) error {
	if err := checkExportFlags(s); err != nil {
		return err
	}
	if strings.Contains(s, "%") {
		return hint.Add(errors.New("may not contain '%'"), hintExportFlags)
	}
	return nil
}

// checkAppLabel checks a label, which distrobox-export writes with sed.
func checkAppLabel(s string) error {
	err := checkArgument(s)
	if i := strings.IndexAny(s, `|&\%`); err == nil && i >= 0 {
		err = fmt.Errorf("may not contain %q", s[i])
	}
	return err
}

// CheckExportOptions returns an error if a manifest cannot express the options of an export
// that was made by hand.
func CheckExportOptions(flags, enterFlags string) error {
	for _, text := range []string{flags, enterFlags} {
		if text == "" {
			continue
		}
		if err := checkExportFlags(text); err != nil {
			return err
		}
	}
	return nil
}
