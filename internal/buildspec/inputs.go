package buildspec

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/patherr"
	"bkt/internal/proxy"

	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sys/unix"
)

// InputsLabel is the label of an image with the digest of its inputs.
const InputsLabel = "bkt.inputs"

// SourcesLabel is the label of an image with the digest of the inputs that are in its
// repository.
const SourcesLabel = "bkt.sources"

// Inputs are all facts that determine the result of a build and are known without
// building. Downloads of a RUN are not part of it.
type Inputs struct {
	// Open are the images that the build reads from a registry by a tag, whose
	// digests the caller must find out.
	Open []string

	known inputs
	file  *dockerfile.File
}

// inputs has the data of a digest. A new field changes the digests of all images.
type inputs struct {
	Version       string
	Containerfile string
	Files         []inputFile
	Images        map[string]string // the digests of images, by the names in the Containerfile
	Args          map[string]string
	Target        string `json:",omitempty"`
	Labels        map[string]string
	Platforms     []string
	Compression   string
	Attest        map[string]string
}

// An inputFile is a file, a folder or a link of the build context or of a named
// one.
type inputFile struct {
	Context, Path, Link string
	Mode                uint32
	Content             digest.Digest
}

// Digest returns the digest of the inputs. images has the digests of the open
// images.
func (in Inputs) Digest(images map[string]digest.Digest) (digest.Digest, error) {
	known := in.known
	known.Images = maps.Clone(known.Images)
	for _, name := range in.Open {
		d, ok := images[name]
		if !ok {
			return "", fmt.Errorf("the digest of %s is unknown", name)
		}
		known.Images[name] = d.String()
	}
	data, err := json.Marshal(known)
	return digest.FromBytes(data), err
}

// Sources returns the digest of the Containerfile and of the files that it
// reads from the build context, without the other inputs.
func (in Inputs) Sources() (digest.Digest, error) {
	sources := inputs{Containerfile: in.known.Containerfile}
	for _, f := range in.known.Files {
		if f.Context == "" {
			sources.Files = append(sources.Files, f)
		}
	}
	data, err := json.Marshal(sources)
	return digest.FromBytes(data), err
}

// Options are the settings of a builder that affect the result of a build.
type Options struct {
	Version     string // of bkt
	Compression string // of new layers
	Attest      map[string]string
	Exclude     []string // folders that are never sent
}

// Inputs returns the inputs that determine the result of a build of s.
func (s Spec) Inputs(ctx context.Context, o Options) (Inputs, error) {
	in := Inputs{known: inputs{
		Version:     o.Version,
		Images:      map[string]string{},
		Args:        withoutProxies(s.Args),
		Target:      s.Target,
		Labels:      s.Labels,
		Platforms:   s.Platforms,
		Compression: o.Compression,
		Attest:      o.Attest,
	}}
	if len(s.Platforms) == 0 {
		in.known.Platforms = []string{"linux/" + runtime.GOARCH}
	}
	f, err := s.Parse()
	if err != nil {
		return in, err
	}
	if err := s.CheckTarget(f); err != nil {
		return in, err
	}
	in.file, in.known.Containerfile = f, string(f.Text)
	if err := in.addImages(f, s); err != nil {
		return in, err
	}
	return in, in.addFiles(ctx, f, s, o.Exclude)
}

// SourcesDigest returns the [Inputs.Sources] of s, without looking at anything
// else.
func (s Spec) SourcesDigest(ctx context.Context, exclude []string) (digest.Digest, error) {
	f, err := s.Parse()
	if err != nil {
		return "", err
	}
	in := Inputs{known: inputs{Containerfile: string(f.Text)}}
	if err := in.addFiles(ctx, f, s, exclude); err != nil {
		return "", err
	}
	return in.Sources()
}

// HasLabel returns a function that reports whether the Containerfile, and not the base
// image, gives the image of s a label.
func (in Inputs) HasLabel(s Spec) func(name string) bool {
	names, known := in.file.Labels(s.options())
	return func(name string) bool {
		_, added := s.Labels[name]
		return !known || added || slices.Contains(names, name)
	}
}

// FinalBase returns the image that the final stage is built on, in a build for the
// first platform of s; see [dockerfile.File.FinalBase].
func (in Inputs) FinalBase(s Spec) string { return in.file.FinalBase(s.options(), s.IsFolder) }

// withoutProxies returns args without the proxies. BuildKit, too, ignores proxies when
// it decides whether to run a step again.
func withoutProxies(args map[string]string) map[string]string {
	kept := maps.Clone(args)
	maps.DeleteFunc(kept, func(name, _ string) bool { return proxy.IsVariable(name) })
	return kept
}

// addImages adds the images that the Containerfile reads.
func (in *Inputs) addImages(f *dockerfile.File, s Spec) error {
	refs, err := s.References(f)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		_, pinned, _ := strings.Cut(ref, "@")
		if l, ok := s.Layout(ref); ok {
			in.known.Images[ref] = l.Digest.String()
		} else if pin, ok := s.Pins[ref]; ok && pinned == "" {
			in.known.Images[ref] = pin.String()
		} else if pinned != "" {
			in.known.Images[ref] = pinned
		} else if !s.IsFolder(ref) && !f.HasStage(ref) {
			in.Open = append(in.Open, ref)
		}
	}
	return nil
}

// addFiles adds the files that the build reads from its context and from folders.
func (in *Inputs) addFiles(ctx context.Context, f *dockerfile.File, s Spec, exclude []string) error {
	all, err := s.trees(f, exclude)
	if err != nil {
		return err
	}
	for _, t := range all {
		if err := in.addTree(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// addTree adds all files of a tree.
func (in *Inputs) addTree(ctx context.Context, t tree) error {
	return t.walk(ctx, func(file string, entry fs.DirEntry) error {
		stat, err := statOf(file, entry)
		if err != nil {
			return err
		}
		f := inputFile{Context: t.name, Path: file, Link: stat.Linkname, Mode: stat.Mode}
		if fs.FileMode(stat.Mode).IsRegular() {
			if f.Content, err = contentOf(t, file); err != nil {
				return err
			}
		}
		in.known.Files = append(in.known.Files, f)
		return nil
	})
}

func contentOf(tree fsutil.FS, file string) (digest.Digest, error) {
	r, err := tree.Open(file)
	if errors.Is(err, unix.ENXIO) {
		return "", nil // a socket, which is not sent
	}
	if err != nil {
		return "", patherr.TrimOp(err)
	}
	defer r.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, r)
	return digest.NewDigest(digest.SHA256, hash), err
}
