// Package distrobox keeps the boxes of distrobox, and the programs that the host
// has from them, in step with their manifest.
//
// It asks the container manager at most once for all boxes, stopped ones included, and
// reads the wrappers of exported programs where they lie; nothing is started by
// looking. A box that bkt has made carries its entry of the manifest as a label,
// so that all of it comes back; of another, what can be recovered is. Boxes are
// made by "distrobox create" and not from an ini file, which the two generations
// of distrobox read differently. A box is made anew only if its image, its
// packages, its hooks or its options are to be others.
package distrobox

import (
	"maps"
	"reflect"
	"slices"

	"bkt/internal/distrobox/creation"
	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/plan"
)

// A Box is an item: a container with its name, and what is known of it beside
// the manifest.
type Box struct {
	Name string `json:"name"`
	manifest.Box

	// The image that it is made of or, of a box that is declared, the one that
	// the image's name stands for now; "" if that is not known.
	ImageID string `json:"image_id,omitempty"`

	// What of a box that is declared the system lacks, or has too much, beside
	// what the manifest says. A box that is observed has none of it.
	ToDo ToDo `json:"to_do,omitzero"`
}

// A ToDo is what is to be done about a box that is there.
type ToDo struct {
	Export []string `json:"export,omitempty"` // wrappers, apps and files that are missing
	Remove []string `json:"remove,omitempty"` // wrappers that are no longer wanted
	Finish bool     `json:"finish,omitzero"`  // the box was being made anew when bkt was stopped
}

func (t ToDo) isEmpty() bool { return len(t.Export) == 0 && len(t.Remove) == 0 && !t.Finish }

// Key returns the name.
func (b Box) Key() string { return b.Name }

// OnlyOn returns the computers that the box is declared for.
func (b Box) OnlyOn() manifest.Hosts { return b.Hosts }

// WithHosts returns the box declared for these computers.
func (b Box) WithHosts(h manifest.Hosts) Box { b.Hosts = h; return b }

// Domain is the domain of boxes.
type Domain struct {
	Manager string // podman or docker; "": neither is installed
	Missing bool   // distrobox is not installed
	Home    string
	Data    string   // of the user: $XDG_DATA_HOME
	Config  string   // of the user: $XDG_CONFIG_HOME
	Storage []string // where the manager keeps containers: with these folders they come and go
	Proc    string   // where the kernel tells of processes
	Cache   string   // where bkt keeps what it need not ask again
	State   string   // where it keeps what was installed in boxes by hand
	UID     int

	// Remember is given what was asked, so that it need not be asked again: Recall
	// returns it, also where no file has it yet.
	Remember func(plan.Overwrite)
	Recall   func(path string) ([]byte, error)
}

func (d Domain) creator() creation.Creator { return creation.Creator{Home: d.Home, UID: d.UID} }

func (d Domain) manager() manager.Manager {
	return manager.Manager{Program: d.Manager, Storage: d.Storage}
}

// creationFields returns the part of a box that is settled when it is made. Two boxes
// that differ in it are not the same box.
func creationFields(b manifest.Box) manifest.Box {
	made := manifest.Box{
		Image: b.Image, Packages: b.Packages, PreInitHooks: b.PreInitHooks,
		Volume: b.Volume, Init: b.Init, Root: b.Root, Path: b.Path, Env: b.Env, AdditionalFlags: b.AdditionalFlags,
	}
	for _, h := range b.InitHooks {
		if h.As == "user" {
			h.As = ""
		}
		made.InitHooks = append(made.InitHooks, manifest.Hook{Run: h.Run, As: h.As})
	}
	return made
}

// sameMade reports whether two boxes are made the same way.
func sameMade(a, b manifest.Box) bool { return sameText(creationFields(a), creationFields(b)) }

// sameText reports whether two boxes are the same in a manifest.
func sameText(a, b manifest.Box) bool {
	x, errX := creation.Label("x", a)
	y, errY := creation.Label("x", b)
	if errX != nil || errY != nil {
		return reflect.DeepEqual(a, b)
	}
	return x == y
}

// sameImage reports whether two boxes are of the same image, as far as is known.
func sameImage(a, b Box) bool {
	return a.ImageID == b.ImageID || a.ImageID == "" || b.ImageID == ""
}

// Same implements [reconcile.Domain].
func (Domain) Same(a, b Box) bool {
	return sameMade(a.Box, b.Box) && sameImage(a, b) && sameExports(a.Box, b.Box) && reflect.DeepEqual(a.ToDo, b.ToDo) && sameFound(a, b)
}

// sameExports compares what is declared of exports, but for what was found.
func sameExports(a, b manifest.Box) bool {
	part := func(b manifest.Box) manifest.Box {
		bins := b.Bins
		bins.Found = nil
		bins.To = bins.Folder()
		return manifest.Box{Image: "x", Bins: bins, ExportedApps: b.ExportedApps}
	}
	return sameText(part(a), part(b))
}

func sameFound(a, b Box) bool {
	part := func(b Box) manifest.Box {
		return manifest.Box{Image: "x", Bins: manifest.Bins{Found: plain(b.Bins.Found)}}
	}
	return sameText(part(a), part(b))
}

// plain returns what was found without comments.
func plain(found []manifest.Found) []manifest.Found {
	all := slices.Clone(found)
	for i := range all {
		all[i].Comment = ""
	}
	return all
}

// Applicable implements [reconcile.Reporter]: what folders of a box have in them
// is noted, and never made so.
func (Domain) Applicable(b Box) Box {
	b.Bins.Found = nil
	return b
}

// Merge implements [reconcile.Merger]. Each field is for itself; lists are merged
// by their elements.
func (Domain) Merge(base, ours, theirs Box) (Box, bool) {
	merged, ok := ours, true
	v, b, t := reflect.ValueOf(&merged.Box).Elem(), reflect.ValueOf(base.Box), reflect.ValueOf(theirs.Box)
	for i := range v.NumField() {
		if v.Type().Field(i).Name != "Bins" {
			ok = mergeField(v.Field(i), b.Field(i), t.Field(i)) && ok
		}
	}
	v, b, t = reflect.ValueOf(&merged.Bins).Elem(), reflect.ValueOf(base.Bins), reflect.ValueOf(theirs.Bins)
	for i := range v.NumField() {
		ok = mergeField(v.Field(i), b.Field(i), t.Field(i)) && ok
	}
	ok = mergeField(reflect.ValueOf(&merged.ImageID).Elem(), reflect.ValueOf(base.ImageID), reflect.ValueOf(theirs.ImageID)) && ok
	if ours.ToDo.isEmpty() {
		merged.ToDo = theirs.ToDo
	}
	return merged, ok
}

// mergeField makes ours what came of changing base to ours and to theirs.
func mergeField(ours, base, theirs reflect.Value) bool {
	same := func(a, b reflect.Value) bool {
		return a.Kind() != reflect.String && a.Kind() != reflect.Bool && a.Len() == 0 && b.Len() == 0 ||
			reflect.DeepEqual(a.Interface(), b.Interface())
	}
	switch {
	case same(theirs, base), same(ours, theirs):
		return true
	case same(ours, base):
		ours.Set(theirs)
		return true
	}
	switch list := ours.Addr().Interface().(type) {
	case *[]string:
		*list = mergeLists(base.Interface().([]string), *list, theirs.Interface().([]string))
	case *[]manifest.Found:
		*list = mergeLists(base.Interface().([]manifest.Found), *list, theirs.Interface().([]manifest.Found))
	default:
		return false
	}
	return true
}

// mergeLists adds to ours what theirs has and base does not, and takes out what
// base has and theirs does not.
func mergeLists[E comparable](base, ours, theirs []E) []E {
	var all []E
	for _, e := range ours {
		if slices.Contains(theirs, e) || !slices.Contains(base, e) {
			all = append(all, e)
		}
	}
	for _, e := range theirs {
		if !slices.Contains(base, e) && !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}

func (d Domain) expand(p string) string { return paths.Expand(p, d.Home) }

func (d Domain) shorten(p string) string { return paths.Shorten(p, d.Home) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// entry returns the entry that a container was created from, and whether bkt has created
// it under this name: a copy has the label of another one.
func entry(c manager.Container, name string) (Box, bool) {
	made, b, ok := creation.ParseLabel(c.Labels[creation.LabelName])
	return Box{Name: made, Box: b}, ok && made == name
}

// Ini returns containers in the format of "distrobox assemble", and notes on what is
// left out: see [creation.Creator.Ini].
func (d Domain) Ini(boxes []Box) (text string, notes []string) {
	var all []creation.Box
	for _, b := range boxes {
		c := creation.Box{Name: b.Name, Entry: b.Box}
		if to, ours := d.to(b.Box); ours {
			c.To, c.Programs = to, d.wanted(b.Box, b.Bins.Found)
		}
		all = append(all, c)
	}
	return d.creator().Ini(all)
}
