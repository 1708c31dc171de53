package buildkit

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/ocilayout"
	"bkt/internal/patherr"

	"github.com/containerd/platforms"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sys/unix"
)

// InputsLabel is the label with the digest of what an image was built from.
const InputsLabel = "bkt.inputs"

// SourcesLabel is the label with the digest of those inputs of an image that lie
// in its repository.
const SourcesLabel = "bkt.sources"

// Inputs are what decides what a build yields, in so far as it can be known
// without building: what a RUN fetches from the network is not among it.
type Inputs struct {
	// Open are the images that the build reads from a registry by a tag. What
	// they point at has to be found out.
	Open []string

	known inputs
	file  *dockerfile.File
}

// inputs is what a digest is made of. A new field makes all images new.
type inputs struct {
	Version       string
	Containerfile string
	Files         []inputFile
	Images        map[string]string // the digests of images, by the names in the Containerfile
	Args          map[string]string
	Labels        map[string]string
	Platforms     []string
	Compression   string
	Attest        map[string]string
}

// inputFile is a file, a folder or a link of the context or of a named one.
type inputFile struct {
	Context, Path, Link string
	Mode                uint32
	Content             digest.Digest
}

// Digest returns the digest of the inputs, given those of the images that were
// open.
func (in Inputs) Digest(images map[string]digest.Digest) (digest.Digest, error) {
	known := in.known
	known.Images = maps.Clone(known.Images)
	for _, name := range in.Open {
		d, ok := images[name]
		if !ok {
			return "", fmt.Errorf("the digest of %s is not known", name)
		}
		known.Images[name] = d.String()
	}
	data, err := json.Marshal(known)
	return digest.FromBytes(data), err
}

// Sources returns the digest of the Containerfile and of the files of the context
// that it reads, whatever else the build is told.
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

// Inputs returns what decides what a build of s yields.
func (b Builder) Inputs(ctx context.Context, s Spec) (Inputs, error) {
	in := Inputs{known: inputs{
		Version:     b.Config.Version,
		Images:      map[string]string{},
		Args:        withoutProxies(s.Args),
		Labels:      s.Labels,
		Platforms:   s.Platforms,
		Compression: b.compression(),
		Attest:      b.Attest,
	}}
	if len(s.Platforms) == 0 {
		in.known.Platforms = []string{"linux/" + runtime.GOARCH}
	}
	f, root, file, err := openSources(s)
	if err != nil {
		return in, err
	}
	in.file, in.known.Containerfile = f, string(f.Text)
	if err := in.addImages(f, s); err != nil {
		return in, err
	}
	return in, b.addFiles(ctx, &in, f, s, root, file)
}

// openSources parses the Containerfile of s, and returns the build context and the
// path of the file, too.
func openSources(s Spec) (f *dockerfile.File, root, file string, err error) {
	if root, err = filepath.Abs(s.Context); err != nil {
		return nil, root, file, err
	}
	dir, name := containerfile(s, root)
	file = filepath.Join(dir, name)
	f, err = parse(file, s)
	return f, root, file, err
}

// withoutProxies returns args without those that say how to reach the network.
func withoutProxies(args map[string]string) map[string]string {
	kept := maps.Clone(args)
	maps.DeleteFunc(kept, func(name, _ string) bool { return isProxy(name) })
	return kept
}

// isProxy says whether the argument name is one of those that BuildKit, too,
// leaves out of what decides about a step.
func isProxy(name string) bool {
	return slices.Contains([]string{"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"}, strings.ToLower(name))
}

// addImages adds the images that the Containerfile reads.
func (in *Inputs) addImages(f *dockerfile.File, s Spec) error {
	refs, err := references(f, s)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		_, pinned, _ := strings.Cut(ref, "@")
		if l, ok := layoutOf(s, ref); ok {
			in.known.Images[ref] = l.Digest.String()
		} else if pin, ok := s.Pins[ref]; ok && pinned == "" {
			in.known.Images[ref] = pin.String()
		} else if pinned != "" {
			in.known.Images[ref] = pinned
		} else if !isFolder(s, ref) && !f.HasStage(ref) {
			in.Open = append(in.Open, ref)
		}
	}
	return nil
}

// Remote returns the images that a build of s reads from registries, as the
// Containerfile names them.
func Remote(s Spec) ([]string, error) {
	dir, name := containerfile(s, s.Context)
	f, err := parse(filepath.Join(dir, name), s)
	if err != nil {
		return nil, err
	}
	refs, err := references(f, s)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(refs, func(ref string) bool {
		_, here := layoutOf(s, ref)
		return here || isFolder(s, ref) || f.HasStage(ref)
	}), nil
}

func isFolder(s Spec, name string) bool {
	for folder := range s.Folders {
		if dockerfile.SameImage(dockerfile.ShortName(folder), dockerfile.ShortName(name)) {
			return true
		}
	}
	return false
}

// addFiles adds the files that the build reads from its context and from named
// contexts that are folders.
func (b Builder) addFiles(ctx context.Context, in *Inputs, f *dockerfile.File, s Spec, root, file string) error {
	if sources := f.ContextPatterns(); len(sources) > 0 {
		tree, err := b.context(s, root, file)
		if err == nil {
			tree, err = fsutil.NewFilterFS(tree, &fsutil.FilterOpt{IncludePatterns: sources})
		}
		if err != nil {
			return err
		}
		if err := in.addTree(ctx, "", tree); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Folders)) {
		tree, err := fsutil.NewFS(s.Folders[name])
		if err != nil {
			return err
		}
		if err := in.addTree(ctx, name, tree); err != nil {
			return err
		}
	}
	return nil
}

// context returns the folder that is built from, as a build sees it.
func (b Builder) context(s Spec, root, file string) (fsutil.FS, error) {
	tree, err := contextFS(root, b.excluded(s))
	if err != nil {
		return nil, err
	}
	for _, name := range []string{file + ".dockerignore", filepath.Join(root, ".dockerignore")} {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, patherr.TrimOp(err)
		}
		defer f.Close()
		patterns, err := ignorefile.ReadAll(f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return fsutil.NewFilterFS(tree, &fsutil.FilterOpt{ExcludePatterns: patterns})
	}
	return tree, nil
}

// addTree adds all files of tree, which is a context.
func (in *Inputs) addTree(ctx context.Context, name string, tree fsutil.FS) error {
	return tree.Walk(ctx, "", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return patherr.TrimOp(err)
		}
		info, err := entry.Info()
		if err != nil {
			return patherr.TrimOp(err)
		}
		stat, ok := info.Sys().(*types.Stat)
		if !ok {
			return fmt.Errorf("%s: neither file nor folder", file)
		}
		f := inputFile{Context: name, Path: file, Link: stat.Linkname, Mode: stat.Mode}
		if info.Mode().IsRegular() {
			if f.Content, err = contentOf(tree, file); err != nil {
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

// Unchanged returns the image in the layout dir, and true, if it was built from
// what s says now, and all of it is there. It asks neither engine nor registry.
func (b Builder) Unchanged(ctx context.Context, s Spec, dir string) (ocilayout.Image, bool) {
	if s.NoCache || b.Pull || len(s.RerunLines)+len(b.Exports)+len(b.CacheTo) > 0 {
		return ocilayout.Image{}, false
	}
	_, errOurs := ocilayout.CheckOwn(dir)
	_, errOptions := b.options(s, dir)
	if errOurs != nil || errOptions != nil {
		return ocilayout.Image{}, false // a build says what is wrong
	}
	l, err := ocilayout.Find(dir, "")
	if err != nil {
		return l, false
	}
	in, err := b.Inputs(ctx, s)
	if err != nil || len(in.Open) > 0 {
		return l, false
	}
	want, err := in.Digest(nil)
	if err != nil {
		return l, false
	}
	config, err := l.Config(firstPlatform(s))
	return l, err == nil && config.Config.Labels[InputsLabel] == want.String()
}

// IsOutdated reports whether the Containerfile of s, or a file that it reads, is
// another one now than when the image l was built. An image that does not tell is
// an error.
func (b Builder) IsOutdated(ctx context.Context, s Spec, l ocilayout.Image) (bool, error) {
	platform := firstPlatform(s)
	if only, ok, err := l.Platform(); err == nil && ok {
		platform = only
	}
	config, err := l.Config(platform)
	if err != nil {
		return false, err
	}
	label := config.Config.Labels[SourcesLabel]
	if label == "" {
		return false, errors.New("it was built by another version of bkt")
	}
	f, root, file, err := openSources(s)
	if err != nil {
		return false, err
	}
	in := Inputs{known: inputs{Containerfile: string(f.Text)}}
	if err := b.addFiles(ctx, &in, f, s, root, file); err != nil {
		return false, err
	}
	now, err := in.Sources()
	return label != now.String(), err
}

func firstPlatform(s Spec) ocispec.Platform {
	if len(s.Platforms) > 0 {
		if p, err := platforms.Parse(s.Platforms[0]); err == nil {
			return p
		}
	}
	return platforms.DefaultSpec()
}

// parse reads and parses the Containerfile file of s.
func parse(file string, s Spec) (*dockerfile.File, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, patherr.TrimOp(err)
	}
	f, err := dockerfile.Parse(text)
	if err != nil {
		return nil, located(s.Containerfile, text, err)
	}
	return f, nil
}

// references returns what f reads in a build of s.
func references(f *dockerfile.File, s Spec) (dockerfile.References, error) {
	refs, err := f.References(dockerfile.Options{Platforms: s.Platforms, Args: s.Args})
	if err != nil {
		return nil, located(s.Containerfile, f.Text, err)
	}
	return refs, nil
}

// Unread returns the names of those images and folders of s that its
// Containerfile does not read, and what it reads instead. A mistake in the
// Containerfile is an error.
func Unread(s Spec) (unread, reads []string, err error) {
	dir, name := containerfile(s, s.Context)
	f, err := parse(filepath.Join(dir, name), s)
	if err != nil {
		return nil, nil, err
	}
	refs, err := references(f, s)
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
