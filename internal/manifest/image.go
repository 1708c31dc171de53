package manifest

import (
	"errors"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/strictjson"

	"github.com/distribution/reference"
)

// Images has the bases, names, labels and checks of the images: image.json.
type Images struct {
	Schema  string `json:"$schema,omitempty"`
	System  Image  `json:"system,omitempty"`  // the image that the computer boots
	Toolbox Image  `json:"toolbox,omitempty"` // the image of the development container
}

// An Image is one of the two images of a repository.
type Image struct {
	Base      Base              `json:"base,omitzero"`       // the image that it is built on
	Name      string            `json:"name,omitempty"`      // to push it to, such as "quay.io/someone/workstation:latest"
	Platforms []string          `json:"platforms,omitempty"` // to build for, such as "linux/amd64"; default: the platform of the engine
	Labels    map[string]string `json:"labels,omitempty"`    // labels of the image: names and values
	Build     Build             `json:"build,omitzero"`
	Checks    []string          `json:"checks,omitempty"` // shell commands that must succeed in the finished image
	Comment   string            `json:"comment,omitempty"`
}

// A Build has arguments of every build of an image.
type Build struct {
	Args   map[string]string `json:"args,omitempty"`   // values of the Containerfile's ARG instructions
	Target string            `json:"target,omitempty"` // the stage that is the image; default: the last one
}

// A Base is the image that another image is built on.
type Base struct {
	Image  string `json:"image"`            // with a tag, without a digest
	Digest string `json:"digest,omitempty"` // of the tag when it was last resolved: "sha256:…"
	As     string `json:"as,omitempty"`     // name of its stage, for references from other stages
}

// ParseBase returns the base with the given reference, as [Base.String] writes it,
// without checking it (see [Base.Check]).
func ParseBase(reference string) Base {
	image, digest, _ := strings.Cut(reference, "@")
	return Base{Image: image, Digest: digest}
}

// Check returns an error if a manifest may not have the base.
func (b Base) Check() error {
	err := checkImageName(b.Image)
	if err == nil && b.Digest != "" {
		err = checkDigest(b.Digest)
	}
	if err == nil && b.As != "" {
		err = checkStage(b.As)
	}
	return err
}

// String returns the reference of the base, with its digest if that is known.
func (b Base) String() string {
	if b.Digest == "" {
		return b.Image
	}
	return b.Image + "@" + b.Digest
}

func (f Images) canonical() Images {
	f.System = f.System.canonical()
	f.Toolbox = f.Toolbox.canonical()
	return f
}

func (i Image) canonical() Image {
	i.Platforms = sorted(i.Platforms, strings.Compare)
	return i
}

func (f Images) check(r *strictjson.Report) {
	f.System.check(r.Object("/system"))
	f.Toolbox.check(r.Object("/toolbox"))
}

func (i Image) check(o strictjson.Object) {
	if i.Base != (Base{}) || o.Has(o.Pointer+"/base") {
		base := o.Within("base")
		base.Required("image", i.Base.Image, checkImageName)
		base.Optional("digest", i.Base.Digest, checkDigest)
		base.Optional("as", i.Base.As, checkStage)
	}
	o.Optional("name", i.Name, checkImageName)
	o.List("platforms", "platform", i.Platforms, checkPlatform)
	checkNamed(o.Within("labels"), "label", i.Labels, checkLabel)
	build := o.Within("build")
	checkNamed(build.Within("args"), "argument", i.Build.Args, checkBuildArgument)
	build.Optional("target", i.Build.Target, checkStage)
	o.List("checks", "check", i.Checks, checkCommand)
	checkItemComment(o, i.Comment)
}

const (
	hintImage    = `write an image as REGISTRY/NAME:TAG in lower case, such as "quay.io/fedora/fedora-bootc:43"`
	hintPlatform = `write a platform as "linux/amd64" or "linux/arm64"`
	hintStage    = `the name of a stage begins with a letter and has letters, digits, "-", "_" and ".", such as "base"`
	hintLabel    = `the name of a label has letters, digits, ".", "_", "-" and "/", such as "org.opencontainers.image.title"`
	hintArgument = `an argument is named as in its ARG, such as "VERSION"`
	hintCommand  = `join commands that belong together with &&, and write others as separate items`
)

// checkImageName checks the name of an image on a registry.
func checkImageName(s string) error {
	name, digest, pinned := strings.Cut(s, "@")
	switch _, err := reference.ParseNormalizedNamed(name); {
	case strings.Contains(s, "://"):
		return hint.Add(errors.New("is a URL"), hintImage)
	case err != nil:
		return hint.Add(errors.New("is not a valid image name"), hintImage)
	case pinned:
		return hint.Add(errors.New("has a digest"), `remove it here; a base has the field "digest": %s`, strictjson.Quote(digest))
	}
	return nil
}

// checkStage checks the name of a stage of a Containerfile. BuildKit reserves two.
func checkStage(s string) error {
	switch strings.ToLower(s) {
	case "scratch", "context":
		return hint.Add(errors.New("is reserved in a Containerfile"), hintStage)
	}
	return hint.Add(checkSpelling(s, latin, letters.with(".-")), hintStage)
}

// architectures are the possible architectures of an image, by their names in images;
// unames maps other names from "uname -m" to these.
var (
	architectures = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}
	unames        = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm/v7"}
)

func checkPlatform(s string) error {
	system, arch, _ := strings.Cut(s, "/")
	arch, variant, varied := strings.Cut(arch, "/")
	err := errors.New("is not a platform")
	switch other, ok := unames[arch]; {
	case system == "linux" && slices.Contains(architectures, arch) && (!varied || checkSpelling(variant, letters, letters) == nil):
		return nil
	case ok:
		return hint.Add(err, "write %q", "linux/"+other)
	case unames[s] != "":
		return hint.Add(err, "write %q", "linux/"+unames[s])
	case slices.Contains(architectures, s):
		return hint.Add(err, "write %q", "linux/"+s)
	}
	return hint.Add(err, hintPlatform)
}

func checkLabel(name string) error {
	return hint.Add(checkSpelling(name, letters, letters.with(".-/")), hintLabel)
}

// checkBuildArgument checks the name of an argument of a build.
func checkBuildArgument(name string) error {
	return hint.Add(checkVariableName(name), hintArgument)
}

// checkCommand checks the form of a shell command, not whether it exists.
func checkCommand(s string) error {
	err := checkLine(s)
	if strings.Contains(s, "\n") {
		err = hint.Add(errors.New("has several lines"), hintCommand)
	}
	return err
}
