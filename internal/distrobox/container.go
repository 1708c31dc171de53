// Package distrobox keeps the containers of distrobox, and the programs that they export
// to the host, up to date with their manifest.
//
// It asks the container manager at most once about all containers, also stopped ones,
// and reads the wrappers of exported programs from the folders of the host. Observing
// starts no container. A container that bkt has created has its entry of the manifest
// as a label, so that the whole entry can be captured; for other containers, bkt
// captures what the manager knows. Containers are created by "distrobox create" and
// not from an ini file, which the two generations of distrobox read differently. A
// container is recreated only if its image, packages, hooks or options change.
package distrobox

import (
	"maps"
	"path"
	"reflect"
	"slices"

	"bkt/internal/distrobox/creation"
	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/plan"
)

// A Container is an item: the declaration of a container, its name, and facts from the
// system.
type Container struct {
	Name string `json:"name"`
	manifest.Container

	// The id of the image that the container was created from or, for a declared
	// container, of the image that has the name now; "" if unknown.
	ImageID string `json:"image_id,omitempty"`

	// The part of the environment in the image that only shells of the image can
	// know. A container gets it when it is created. It is not compared.
	InHome creation.Home `json:"-"`

	// The environment is part of the image. It is not compared. A container gets the
	// variables when it is created, too: its image can be another one, or an older one.
	EnvInImage bool              `json:"-"`
	ImageEnv   map[string]string `json:"-"`

	// Changes that a declared container needs on the system. An observed container
	// needs none.
	ToDo ToDo `json:"repair,omitzero"`
	// The same, in the last known state as earlier releases wrote it. It has no meaning.
	Before before `json:"to_do,omitzero"`
}

// A ToDo lists the changes that an existing container needs. Messages have its names.
type ToDo struct {
	Export []string `json:"missing,omitempty"`   // wrappers, apps and files that are missing
	Remove []string `json:"outdated,omitempty"`  // wrappers that are no longer wanted
	Finish bool     `json:"unfinished,omitzero"` // the container was being recreated when bkt was stopped
}

type before struct {
	Export []string `json:"export,omitempty"`
	Remove []string `json:"remove,omitempty"`
	Finish bool     `json:"finish,omitzero"`
}

func (t ToDo) isEmpty() bool { return len(t.Export) == 0 && len(t.Remove) == 0 && !t.Finish }

// Key returns the name.
func (c Container) Key() string { return c.Name }

// OnlyOn returns the computers that the container is declared for.
func (c Container) OnlyOn() manifest.Hosts { return c.Hosts }

// WithHosts returns the container declared for these computers.
func (c Container) WithHosts(h manifest.Hosts) Container { c.Hosts = h; return c }

// Domain is the domain of containers.
type Domain struct {
	Manager   string // podman or docker; "": neither is installed
	Missing   bool   // distrobox is not installed
	NoManager bool   // the program Manager is not installed
	Home      string
	Data      string   // of the user: $XDG_DATA_HOME
	Config    string   // of the user: $XDG_CONFIG_HOME
	Storage   []string // where the manager keeps containers
	Path      []string // the folders of PATH
	Runtime   string   // of the user: $XDG_RUNTIME_DIR; "": none
	Proc      string   // /proc
	Cache     string   // the folder for answers of the manager
	State     string   // the folder for the list of manually installed packages
	UID       int

	// Remember keeps an answer for later commands. Recall returns it, even before
	// it is written to its file.
	Remember func(plan.Overwrite)
	Recall   func(path string) ([]byte, error)
}

func (d Domain) creator() creation.Creator { return creation.Creator{Home: d.Home, UID: d.UID} }

func (d Domain) manager() manager.Manager {
	return manager.Manager{Program: d.Manager, Storage: d.Storage}
}

// creationFields returns the fields that cannot change after a container is created.
// If they differ, the container has to be recreated.
func creationFields(c manifest.Container) manifest.Container {
	made := manifest.Container{
		Image: c.Image, Packages: c.Packages,
		Volume: c.Volume, Home: c.Home, Init: c.Init, Nvidia: c.Nvidia, Unshare: c.Unshare, Root: c.Root, Path: c.Path, Env: c.Env, AdditionalFlags: c.AdditionalFlags,
	}
	for _, h := range c.PreInitHooks {
		made.PreInitHooks = append(made.PreInitHooks, manifest.PreHook{Run: h.Run, Bare: true})
	}
	for _, h := range c.InitHooks {
		if h.As == "user" {
			h.As = ""
		}
		made.InitHooks = append(made.InitHooks, manifest.Hook{Run: h.Run, As: h.As})
	}
	return made
}

// sameCreation reports whether two containers are created the same way.
func sameCreation(a, b manifest.Container) bool {
	return sameText(creationFields(a), creationFields(b))
}

// sameText reports whether two containers are the same in a manifest.
func sameText(a, b manifest.Container) bool {
	x, errX := creation.Label("x", a)
	y, errY := creation.Label("x", b)
	if errX != nil || errY != nil {
		return reflect.DeepEqual(a, b)
	}
	return x == y
}

// sameImage reports whether two containers have the same image. An unknown image is the
// same as any other.
func sameImage(a, b Container) bool {
	return a.ImageID == b.ImageID || a.ImageID == "" || b.ImageID == ""
}

// Same implements [reconcile.Domain].
func (Domain) Same(a, b Container) bool {
	if a.EnvInImage || b.EnvInImage { // the last known state does not say which one has it
		a.Path, a.Env, b.Path, b.Env = nil, nil, nil, nil
	}
	return sameCreation(a.Container, b.Container) && sameImage(a, b) && sameExports(a.Container, b.Container) && reflect.DeepEqual(a.ToDo, b.ToDo) && sameFound(a, b)
}

// sameExports compares the declared exports, without the programs that were found.
func sameExports(a, b manifest.Container) bool {
	part := func(b manifest.Container) manifest.Container {
		bins := b.Bins
		bins.Found = nil
		bins.To = bins.Folder()
		bins.Also = bare(bins.Also, bins.To)
		return manifest.Container{Image: "x", Bins: bins, ExportedApps: bareApps(b.ExportedApps)}
	}
	return sameText(part(a), part(b))
}

// bare returns programs without comments, in their shortest form. to is the folder of
// those without one.
func bare(programs []manifest.Program, to string) []manifest.Program {
	all := slices.Clone(programs)
	for i, p := range all {
		p.Comment = ""
		if p.To != "" && path.Clean(p.To) == path.Clean(to) {
			p.To = ""
		}
		all[i] = p.Short()
	}
	return all
}

// bareApps returns apps without comments, in their shortest form.
func bareApps(apps []manifest.ExportedApp) []manifest.ExportedApp {
	all := slices.Clone(apps)
	for i, a := range all {
		a.Comment = ""
		all[i] = a.Short()
	}
	return all
}

func sameFound(a, b Container) bool {
	part := func(b Container) manifest.Container {
		return manifest.Container{Image: "x", Bins: manifest.Bins{Found: plain(b.Bins.Found)}}
	}
	return sameText(part(a), part(b))
}

// plain returns found programs without comments.
func plain(found []manifest.Found) []manifest.Found {
	all := slices.Clone(found)
	for i := range all {
		all[i].Comment = ""
	}
	return all
}

// Applicable implements [reconcile.Reporter]: the programs in the folders of a
// container are captured and never applied.
func (Domain) Applicable(c Container) Container {
	c.Bins.Found = nil
	return c
}

// Declared implements [reconcile.Repairer].
func (Domain) Declared(c Container) Container {
	c.ToDo = ToDo{}
	return c
}

// Merge implements [reconcile.Merger]. Each field is merged by itself, and lists by
// their elements.
func (Domain) Merge(base, ours, theirs Container) (Container, bool) {
	merged, ok := ours, true
	v, c, t := reflect.ValueOf(&merged.Container).Elem(), reflect.ValueOf(base.Container), reflect.ValueOf(theirs.Container)
	for i := range v.NumField() {
		if v.Type().Field(i).Name != "Bins" {
			ok = mergeField(v.Field(i), c.Field(i), t.Field(i)) && ok
		}
	}
	v, c, t = reflect.ValueOf(&merged.Bins).Elem(), reflect.ValueOf(base.Bins), reflect.ValueOf(theirs.Bins)
	for i := range v.NumField() {
		ok = mergeField(v.Field(i), c.Field(i), t.Field(i)) && ok
	}
	ok = mergeField(reflect.ValueOf(&merged.ImageID).Elem(), reflect.ValueOf(base.ImageID), reflect.ValueOf(theirs.ImageID)) && ok
	if ours.ToDo.isEmpty() {
		merged.ToDo = theirs.ToDo
	}
	return merged, ok
}

// mergeField adds to ours the changes between base and theirs.
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
	case *[]manifest.Program:
		*list = mergeLists(base.Interface().([]manifest.Program), *list, theirs.Interface().([]manifest.Program))
		return areUnique(*list)
	case *[]manifest.ExportedApp:
		*list = mergeLists(base.Interface().([]manifest.ExportedApp), *list, theirs.Interface().([]manifest.ExportedApp))
		return areUnique(*list)
	default:
		return false
	}
	return true
}

// areUnique reports whether no two items have the same key, as they have if one item was
// changed on both sides.
func areUnique[T interface{ Key() string }](list []T) bool {
	keys := map[string]bool{}
	for _, item := range list {
		if keys[item.Key()] {
			return false
		}
		keys[item.Key()] = true
	}
	return true
}

// mergeLists adds to ours the elements that theirs has and base does not, and removes
// those that base has and theirs does not.
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

// entry returns the entry that a container was created from, and whether bkt created it
// with this name: a copy has the label of another container.
func entry(c manager.Container, name string) (Container, bool) {
	made, item, ok := creation.ParseLabel(c.Labels[creation.LabelName])
	return Container{Name: made, Container: item}, ok && made == name
}

// Ini returns containers in the format of "distrobox assemble", and notes on values that
// it omits: see [creation.Creator.Ini].
func (d Domain) Ini(containers []Container) (text string, notes []string) {
	var all []creation.Container
	for _, item := range containers {
		all = append(all, creation.Container{
			Name: item.Name, Entry: item.Container, InHome: item.InHome,
			Programs: d.wanted(item.Container, item.Bins.Found), To: d.to(item.Container),
		})
	}
	return d.creator().Ini(all)
}
