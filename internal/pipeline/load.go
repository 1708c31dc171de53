package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/ocilayout"
	"bkt/internal/plan"

	"github.com/distribution/reference"
)

// A store keeps images on this machine.
type store struct {
	prefix  string // of names that choose it: its transport in containers-transports(5)
	program string // that owns it
	take    func(ctx context.Context, l ocilayout.Image, name string) error
}

// stores returns all stores, the first choice first.
func stores() []store {
	return []store{
		{"containers-storage:", "podman", intoPodman},
		{"docker-daemon:", "docker", intoDocker},
	}
}

// A loading is where to load an image, and under what name.
type loading struct {
	store
	name string
	also []store // the other ones that are installed
}

// loadInto parses STORE:NAME, or NAME for the first store whose program is installed.
func loadInto(text string) (loading, error) {
	candidates, name := stores(), text
	for _, s := range candidates {
		if rest, ok := strings.CutPrefix(text, s.prefix); ok {
			candidates, name = []store{s}, rest
		}
	}
	if err := checkLoadName(name); err != nil {
		return loading{}, fmt.Errorf("--load %s: %w", text, err)
	}
	here := slices.DeleteFunc(slices.Clone(candidates), func(s store) bool { return !host.Installed(s.program) })
	if len(here) == 0 {
		return loading{}, noStore(text, candidates)
	}
	return loading{here[0], name, here[1:]}, nil
}

// checkLoadName returns an error for a name that no store accepts, so that the user
// learns of it before the build.
func checkLoadName(name string) error {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return hint.Add(err, `use a name in lower case, as in "localhost/bootc-dev:latest"`)
	}
	if _, ok := named.(reference.Digested); ok {
		return errors.New("name it with a tag, not with a digest")
	}
	return nil
}

func noStore(text string, wanted []store) error {
	err := fmt.Errorf("--load %s: neither podman nor docker is installed", text)
	if len(wanted) == 1 {
		err = fmt.Errorf("--load %s: %s is not installed", text, wanted[0].program)
	}
	return hint.Add(err, `install %s, or write an archive for another machine: --output type=docker,dest=FILE`, wanted[0].program)
}

// LoadInto loads l under a name into the images of a program, podman or docker.
func LoadInto(ctx context.Context, program string, l ocilayout.Image, name string) error {
	i := slices.IndexFunc(stores(), func(s store) bool { return s.program == program })
	if i < 0 {
		return fmt.Errorf("cannot load an image into %s", program)
	}
	return stores()[i].take(ctx, l, name)
}

// load loads l into podman or docker.
func load(ctx context.Context, log Log, l ocilayout.Image, text string) error {
	to, err := loadInto(text)
	if err != nil {
		return err
	}
	l, release, err := hold(ctx, log, l.Dir, l.Digest.String())
	if err != nil {
		return err
	}
	defer release()
	if err := to.take(ctx, l, to.name); err != nil {
		err = fmt.Errorf("loading %s into %s: %w", to.name, to.program, err)
		return hint.Add(err, `the image is in %s; does "%s info" work?`, l.Dir, to.program)
	}
	log.Note("loaded into %s as %s", to.program, to.name)
	for _, s := range to.also {
		log.Note("%s is installed, too: to load into it, use --load %s", s.program, s.prefix+to.name)
	}
	return nil
}

// intoPodman copies l into podman's images and tags it with name.
func intoPodman(ctx context.Context, l ocilayout.Image, name string) error {
	return host.Executor{}.UseTempDir(func(dir string) error { return podmanPull(ctx, l, name, dir) })
}

// podmanPull is intoPodman, with a folder for temporary files.
func podmanPull(ctx context.Context, l ocilayout.Image, name, dir string) error {
	// Older versions of podman name the image after the path, which may not be a valid
	// name. So they get a path that is one, with only this image.
	link := filepath.Base(dir)
	if err := l.Link(filepath.Join(dir, link)); err != nil {
		return err
	}
	out, err := host.Executor{}.Output(ctx, plan.Run{Dir: dir, Argv: []string{"podman", "pull", "--quiet", "oci:" + link}})
	if err != nil {
		return err
	}
	id := strings.TrimSpace(string(out))
	_, err = host.Executor{}.Output(ctx, plan.Run{Argv: []string{"podman", "tag", id, name}})
	if _, absent := (host.Query{}).Output(ctx, plan.Run{Argv: []string{"podman", "image", "exists", "localhost/" + link}}); absent == nil {
		_, errUntag := host.Executor{}.Output(ctx, plan.Run{Argv: []string{"podman", "untag", id, "localhost/" + link}})
		err = errors.Join(err, errUntag)
	}
	if err == nil {
		err = checkNamed(ctx, "podman", name, id)
	}
	return err
}

// checkNamed returns an error unless a program has an image called name, with this id
// if it is not empty.
func checkNamed(ctx context.Context, program, name, id string) error {
	out, err := host.Query{}.Output(ctx, plan.Run{Argv: []string{program, "image", "inspect", "--format={{.Id}}", name}})
	if err != nil {
		return fmt.Errorf("it reported success, but has no image with this name: %w", err)
	}
	if is := strings.TrimSpace(string(out)); id != "" && strings.TrimPrefix(is, "sha256:") != strings.TrimPrefix(id, "sha256:") {
		return fmt.Errorf("it reported success for the image %s, but %s is the image %s", id, name, is)
	}
	return nil
}

// intoDocker loads an archive of l, in which the image has this name, into docker.
func intoDocker(ctx context.Context, l ocilayout.Image, name string) error {
	cfg, err := Startable()
	if err != nil {
		return err
	}
	err = host.Executor{}.UseTempDir(func(dir string) error {
		archive := filepath.Join(dir, "image.tar")
		if _, err := answer(ctx, cfg.Program, "export", "--digest="+l.Digest.String(), l.Dir, archive, name); err != nil {
			return err
		}
		_, err := host.Executor{}.Output(ctx, plan.Run{Argv: []string{"docker", "load", "--quiet", "--input", archive}})
		return err
	})
	if err != nil {
		return err
	}
	return checkNamed(ctx, "docker", name, "") // ids are not the same in all of its stores
}
