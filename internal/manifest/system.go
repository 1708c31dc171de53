package manifest

import (
	"errors"
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
	Files         []SystemFile   `json:"files,omitempty"` // files and folders of the repository that are copied into the image
}

// Systemd has the states of units in the image.
type Systemd struct {
	Enable  []string       `json:"enable,omitempty"`  // units that start automatically
	Disable []string       `json:"disable,omitempty"` // units that do not start automatically
	Mask    []string       `json:"mask,omitempty"`    // units that cannot be started
	Unmask  []string       `json:"unmask,omitempty"`  // that the base image masks
	User    UserUnits      `json:"user,omitempty"`    // units of the managers of all users
	Custom  jsontext.Value `json:"custom,omitzero"`   // kept, without effect
}

// UserUnits has the states of units that run for each user ("systemctl --global").
type UserUnits struct {
	Enable  []string `json:"enable,omitempty"`  // units that start automatically
	Disable []string `json:"disable,omitempty"` // units that do not start automatically
	Mask    []string `json:"mask,omitempty"`    // units that cannot be started
}

// A SystemFile is a file, a symbolic link or a folder of the repository that is copied
// into the image.
type SystemFile struct {
	Source  string `json:"src"`            // below system/ or, if nothing is there, in the repository; after "./" always in the repository
	Dest    string `json:"dest"`           // in the image; of a folder: for its content
	Mode    string `json:"mode,omitempty"` // of a file, in octal, such as "0440"; default: "0755" if it is executable in the repository, and otherwise "0644"
	Comment string `json:"comment,omitempty"`
}

// Key returns the path in the image.
func (f SystemFile) Key() string { return f.Dest }

// SourcePaths returns the paths in the repository that the source may have: the first that
// exists is the source.
func (f SystemFile) SourcePaths() []string {
	if name, ok := strings.CutPrefix(f.Source, repositoryFolder); ok {
		return []string{name}
	}
	if strings.HasPrefix(f.Source, systemFolder) {
		return []string{f.Source}
	}
	if isGits(f.Source) {
		return []string{systemFolder + f.Source}
	}
	return []string{systemFolder + f.Source, f.Source}
}

// isGits reports whether a path in the repository is in git's own folder.
func isGits(name string) bool { return name == ".git" || strings.HasPrefix(name, ".git/") }

// repositoryFolder begins a source that is not below systemFolder.
const repositoryFolder = "./"

const systemFolder = "system/"

// A ListItem is a string in a list of a manifest, with its pointer.
type ListItem struct {
	Text    string
	Pointer jsontext.Pointer
}

// KernelArguments returns the arguments that the image sets, in order: those that are
// appended and not removed.
func (c SystemConfig) KernelArguments() []KernelArgument {
	var all []KernelArgument
	for i, k := range c.Kargs.Append {
		if !slices.Contains(c.Kargs.Remove, k.Value) {
			all = append(all, KernelArgument{ListItem{k.Value, strictjson.Item(c.Kargs.list(), i)}, k.Comment, k.Arch})
		}
	}
	return all
}

// ForeignKernelArguments returns the arguments that are removed but not appended.
// Something else in the image sets them, and kargs.d cannot remove them.
func (c SystemConfig) ForeignKernelArguments() []ListItem {
	return slices.DeleteFunc(entries("/kargs/remove", c.Kargs.Remove), func(e ListItem) bool {
		return slices.ContainsFunc(c.Kargs.Append, func(k Karg) bool { return k.Value == e.Text })
	})
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
	c.Kargs = c.Kargs.canonical()
	c.Systemd = c.Systemd.canonical()
	c.Files = sortItems(c.Files)
	return c
}

func (s Systemd) canonical() Systemd {
	s.Enable = sorted(s.Enable, strings.Compare)
	s.Disable = sorted(s.Disable, strings.Compare)
	s.Mask = sorted(s.Mask, strings.Compare)
	s.Unmask = sorted(s.Unmask, strings.Compare)
	s.User.Enable = sorted(s.User.Enable, strings.Compare)
	s.User.Disable = sorted(s.User.Disable, strings.Compare)
	s.User.Mask = sorted(s.User.Mask, strings.Compare)
	return s
}

func (f SystemFile) canonical() SystemFile { return f }

func (c SystemConfig) check(r *strictjson.Report) {
	c.Kargs.check(r)
	c.Systemd.check(r.Object("/systemd"))
	checkItems(r.Object(""), "files", "file", c.Files)
}

func (s Systemd) check(o strictjson.Object) {
	enable, disable, mask := unitList(o, "enable", s.Enable), unitList(o, "disable", s.Disable), unitList(o, "mask", s.Mask)
	unmask := unitList(o, "unmask", s.Unmask)
	checkApart(o, "enable", enable, disable, mask)
	checkApart(o, "mask", mask, unmask)
	user := o.Within("user")
	enable, disable, mask = unitList(user, "enable", s.User.Enable), unitList(user, "disable", s.User.Disable), unitList(user, "mask", s.User.Mask)
	checkApart(user, "enable", enable, disable, mask)
}

// unitList checks a list of units and returns its items.
func unitList(o strictjson.Object, list string, units []string) []ListItem {
	o.List(list, "unit", units, checkUnit)
	return entries(o.Pointer.AppendToken(list), units)
}

// checkApart reports units of a list that are also in another one, which says the
// opposite.
func checkApart(o strictjson.Object, list string, units []ListItem, others ...[]ListItem) {
	at := map[string]jsontext.Pointer{}
	for _, u := range units {
		at[u.Text] = u.Pointer
	}
	for _, other := range slices.Concat(others...) {
		if p, ok := at[other.Text]; ok {
			o.Add(other.Pointer, fmt.Errorf("unit %s is in %s, and also in %s (at %s)", strictjson.Quote(other.Text), other.Pointer.Parent().LastToken(), list, o.Where(p)))
		}
	}
}

func (f SystemFile) check(o strictjson.Object) {
	o.Required("src", f.Source, checkSystemSource)
	o.Required("dest", f.Dest, checkDest)
	o.Optional("mode", f.Mode, checkMode)
	checkItemComment(o, f.Comment)
}

func checkSystemSource(s string) error {
	name, inRepository := strings.CutPrefix(s, repositoryFolder)
	err := checkBelow(strings.TrimPrefix(name, systemFolder))
	if err == nil && inRepository && isGits(name) {
		err = errors.New("is git's own")
	}
	return hint.Add(err, `"src" is a path below system/, such as "etc/motd" for system/etc/motd, or one in the repository, such as "./files/motd"`)
}

// checkDest checks a path in the image. Only the content of a folder can be put into the
// whole image.
func checkDest(s string) error {
	if s == "/" {
		return nil
	}
	return checkAbsolute(s)
}
