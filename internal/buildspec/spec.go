// Package buildspec describes the inputs of an image: its Containerfile, the build
// context, and replacements for images. It reads files, and contacts neither engine nor
// registry.
package buildspec

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/opencontainers/go-digest"
)

// OutputFolder is the folder in a repository for the images that are built. It is not part
// of the build context.
const OutputFolder = "build"

// A Spec describes the inputs of an image.
type Spec struct {
	Containerfile string                     // path of the file, inside Context
	Text          []byte                     // of the Containerfile; nil: it is read from its file
	Context       string                     // folder that COPY and bind mounts read
	Platforms     []string                   // such as "linux/arm64"; empty: the engine's own
	Args          map[string]string          // build arguments
	DeclaredArgs  []string                   // the names of those that a manifest declares
	Target        string                     // the stage that is the image; empty: the last one
	Images        map[string]ocilayout.Image // FROM references and named contexts that are read from OCI layouts
	Folders       map[string]string          // named contexts that are folders
	Pins          map[string]digest.Digest   // images of registries that are read only by these digests
	Labels        map[string]string          // of the image, in addition to those of the Containerfile
	Provenance    map[string]string          // labels about where the image comes from, which are no inputs; those of the Containerfile win
	NoCache       bool                       // run every step again
	RerunLines    []int                      // run the commands of these lines again, and all steps that depend on them
	NamedLines    []int                      // RUN instructions that mount a folder, and read in it only files with names in UTF-8
}

// Locate returns the folder that the Containerfile is sent from, and its path in that
// folder. The folder is root, the build context, if the file is in it, so that a
// Containerfile.dockerignore next to it is used and messages have the whole path.
func (s Spec) Locate(root string) (dir, name string) {
	file := s.Containerfile
	if !filepath.IsAbs(file) {
		file = filepath.Join(root, file)
	}
	if rel, err := filepath.Rel(root, file); err == nil && filepath.IsLocal(rel) {
		return root, rel
	}
	return filepath.Dir(file), filepath.Base(file)
}

// Parse reads and parses the Containerfile. A syntax error is a [StepError].
func (s Spec) Parse() (*dockerfile.File, error) {
	text, err := s.text(s.Context)
	if err != nil {
		return nil, err
	}
	f, err := dockerfile.Parse(text)
	if err != nil {
		return nil, located(s.Containerfile, text, err)
	}
	return f, nil
}

// text returns the text of the Containerfile. root is the build context.
func (s Spec) text(root string) ([]byte, error) {
	if s.Text != nil {
		return s.Text, nil
	}
	dir, name := s.Locate(root)
	return read(dir, name)
}

// References returns the images and folders that the Containerfile f reads in a build
// of s.
func (s Spec) References(f *dockerfile.File) (dockerfile.References, error) {
	refs, err := f.References(s.options())
	if err != nil {
		return nil, located(s.Containerfile, f.Text, err)
	}
	return refs, nil
}

// Unread returns the names of the images and folders of s that the Containerfile does
// not read, and those that it reads instead.
func (s Spec) Unread() (unread, reads []string, err error) {
	f, err := s.Parse()
	if err != nil {
		return nil, nil, err
	}
	refs, err := s.References(f)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(s.Images)), slices.Sorted(maps.Keys(s.Folders))) {
		if len(refs.Matching(name)) == 0 {
			unread = append(unread, name)
		}
	}
	return unread, refs, nil
}

// CheckTarget returns an error if the Containerfile f has no stage that is the target.
func (s Spec) CheckTarget(f *dockerfile.File) error {
	if s.Target == "" || f.Final(s.options()) >= 0 {
		return nil
	}
	var names []string
	for _, stage := range f.Stages {
		if stage.Name != "" {
			names = append(names, stage.Name)
		}
	}
	err := fmt.Errorf("target %q: %s has no stage with this name", s.Target, s.Containerfile)
	if len(names) == 0 {
		return hint.Add(err, "name the stage, as in \"FROM … AS %s\"", s.Target)
	}
	return hint.Add(err, "its stages are %s", strings.Join(names, ", "))
}

// options returns the arguments and platforms for the Containerfile.
func (s Spec) options() dockerfile.Options {
	return dockerfile.Options{Platforms: s.Platforms, Args: s.Args, Target: s.Target}
}

// Remote returns the images that a build of s reads from registries, with their
// names in the form of [dockerfile.ShortName].
func (s Spec) Remote() ([]string, error) {
	f, err := s.Parse()
	if err != nil {
		return nil, err
	}
	refs, err := s.References(f)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(refs, func(ref string) bool {
		_, here := s.Layout(ref)
		return here || s.IsFolder(ref) || f.HasStage(ref)
	}), nil
}

// Layout returns the image of a layout that s reads in place of the image name.
func (s Spec) Layout(name string) (ocilayout.Image, bool) {
	if l, ok := s.Images[name]; ok {
		return l, true
	}
	for _, other := range slices.Sorted(maps.Keys(s.Images)) {
		if sameName(other, name) {
			return s.Images[other], true
		}
	}
	return ocilayout.Image{}, false
}

// IsFolder reports whether s reads a folder in place of the image name.
func (s Spec) IsFolder(name string) bool {
	for folder := range s.Folders {
		if sameName(folder, name) {
			return true
		}
	}
	return false
}

// sameName reports whether a name of s means what a Containerfile names.
func sameName(own, name string) bool {
	return dockerfile.SameImage(dockerfile.ShortName(own), dockerfile.ShortName(name))
}

// CheckOutput returns an error if dir is a layout that s reads: the build would
// write to it.
func (s Spec) CheckOutput(dir string) error {
	to, err := os.Stat(dir)
	if err != nil {
		return nil // it does not exist yet
	}
	for name, l := range s.Images {
		if from, err := os.Stat(l.Dir); err == nil && os.SameFile(from, to) {
			err := fmt.Errorf("%s: the build reads the image %s from there", dir, name)
			return hint.Add(err, "write to another folder")
		}
	}
	return nil
}
