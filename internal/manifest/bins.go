package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/go-json-experiment/json/jsontext"
)

// Bins says which programs of a container are exported to the host.
type Bins struct {
	From    []string  `json:"from,omitempty"`    // all programs in these folders
	Also    []Program `json:"also,omitempty"`    // single programs
	Exclude []string  `json:"exclude,omitempty"` // names of programs in the folders that are not exported
	Found   []Found   `json:"found,omitempty"`   // programs in the folders, as last seen
	To      string    `json:"to,omitempty"`      // folder of the host; default: ~/.local/bin
}

// SystemBin is the folder of the host whose exports are part of the system image,
// as the running host cannot write to it.
const SystemBin = "/usr/bin"

// A Found is a program that was found in a folder of a container.
type Found struct {
	Name    string `json:"name"` // of the program
	Path    string `json:"path"` // in the container
	Comment string `json:"comment,omitempty"`
}

// Key returns the name of the program.
func (f Found) Key() string { return f.Name }

// An Export is a program of a container that is exported to the host.
type Export struct {
	Container string
	Name      string
	Path      string           // in the container
	Pointer   jsontext.Pointer // to the program in the manifest
}

// Exports returns the programs to export to the folder to, sorted by name and
// container: the declared single programs, and those found in folders and not
// excluded. A declared program wins over a found one with the same name.
func (f Containers) Exports(to string) []Export {
	var all []Export
	for _, name := range slices.Sorted(maps.Keys(f.Containers)) {
		if bins := f.Containers[name].Bins; path.Clean(bins.Folder()) == path.Clean(to) {
			all = append(all, bins.exports(name)...)
		}
	}
	slices.SortStableFunc(all, func(a, b Export) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Folder returns the folder of the host for the programs.
func (b Bins) Folder() string { return cmp.Or(b.To, "~/.local/bin") }

// FolderOf returns the folder of the host for one of the single programs.
func (b Bins) FolderOf(p Program) string { return cmp.Or(p.To, b.Folder()) }

// Folders returns all folders of the host that programs are exported to.
func (b Bins) Folders() []string {
	var all []string
	if len(b.From) > 0 {
		all = append(all, b.Folder())
	}
	for _, p := range b.Also {
		all = append(all, b.FolderOf(p))
	}
	return all
}

func (b Bins) exports(container string) []Export {
	at := pointerTo(container) + "/bins"
	declared := map[string]bool{}
	var all []Export
	for i, p := range b.Also {
		if path.Clean(b.FolderOf(p)) == path.Clean(b.Folder()) {
			declared[p.Name()] = true
			all = append(all, Export{container, p.Name(), p.Path, p.pointer(strictjson.Item(at+"/also", i))})
		}
	}
	for i, f := range b.Found {
		if !declared[f.Name] && !slices.Contains(b.Exclude, f.Name) {
			all = append(all, Export{container, f.Name, f.Path, strictjson.Item(at+"/found", i)})
		}
	}
	return all
}

func pointerTo(container string) jsontext.Pointer {
	return jsontext.Pointer("/containers").AppendToken(container)
}

func (b Bins) canonical() Bins {
	b.From = sorted(b.From, strings.Compare)
	b.Also = slices.Compact(sortItems(b.Also))
	b.Exclude = sorted(b.Exclude, strings.Compare)
	b.Found = sortItems(b.Found)
	return b
}

func (f Found) canonical() Found { return f }

func (b Bins) check(o strictjson.Object) {
	o.List("from", "folder", b.From, checkHomePath)
	checkItems(o, "also", "program", b.Also)
	o.List("exclude", "program", b.Exclude, checkFileName)
	checkItems(o, "found", "program", b.Found)
	o.Optional("to", b.To, checkHomePath)
	for i, also := range b.Also {
		p := also.pointer(strictjson.Item(o.Pointer+"/also", i))
		b.checkAlso(o, p, also)
	}
}

// checkAlso checks a program against the other fields of the bins.
func (b Bins) checkAlso(o strictjson.Object, p jsontext.Pointer, also Program) {
	if also.HasOptions() && also.To == "" && path.Clean(b.To) == SystemBin {
		err := fmt.Errorf("program %s: wrappers of the host's image have no options", strictjson.Quote(also.Path))
		o.Add(p, hint.Add(err, `give it a folder of the home as "to", such as "~/.local/bin"`))
	}
	if also.HasOptions() || also.To != "" {
		return // it differs from the wrapper of its folder
	}
	for _, from := range entries(o.Pointer+"/from", b.From) {
		if strings.HasPrefix(path.Clean(also.Path), strings.TrimSuffix(path.Clean(from.Text), "/")+"/") {
			err := fmt.Errorf("program %s is in a folder whose programs are all exported (at %s)", strictjson.Quote(also.Path), o.Where(from.Pointer))
			o.Add(p, hint.Add(err, `remove it from "also"`))
		}
	}
}

func (f Found) check(o strictjson.Object) {
	o.Required("name", f.Name, checkFileName)
	o.Required("path", f.Path, checkProgram)
	checkItemComment(o, f.Comment)
}

func checkProgram(s string) error {
	if err := checkHomePath(s); err != nil {
		return err
	}
	if strings.HasSuffix(s, "/") {
		return hint.Add(errors.New("is a folder"), `put a folder into "from", which exports all of its programs`)
	}
	return nil
}
