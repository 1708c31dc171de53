package manifest

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// SystemConfig has the configuration of the system image: system-config.json.
type SystemConfig struct {
	Schema        string         `json:"$schema,omitempty"`
	Kargs         Kargs          `json:"kargs,omitzero"`          // kernel arguments
	Udev          jsontext.Value `json:"udev,omitzero"`           // kept, without effect
	SELinux       jsontext.Value `json:"selinux,omitzero"`        // kept, without effect
	FirmwareNotes jsontext.Value `json:"firmware_notes,omitzero"` // kept, without effect
	Systemd       Systemd        `json:"systemd,omitempty"`
	Files         []SystemFile   `json:"files,omitempty"`
}

// Systemd has the states of units in the image.
type Systemd struct {
	Enable  []string       `json:"enable,omitempty"`
	Disable []string       `json:"disable,omitempty"`
	Mask    []string       `json:"mask,omitempty"`
	Custom  jsontext.Value `json:"custom,omitzero"` // kept, without effect
}

// A SystemFile is a file of the repository that is copied into the image.
type SystemFile struct {
	Source  string `json:"src"`            // below system/
	Dest    string `json:"dest"`           // in the image
	Mode    string `json:"mode,omitempty"` // in octal, such as "0755"
	Comment string `json:"comment,omitempty"`
}

// Key returns the path in the image.
func (f SystemFile) Key() string { return f.Dest }

// SourcePath returns the path of the file in the repository. A source may be written
// as "etc/x" or as "system/etc/x".
func (f SystemFile) SourcePath() string {
	return systemFolder + strings.TrimPrefix(f.Source, systemFolder)
}

const systemFolder = "system/"

// A ListItem is a string in a list of a manifest, with its pointer.
type ListItem struct {
	Text    string
	Pointer jsontext.Pointer
}

// KernelArguments returns the arguments that the image sets, in order: those that are
// appended and not removed.
func (c SystemConfig) KernelArguments() []ListItem {
	return slices.DeleteFunc(c.appended(), func(e ListItem) bool { return slices.Contains(c.Kargs.Remove, e.Text) })
}

// ForeignKernelArguments returns the arguments that are removed but not appended.
// Something else in the image sets them, and kargs.d cannot remove them.
func (c SystemConfig) ForeignKernelArguments() []ListItem {
	return slices.DeleteFunc(entries("/kargs/remove", c.Kargs.Remove), func(e ListItem) bool { return slices.Contains(c.Kargs.Append, e.Text) })
}

func (c SystemConfig) appended() []ListItem {
	if c.Kargs.plain() {
		return entries("/kargs", c.Kargs.Append)
	}
	return entries("/kargs/append", c.Kargs.Append)
}

func entries(list jsontext.Pointer, texts []string) []ListItem {
	var all []ListItem
	for i, text := range texts {
		all = append(all, ListItem{text, strictjson.Item(list, i)})
	}
	return all
}

// Ignored returns the fields that bkt keeps and ignores.
func (c SystemConfig) Ignored() []jsontext.Pointer {
	var all []jsontext.Pointer
	for _, f := range []struct {
		pointer jsontext.Pointer
		value   jsontext.Value
	}{
		{"/udev", c.Udev}, {"/selinux", c.SELinux}, {"/firmware_notes", c.FirmwareNotes}, {"/systemd/custom", c.Systemd.Custom},
	} {
		if f.value != nil {
			all = append(all, f.pointer)
		}
	}
	return all
}

func (c SystemConfig) canonical() SystemConfig {
	c.Systemd = c.Systemd.canonical()
	c.Files = sortItems(c.Files)
	return c
}

func (s Systemd) canonical() Systemd {
	s.Enable = sorted(s.Enable, strings.Compare)
	s.Disable = sorted(s.Disable, strings.Compare)
	s.Mask = sorted(s.Mask, strings.Compare)
	return s
}

func (f SystemFile) canonical() SystemFile { return f }

func (c SystemConfig) check(r *strictjson.Report) {
	if c.Kargs.plain() {
		r.Object("").List("kargs", "kernel argument", c.Kargs.Append, checkKarg)
	} else {
		r.Object("/kargs").List("append", "kernel argument", c.Kargs.Append, checkKarg)
		r.Object("/kargs").List("remove", "kernel argument", c.Kargs.Remove, checkKarg)
	}
	c.Systemd.check(r.Object("/systemd"))
	checkItems(r.Object(""), "files", "file", c.Files)
}

func (s Systemd) check(o strictjson.Object) {
	o.List("enable", "unit", s.Enable, checkUnit)
	o.List("disable", "unit", s.Disable, checkUnit)
	o.List("mask", "unit", s.Mask, checkUnit)
	enabled := map[string]jsontext.Pointer{}
	for _, e := range entries(o.Pointer+"/enable", s.Enable) {
		enabled[e.Text] = e.Pointer
	}
	for _, e := range slices.Concat(entries(o.Pointer+"/disable", s.Disable), entries(o.Pointer+"/mask", s.Mask)) {
		if p, ok := enabled[e.Text]; ok {
			o.Add(e.Pointer, fmt.Errorf("unit %s is in %s, and also in enable (at %s)", strictjson.Quote(e.Text), e.Pointer.Parent().LastToken(), o.Where(p)))
		}
	}
}

func (f SystemFile) check(o strictjson.Object) {
	o.Required("src", f.Source, checkSystemSource)
	o.Required("dest", f.Dest, checkAbsolute)
	o.Optional("mode", f.Mode, checkMode)
	checkItemComment(o, f.Comment)
}

func checkSystemSource(s string) error {
	return hint.Add(checkBelow(strings.TrimPrefix(s, systemFolder)), `"src" is a path below system/: "etc/motd" for system/etc/motd`)
}
