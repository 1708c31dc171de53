package scaffold

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

// Defaults of the base images.
const (
	DefaultBase        = "quay.io/fedora/fedora-bootc:43"
	DefaultToolboxBase = "registry.fedoraproject.org/fedora-toolbox:43"
)

// Flags are the answers that the command line has already; nil: it has none. An empty one
// stands for the default.
type Flags struct {
	Name        *string `placeholder:"NAME" help:"Name of the images (default: that of the folder)."`
	Base        *string `placeholder:"IMAGE" help:"Base image of the system (default: as in its Containerfile, or ${defaultBase})."`
	ToolboxBase *string `placeholder:"IMAGE" help:"Base image of the toolbox (default: as in its Containerfile, or ${defaultToolboxBase})."`
	Registry    *string `placeholder:"PLACE" help:"Where to push the images, e.g. quay.io/someone (default: none)."`
	Yes         bool    `short:"y" help:"Ask nothing: use flags and defaults."`
}

// A question is about a value that no flag has set.
type question struct {
	what     string
	flag     *string // nil: it is not set
	fallback string
	unknown  error // why there is no fallback
	answer   string
}

// isSet reports whether a flag has a value of its own.
func (q question) isSet() bool { return q.flag != nil && *q.flag != "" }

// A survey finds the answers for a repository.
type survey struct {
	repo.Repo
	*ui.Printer
	asks bool
	in   *bufio.Reader
}

// Ask returns the values of the flags. Those of missing flags come from the user, if bkt runs
// in a terminal and may ask, or are defaults. It prints what it reads in Containerfiles.
func Ask(ctx context.Context, r repo.Repo, f Flags, p *ui.Printer) (Answers, error) {
	s := survey{r, p, ui.Interactive() && !f.Yes && !p.Quiet, bufio.NewReader(os.Stdin)}
	name := question{what: "Name of the images", flag: f.Name, fallback: ImageName(filepath.Base(r.Root))}
	base := question{what: "Base image of the system", flag: f.Base, fallback: DefaultBase}
	toolboxBase := question{what: "Base image of the toolbox", flag: f.ToolboxBase, fallback: DefaultToolboxBase}
	registry := question{what: "Registry to push to, such as quay.io/someone (empty: none)", flag: f.Registry}
	questions := []*question{&name, &base, &toolboxBase, &registry}
	system, toolbox := From{}, From{}
	if r.Has(manifest.ImagePath) {
		questions = []*question{&name}
		s.warnUnused(base, toolboxBase, registry)
	} else if err := errors.Join(
		s.readBase(gen.System, "--base", &base, &system),
		s.readBase(gen.Toolbox, "--toolbox-base", &toolboxBase, &toolbox)); err != nil {
		return Answers{}, err
	}
	for _, q := range questions {
		if err := s.ask(ctx, q); err != nil {
			return Answers{}, err
		}
	}
	a := Answers{Name: name.answer, Registry: strings.TrimSuffix(registry.answer, "/"), System: system.Base(base.answer), Toolbox: toolbox.Base(toolboxBase.answer)}
	if err := a.check(); err != nil {
		return Answers{}, err
	}
	a.Source = s.source(ctx, a)
	return a, s.nameToolbox(&a)
}

// warnUnused warns of flags for a manifest that exists.
func (s survey) warnUnused(all ...question) {
	if slices.ContainsFunc(all, question.isSet) {
		err := fmt.Errorf("%s exists, and stays as it is: --base, --toolbox-base and --registry change nothing", manifest.ImagePath)
		s.Warn([]error{hint.Add(err, "edit \"base\" and \"name\" in it")})
	}
}

// ask sets the answer to a question: the flag, what the user answers, or the fallback.
func (s survey) ask(ctx context.Context, q *question) error {
	q.answer = q.fallback
	if q.isSet() {
		q.answer = *q.flag
	} else if q.flag == nil && s.asks {
		answer, err := s.Printer.Ask(ctx, s.in, fmt.Sprintf("%s [%s]: ", q.what, q.fallback))
		if err != nil {
			return err
		}
		q.answer = cmp.Or(answer, q.fallback)
	}
	if q.answer == "" {
		return q.unknown
	}
	return nil
}

// check checks the answers before they are in a file, so that an error does not name a file
// that does not exist.
func (a Answers) check() error {
	if a.Name != ImageName(a.Name) {
		return hint.Add(fmt.Errorf("invalid image name %q", a.Name), "use lower-case letters, digits and dashes, as in %q", ImageName(a.Name))
	}
	if a.Registry != "" {
		if err := (manifest.Base{Image: a.Registry + "/" + a.Name}).Check(); err != nil {
			return hint.Copy(fmt.Errorf("invalid registry %q: %s/%s %w", a.Registry, a.Registry, a.Name, err), err)
		}
	}
	for _, base := range []manifest.Base{a.System, a.Toolbox} {
		if err := base.Check(); err != nil && base.Image != "" {
			return hint.Copy(fmt.Errorf("invalid base image %q: %w", base.Image, err), err)
		}
	}
	return nil
}

// source returns the address of the repository for the labels of its images, as far as
// builds will not find it in the configuration of git.
func (s survey) source(ctx context.Context, a Answers) string {
	source := SourceOf(a.Registry, a.Name)
	if source == "" || s.Has(manifest.ImagePath) {
		return ""
	}
	if host.Installed("git") {
		known, err := pipeline.Source(ctx, s.Repo)
		if err != nil {
			s.Warn([]error{err})
		}
		if known != "" {
			return ""
		}
	}
	s.Note("%s: the images are labelled as those of %s: change the label if the repository has another address", manifest.ImagePath, source)
	return source
}

// nameToolbox sets the name of the image for the container, which an existing manifest
// may have.
func (s survey) nameToolbox(a *Answers) error {
	a.Container, a.ToolboxName = manifest.ToolboxContainer, "localhost/"+a.Name+"-toolbox:latest"
	if a.Registry != "" {
		a.ToolboxName = a.Registry + "/" + a.Name + "-toolbox:latest"
	}
	if !s.Has(manifest.ImagePath) || s.Has(manifest.DistroboxPath) {
		return nil
	}
	images, err := manifest.Read[manifest.Images](s.FS(), manifest.ImagePath)
	if err == nil {
		a.ToolboxName = cmp.Or(images.Content.Toolbox.Name, a.ToolboxName)
	}
	return err
}

// readBase sets the fallback of q to the base image in the Containerfile of the image k.
// If that base image cannot be determined, q has no fallback, as any other would be
// wrong: without a terminal that is an error.
func (s survey) readBase(k gen.Image, flag string, q *question, into *From) error {
	from, found, err := ReadBase(s.Repo, k, flag)
	if _, unknown := errors.AsType[*UnknownBase](err); unknown {
		if q.isSet() {
			return nil
		}
		if !s.asks {
			return err
		}
		s.Warn([]error{err})
		q.fallback, q.unknown = "", err
		return nil
	}
	if err == nil && found {
		*into, q.fallback = from, from.From.Base.String()
		s.reportBase(k, from, flag, *q)
	}
	return err
}

// reportBase prints what was read, and warns if the flag declares another base.
func (s survey) reportBase(k gen.Image, read From, flag string, q question) {
	switch place := fmt.Sprintf("%s:%d", gen.Containerfile(k), read.Line); {
	case q.isSet() && *q.flag != q.fallback:
		err := fmt.Errorf("%s: the base image of the %s is %s, but %s is %s", place, k, cmp.Or(q.fallback, "scratch"), flag, *q.flag)
		s.Warn([]error{hint.Add(err, "%s will have the value of the flag", manifest.ImagePath)})
	case q.fallback == "":
		s.Note("%s: the %s has no base image", place, k)
	default:
		s.Note("%s: the base image of the %s is %s", place, k, strings.Join(append(read.Flags, q.fallback), " "))
		if read.Args {
			err := fmt.Errorf("%s: arguments in FROM are replaced by their defaults", place)
			s.Warn([]error{hint.Add(err, "%s has no arguments: edit it if you build with other values", manifest.ImagePath)})
		}
	}
}

// Folder returns the absolute path of the folder of a new repository, and the first folder
// above it, or itself, that exists. It returns an error if that is not a folder, or if the
// new repository would be the whole home. If dir is "" and may be part of a repository, the
// path is that of the repository.
func Folder(dir string, mayBePart bool) (path, parent string, err error) {
	if r, err := repo.Find("."); dir == "" && mayBePart && err == nil {
		return r.Root, r.Root, nil
	}
	if path, err = filepath.Abs(dir); err != nil {
		return "", "", err
	}
	if isHome(path) && !(repo.Repo{Root: path}).Has("manifests") {
		return "", "", hint.Add(fmt.Errorf("%s is your home, and all files in it would be in the repository", path), "name a folder, as in \"bkt init workstation\"")
	}
	for parent = path; ; parent = filepath.Dir(parent) {
		switch info, err := os.Stat(parent); {
		case err == nil && info.IsDir():
			return path, parent, nil
		case err == nil:
			return "", "", hint.Add(fmt.Errorf("%s: %s is not a folder", path, parent), "name a folder, or one that does not exist yet, as in \"bkt init workstation\"")
		case patherr.UnlessMissing(err) != nil:
			return "", "", patherr.TrimOp(err)
		case parent == "/":
			return path, parent, nil
		}
	}
}

// isHome reports whether a folder is the home of the user.
func isHome(path string) bool {
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	here, errHere := os.Stat(path)
	there, errThere := os.Stat(home)
	return errHere == nil && errThere == nil && os.SameFile(here, there)
}
