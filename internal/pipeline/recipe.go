package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/buildspec"
	"bkt/internal/containerfile"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/patherr"
	"bkt/internal/proxy"
	"bkt/internal/repo"
)

// EngineOptions say which engine is used, which network it gives to steps, and how it
// shows its progress.
type EngineOptions struct {
	Engines  []string // [OS/ARCH=]ADDRESS
	TLSDir   string   // with ca.pem, cert.pem and key.pem, for engines at tcp://
	Progress string   // "auto", "tty", "plain", "rawjson" or "quiet"
	Verbose  bool

	Network   string   // of steps: "default", "host" or "none"; empty: "default"
	HostPorts []uint16 // ports of 127.0.0.1 on this machine that steps reach
	NoProxies bool     // do not pass the proxies of the environment to steps

	ProgressTo io.Writer
	Warn       func(error) // receives warnings about the network of steps
}

// Options are the inputs of a build, each in the form of the flag with its name.
type Options struct {
	EngineOptions
	BuildContext []string // NAME=VALUE
	BuildArg     []string // NAME[=VALUE]
	Target       string   // the stage that is the image; "": the one in the manifests, or else the last
	Secret       []string // id=ID,src=FILE
	SSH          []string // ID[=PATH]
	CacheFrom    []string
	NoCache      bool // run every step again
	Pull         bool // ask registries again for images that exist here
}

// checkRead returns an error for each name of --build-context that none of the
// Containerfiles reads: it is a typing error, and the build would ask a registry instead.
func checkRead(specs []buildspec.Spec) error {
	unread := map[string]int{}
	var reads []string
	for _, s := range specs {
		names, read, err := s.Unread()
		if err != nil {
			return err
		}
		for _, name := range names {
			unread[name]++
		}
		reads = append(reads, read...)
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(unread)) {
		if unread[name] == len(specs) {
			err := fmt.Errorf("--build-context %s: the Containerfile does not read it", name)
			errs = append(errs, hint.Add(err, "it reads %s", strings.Join(reads, ", ")))
		}
	}
	return errors.Join(errs...)
}

// A Recipe describes the build of one image.
type Recipe struct {
	Image     gen.Image
	Spec      buildspec.Spec
	Platforms []string     // that the manifests declare; none: the engine's own
	origins   []gen.Origin // of the lines of its Containerfile, if it is up to date
}

// Recipes returns the recipes of the images. It checks everything that can be checked
// without an engine.
func (o Options) Recipes(log Log, r repo.Repo, kinds []gen.Image) ([]Recipe, error) {
	all, err := o.recipes(log, r, kinds)
	if err != nil {
		return nil, err
	}
	var specs []buildspec.Spec
	for _, s := range all {
		specs = append(specs, s.Spec)
	}
	err = checkRead(specs)
	for _, s := range all {
		err = s.Blame(err)
	}
	return all, err
}

// recipes is like Recipes, for images that are not alone in reading what --build-context
// names.
func (o Options) recipes(log Log, r repo.Repo, kinds []gen.Image) ([]Recipe, error) {
	var all []Recipe
	var specs []buildspec.Spec
	for _, k := range kinds {
		origins, err := origins(log, r, k)
		if err != nil {
			return nil, err
		}
		s, err := o.spec(r, k)
		if err != nil {
			return nil, err
		}
		platforms, err := gen.Platforms(k, r.FS())
		if err != nil {
			return nil, err
		}
		s.NamedLines = containerfile.NamedLines(origins)
		all = append(all, Recipe{k, s, platforms, origins})
		specs = append(specs, s)
	}
	if err := UnreadIgnore(r, kinds); err != nil {
		log.Warn(hint.Split(err))
	}
	return all, checkArguments(log, specs)
}

// UnreadIgnore returns an error if the ignore file of podman takes the place of docker's.
func UnreadIgnore(r repo.Repo, kinds []gen.Image) error {
	var errs []error
	for _, k := range kinds {
		_, err := fs.Stat(r.FS(), gen.Containerfile(k)) // its folder may be a link that leads out
		if err == nil {
			err = buildspec.Spec{Containerfile: gen.Containerfile(k), Context: r.Root}.UnreadIgnore(r.Root)
		}
		if err != nil && !slices.ContainsFunc(errs, func(other error) bool { return other.Error() == err.Error() }) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// origins returns where the lines of a Containerfile come from. If the file is not up
// to date with the manifests, it logs a warning. An invalid manifest or marker is an
// error.
func origins(log Log, r repo.Repo, k gen.Image) ([]gen.Origin, error) {
	_, origins, err := containerfile.Current(r, gen.Containerfile(k))
	if errors.Is(err, containerfile.ErrStale) {
		log.Warn([]error{err})
		return nil, nil
	}
	return origins, err
}

// Inspected returns the build specification for inspecting the image: for the platform
// of this machine if the manifests declare it, or else for the first one.
func (s Recipe) Inspected() buildspec.Spec {
	own := "linux/" + runtime.GOARCH
	if len(s.Platforms) > 0 && !slices.Contains(s.Platforms, own) {
		s.Spec.Platforms = s.Platforms[:1]
	}
	return s.Spec
}

// packageLines returns the lines of the sections that install packages.
func (s Recipe) packageLines() []int {
	var lines []int
	for _, o := range s.origins {
		if strings.HasSuffix(o.Section, "_PACKAGES") {
			lines = append(lines, o.Line)
		}
	}
	return lines
}

// newSpec returns a build specification without arguments and contexts of its own.
func (o Options) newSpec(r repo.Repo, containerfile string) buildspec.Spec {
	return buildspec.Spec{
		Containerfile: containerfile,
		Context:       r.Root,
		Images:        map[string]ocilayout.Image{},
		Folders:       map[string]string{},
		NoCache:       o.NoCache,
	}
}

// spec returns the build specification of the image k.
func (o Options) spec(r repo.Repo, k gen.Image) (buildspec.Spec, error) {
	s := o.newSpec(r, gen.Containerfile(k))
	args, err := buildArgs(o.BuildArg)
	if err != nil {
		return s, err
	}
	declared, err := gen.BuildOf(k, r.FS())
	if err != nil {
		return s, err
	}
	s.Target, s.Args = cmp.Or(o.Target, declared.Content.Target), map[string]string{}
	maps.Copy(s.Args, declared.Content.Args)
	maps.Copy(s.Args, args) // those of the command line win
	for _, name := range slices.Sorted(maps.Keys(declared.Content.Args)) {
		if _, replaced := args[name]; !replaced {
			s.DeclaredArgs = append(s.DeclaredArgs, name)
		}
	}
	return s, o.addContexts(&s)
}

func (o Options) addContexts(s *buildspec.Spec) error {
	for _, text := range o.BuildContext {
		if err := addContext(s, text); err != nil {
			return err
		}
	}
	return nil
}

// Builder returns the builder of the images. A malformed option is an error.
func (o Options) Builder(r repo.Repo) (buildkit.Builder, error) {
	b, err := o.EngineOptions.Builder(r)
	if err != nil {
		return b, err
	}
	b.Pull, b.CacheFrom = o.Pull, withCacheService(o.CacheFrom)
	if b.Secrets, err = secrets(o.Secret); err != nil {
		return b, err
	}
	b.SSH, err = agents(o.SSH)
	return b, err
}

// Builder returns a builder on the engine, without the options of a build.
func (o EngineOptions) Builder(r repo.Repo) (buildkit.Builder, error) {
	b := buildkit.Builder{Progress: o.Progress, Exclude: []string{r.Path(Folder)}, Verbose: o.Verbose, Network: o.Network, Warn: o.Warn}
	for _, port := range o.HostPorts {
		if port == 0 {
			return b, errors.New("--allow-host-port 0: a port is a number from 1 to 65535")
		}
		b.Ports = append(b.Ports, int(port))
	}
	if !o.NoProxies {
		b.Proxies = proxy.FromEnv(os.Getenv)
	}
	var err error
	b.Config, b.Engines, err = engines(o.Engines, o.TLSDir)
	b.Credentials = credentials(b.Config.Program)
	return b, err
}

// agents parses ID and ID=PATH. The default path is the user's agent.
func agents(texts []string) (map[string][]string, error) {
	paths := map[string][]string{}
	for _, text := range texts {
		id, path, _ := strings.Cut(text, "=")
		if path == "" {
			path = os.Getenv("SSH_AUTH_SOCK")
		}
		if path == "" {
			return nil, hint.Add(fmt.Errorf("--ssh %s: no SSH agent is running", text), "start one, or use a key: --ssh %s=PATH", id)
		}
		paths[id] = append(paths[id], path)
	}
	return paths, nil
}

// withCacheService adds the address and token of the cache of GitHub Actions to caches of
// type gha. A workflow has them in its environment.
func withCacheService(caches []string) []string {
	all := slices.Clone(caches)
	for i, text := range all {
		if !slices.Contains(strings.Split(text, ","), "type=gha") {
			continue
		}
		for _, v := range []struct{ key, variable string }{
			{"token", "ACTIONS_RUNTIME_TOKEN"}, {"url", "ACTIONS_CACHE_URL"}, {"url_v2", "ACTIONS_RESULTS_URL"},
		} {
			if value := os.Getenv(v.variable); value != "" && !strings.Contains(text, v.key+"=") {
				all[i] += "," + v.key + "=" + value
			}
		}
	}
	return all
}

// buildArgs parses NAME=VALUE and NAME. The value of NAME is that in the environment; a
// missing one is dropped.
func buildArgs(texts []string) (map[string]string, error) {
	args := map[string]string{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if name == "" {
			return nil, fmt.Errorf("--build-arg %q: not of the form NAME=VALUE", text)
		}
		if !ok {
			if value, ok = os.LookupEnv(name); !ok {
				continue
			}
		}
		args[name] = value
	}
	return args, nil
}

// LayoutScheme begins the name of an image in a folder.
const LayoutScheme = "oci-layout://"

// addContext parses NAME=VALUE of --build-context and adds it to s.
func addContext(s *buildspec.Spec, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || value == "" {
		return hint.Add(fmt.Errorf("--build-context %q: not of the form NAME=VALUE", text),
			"as in \"quay.io/fedora/fedora-bootc:43=oci-layout://DIR\" or \"extra=DIR\"")
	}
	dir, isLayout := strings.CutPrefix(value, LayoutScheme)
	if !isLayout {
		if scheme, _, ok := strings.Cut(value, "://"); ok {
			return hint.Add(fmt.Errorf("--build-context %s: cannot read from %s://", name, scheme), "a VALUE is oci-layout://DIR[@DIGEST] or a folder")
		}
		s.Folders[name] = value
		return CheckFolder("--build-context "+name, value)
	}
	folder, digest, ok := cutLast(dir, "@")
	if !ok || strings.Contains(digest, "/") { // the @ is part of the folder's name
		folder, digest = dir, ""
	}
	l, err := ocilayout.Find(folder, digest)
	if err != nil {
		return fmt.Errorf("--build-context %s: %w", name, err)
	}
	s.Images[name] = l
	return nil
}

// CheckFolder returns an error if dir is not a folder. what is its name in the error.
func CheckFolder(what, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", what, patherr.TrimOp(err))
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: %s is not a folder", what, dir)
	}
	return nil
}

// cutLast cuts s at the last sep.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// secrets parses fields such as id=ID,src=FILE.
func secrets(texts []string) (map[string]string, error) {
	files := map[string]string{}
	for _, text := range texts {
		fields := map[string]string{}
		for field := range strings.SplitSeq(text, ",") {
			key, value, _ := strings.Cut(field, "=")
			fields[key] = value
		}
		if len(fields) != 2 || fields["id"] == "" || fields["src"] == "" {
			return nil, fmt.Errorf("--secret %q: not of the form id=ID,src=FILE", text)
		}
		if _, err := os.Stat(fields["src"]); err != nil {
			return nil, fmt.Errorf("--secret %q: %w", text, patherr.TrimOp(err))
		}
		files[fields["id"]] = fields["src"]
	}
	return files, nil
}
