package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/distribution/reference"
)

// Containers has the containers of distrobox: distrobox.json.
type Containers struct {
	Schema     string               `json:"$schema,omitempty"`
	Containers map[string]Container `json:"containers"` // the containers, by name
}

// A Container is a container of distrobox.
type Container struct {
	Image           string            `json:"image"`                      // that it is created from, such as "ghcr.io/someone/toolbox:latest"
	Packages        []string          `json:"packages,omitempty"`         // installed at setup, in addition to packages of the image
	Bins            Bins              `json:"bins,omitempty"`             // programs to export to the host
	ExportedApps    []ExportedApp     `json:"exported_apps,omitempty"`    // desktop entries to export to the host
	InitHooks       []Hook            `json:"init_hooks,omitempty"`       // shell commands at every start
	PreInitHooks    []PreHook         `json:"pre_init_hooks,omitempty"`   // shell commands before its setup
	Volume          []string          `json:"volume,omitempty"`           // further mounts: HOST:CONTAINER
	Pull            bool              `json:"pull,omitzero"`              // pull a newer image when it is created
	Home            string            `json:"home,omitempty"`             // its own home on the host; default: the home of the host
	Init            bool              `json:"init,omitzero"`              // run an init system
	Nvidia          bool              `json:"nvidia,omitzero"`            // with the drivers of the host
	Unshare         []string          `json:"unshare,omitempty"`          // what it does not share with the host: devsys, groups, ipc, netns, process
	Root            bool              `json:"root,omitzero"`              // belongs to root
	Path            []string          `json:"path,omitempty"`             // folders of PATH, in order
	Env             map[string]string `json:"env,omitempty"`              // other variables of its environment
	AdditionalFlags []string          `json:"additional_flags,omitempty"` // for podman
	Hosts           Hosts             `json:"hosts,omitempty"`            // the only computers for it; default: all
	Comment         string            `json:"comment,omitempty"`
}

// ToolboxContainer is the name of the container that the toolbox image is for.
const ToolboxContainer = "bootc-dev"

// Toolbox returns the name of the container that the toolbox image is for: the
// one called [ToolboxContainer], or else the only one.
func (f Containers) Toolbox() (name string, ok bool) {
	if _, ok := f.Containers[ToolboxContainer]; ok {
		return ToolboxContainer, true
	}
	for name := range f.Containers {
		return name, len(f.Containers) == 1
	}
	return "", false
}

// OfToolbox returns the names of the containers that are created from the toolbox image,
// sorted. image is its name in image.json, or empty. They are the container called
// [ToolboxContainer], and all others of the same image or of that name. An only container
// of a local image is one, too: no registry has that image.
func (f Containers) OfToolbox(image string) []string {
	dev, hasDev := f.Containers[ToolboxContainer]
	var all []string
	for _, name := range slices.Sorted(maps.Keys(f.Containers)) {
		own := f.Containers[name].Image
		switch {
		case name == ToolboxContainer, hasDev && sameImage(own, dev.Image), image != "" && sameImage(own, image),
			len(f.Containers) == 1 && IsLocalImage(own):
			all = append(all, name)
		}
	}
	return all
}

// IsLocalImage reports whether an image is only on this computer, as podman names those that
// it builds.
func IsLocalImage(name string) bool { return strings.HasPrefix(name, "localhost/") }

// sameImage reports whether two names of images are the same reference.
func sameImage(a, b string) bool {
	x, errX := FullImage(a)
	y, errY := FullImage(b)
	return errX == nil && errY == nil && x == y || a == b
}

// FullImage returns the name of the image of a container, with its registry, and with a tag
// if it has no digest. The name of what is not in a registry, such as an archive, is an error.
func FullImage(name string) (string, error) {
	if slices.ContainsFunc(transports, func(t string) bool { return strings.HasPrefix(name, t) }) {
		return "", errors.New("it is not in a registry")
	}
	ref, err := reference.ParseNormalizedNamed(strings.TrimPrefix(name, "docker://"))
	if err != nil {
		return "", errors.New("it has no name in a registry")
	}
	return reference.TagNameOnly(ref).String(), nil
}

func (f Containers) canonical() Containers {
	boxes := map[string]Container{}
	for name, b := range f.Containers {
		boxes[name] = b.canonical()
	}
	f.Containers = boxes
	return f
}

func (b Container) canonical() Container {
	b.Packages = sorted(b.Packages, strings.Compare)
	b.Bins = b.Bins.canonical()
	b.ExportedApps = slices.Compact(sortItems(b.ExportedApps))
	b.InitHooks = slices.Clone(b.InitHooks)
	for i, h := range b.InitHooks {
		b.InitHooks[i] = h.canonical()
	}
	b.PreInitHooks = slices.Clone(b.PreInitHooks)
	for i, h := range b.PreInitHooks {
		b.PreInitHooks[i] = h.canonical()
	}
	b.Unshare = sorted(b.Unshare, strings.Compare)
	b.Hosts = b.Hosts.canonical()
	return b
}

func (f Containers) check(r *strictjson.Report) {
	for _, name := range slices.Sorted(maps.Keys(f.Containers)) {
		o := r.Object(pointerTo(name))
		if o.VerifyName(o.Pointer, "container", name, checkContainerName) {
			f.Containers[name].check(o)
		}
	}
}

func (b Container) check(o strictjson.Object) {
	o.Required("image", b.Image, checkContainerImage)
	o.List("packages", "package", b.Packages, checkContainerPackage)
	b.Bins.check(o.Within("bins"))
	checkItems(o, "exported_apps", "app", b.ExportedApps)
	b.checkHooks(o)
	o.List("volume", "volume", b.Volume, checkArgument)
	o.Optional("home", b.Home, checkHomePath)
	o.List("unshare", "namespace", b.Unshare, strictjson.OneOf("devsys", "groups", "ipc", "netns", "process"))
	o.List("path", "folder", b.Path, checkPathEntry)
	checkNamed(o.Within("env"), "variable", b.Env, checkVariable)
	b.checkFlags(o)
	checkNotes(o, b.Hosts, b.Comment)
}

func (b Container) checkHooks(o strictjson.Object) {
	for i, h := range b.InitHooks {
		h.check(o.Object(strictjson.Item(o.Pointer+"/init_hooks", i)))
	}
	for i, h := range b.PreInitHooks {
		h.check(o.Object(strictjson.Item(o.Pointer+"/pre_init_hooks", i)))
	}
}

// CheckVariable returns the error of a variable in "env", nil if it is valid.
func CheckVariable(name, value string) error { return cmp.Or(checkVariable(name), checkAny(value)) }

// CheckFlag returns the error of a flag in "additional_flags", nil if it is valid.
func CheckFlag(flag string) error { return checkLine(flag) }

// checkFlags checks that no flag sets PATH, which has its own field.
func (b Container) checkFlags(o strictjson.Object) {
	before := ""
	for _, flag := range entries(o.Pointer+"/additional_flags", b.AdditionalFlags) {
		if !o.Verify(flag.Pointer, "flag", flag.Text, checkLine) {
			continue
		}
		for _, word := range strings.Fields(flag.Text) {
			word = strings.Trim(word, `"'`)
			if setsPath(before, word) {
				o.Add(flag.Pointer, hint.Add(fmt.Errorf("flag %s sets PATH", strictjson.Quote(flag.Text)), hintPath))
			}
			before = word
		}
	}
}

// setsPath reports whether a word of podman's command line, which follows the word
// before, sets PATH.
func setsPath(before, word string) bool {
	if before != "--env" && before != "-e" {
		var ok bool
		if word, ok = strings.CutPrefix(word, "--env="); !ok {
			if word, ok = strings.CutPrefix(word, "-e"); !ok {
				return false
			}
			word = strings.TrimPrefix(word, "=")
		}
	}
	name, _, _ := strings.Cut(strings.Trim(word, `"'`), "=")
	return name == "PATH"
}

const (
	hintPath       = `put the folders into "path"`
	hintBox        = `the name of a container has letters, digits, "_", "." and "-", such as "dev"`
	hintBoxImage   = `write an image as REGISTRY/NAME:TAG in lower case, such as "ghcr.io/someone/toolbox:latest"`
	hintPathEntry  = `an item of "path" is one folder, such as "/usr/local/bin", "~/.local/bin" or "$PATH"`
	hintBoxPackage = `write a package as the package manager of the container takes it, such as "gcc"`
)

func checkContainerName(name string) error {
	return hint.Add(checkSpelling(name, letters, letters.with(".-")), hintBox)
}

// transports are podman's sources of images other than registries.
var transports = []string{"containers-storage:", "docker-archive:", "docker-daemon:", "dir:", "oci-archive:", "oci:"}

// checkContainerImage checks an image as podman takes it, with or without tag and digest.
func checkContainerImage(s string) error {
	if err := checkArgument(s); err != nil {
		return hint.Add(err, hintBoxImage)
	}
	if strings.ContainsAny(s, " \t") {
		return hint.Add(errors.New("has a blank"), hintBoxImage)
	}
	if slices.ContainsFunc(transports, func(t string) bool { return strings.HasPrefix(s, t) }) {
		return nil
	}
	if _, err := reference.ParseAnyReference(strings.TrimPrefix(s, "docker://")); err != nil {
		return hint.Add(errors.New("is not a valid image name"), hintBoxImage)
	}
	return nil
}

// checkContainerPackage checks a package of any distribution. distrobox does not quote it in
// its command line.
func checkContainerPackage(s string) error {
	return hint.Add(checkSpelling(s, firstName.with("@"), inName.with("=")), hintBoxPackage)
}

func checkPathEntry(s string) error {
	err := checkTrimmed(s)
	switch {
	case err != nil:
	case strings.Contains(s, ":"):
		err = errors.New("may not contain ':'")
	case s == "$PATH":
	case strings.HasPrefix(s, "$HOME/"):
		return hint.Add(errors.New("would be taken literally"), "write %q", "~"+strings.TrimPrefix(s, "$HOME"))
	case s[0] == '$':
		err = errors.New("would be taken literally")
	case !strings.ContainsRune("/~", rune(s[0])):
		err = errors.New("is relative")
	}
	return hint.Add(err, hintPathEntry)
}

var firstVariable = charset{}.with("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")

// checkVariableName checks the name of a variable of a shell.
func checkVariableName(s string) error { return checkSpelling(s, firstVariable, letters) }

// checkVariable checks the name of a variable of a container, except PATH, which has its own
// field.
func checkVariable(s string) error {
	if s == "PATH" {
		return hint.Add(errors.New("is not allowed here"), hintPath)
	}
	return checkVariableName(s)
}

// InHome reports whether a value of the environment, or an item of it between
// colons, is a path in the user's home: ~ or below.
func InHome(text string) bool {
	return slices.ContainsFunc(strings.Split(text, ":"), func(part string) bool {
		return part == "~" || strings.HasPrefix(part, "~/")
	})
}
