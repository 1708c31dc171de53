package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildkit"
	"bkt/internal/hint"
	"bkt/internal/image"
	"bkt/internal/patherr"
	"bkt/internal/repo"
	"bkt/internal/ui"
)

// engineFlags say which engine is used, and how it shows what it does.
type engineFlags struct {
	Engine   []string `sep:"none" placeholder:"[OS/ARCH=]ADDRESS" help:"Use this BuildKit: own, docker, an address such as unix:///run/buildkit/buildkitd.sock, or auto, which is the first that can be used ($BUILDKIT_HOST, or auto). With OS/ARCH=, for that platform."`
	TLSDir   string   `name:"tlsdir" type:"existingdir" placeholder:"DIR" help:"Prove who you are to a tcp:// engine, and it to you, with ca.pem, cert.pem and key.pem in DIR."`
	Progress string   `enum:"auto,tty,plain,rawjson,quiet" default:"auto" placeholder:"HOW" help:"Show progress: auto, tty, plain, rawjson or quiet (auto)."`
}

// sourceFlags say what an image is built from, and with which engine.
type sourceFlags struct {
	engineFlags  `embed:""`
	BuildContext []string `sep:"none" placeholder:"NAME=VALUE" help:"Read the image or context NAME from oci-layout://DIR[@DIGEST] or from a folder."`
	BuildArg     []string `sep:"none" placeholder:"NAME[=VALUE]" help:"Give an ARG its value; without VALUE that of the environment."`
	Secret       []string `sep:"none" placeholder:"id=ID,src=FILE" help:"Let RUN --mount=type=secret,id=ID read FILE."`
	SSH          []string `name:"ssh" sep:"none" placeholder:"ID[=PATH]" help:"Let RUN --mount=type=ssh,id=ID use the SSH agent, or the socket or key at PATH."`
	CacheFrom    []string `sep:"none" placeholder:"CACHE" help:"Read a cache outside the engine, as in type=registry,ref=quay.io/someone/cache; also type=local,src=DIR and type=gha."`
	NoCache      bool     `help:"Run every step again."`
	Pull         bool     `help:"Ask registries for images again, even for those that are there."`
}

// checkRead returns an error for each name of --build-context that none of the
// Containerfiles reads: it is mistyped, and a registry would be asked instead.
func checkRead(specs []image.Spec) error {
	unread := map[string]int{}
	var reads []string
	for _, s := range specs {
		names, read, err := buildkit.Unread(s)
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
			err := fmt.Errorf("--build-context %s: nothing in the Containerfile reads it", name)
			errs = append(errs, hint.Add(err, "what it reads: %s", strings.Join(reads, ", ")))
		}
	}
	return errors.Join(errs...)
}

// A recipe is what one image is built from.
type recipe struct {
	kind      gen.Kind
	spec      image.Spec
	platforms []string     // what the manifests say that it is for
	origins   []gen.Origin // of the lines of its Containerfile, if they are what the manifests say
}

// recipes returns what to build the images from, once all is known to be right
// that can be told without an engine.
func (c *sourceFlags) recipes(a *app, r repo.Repo, kinds []gen.Kind) ([]recipe, error) {
	var all []recipe
	var specs []image.Spec
	args := map[string]string{} // the same for all
	for _, k := range kinds {
		origins, err := a.origins(r, k)
		if err != nil {
			return nil, err
		}
		s, err := c.spec(r, k)
		if err != nil {
			return nil, err
		}
		platforms, err := gen.Platforms(k, r.FS())
		if err != nil {
			return nil, err
		}
		all = append(all, recipe{k, s, platforms, origins})
		args = s.Args
		specs = append(specs, s)
	}
	if err := a.warnSecretArguments(args); err != nil {
		return nil, err
	}
	err := checkRead(specs)
	for _, s := range all {
		err = s.blame(err)
	}
	return all, err
}

// origins returns where the lines of a Containerfile come from. If it is not
// what the manifests say, there is a warning. What is wrong with a manifest or
// a marker is an error, before an engine is started.
func (a *app) origins(r repo.Repo, k gen.Kind) ([]gen.Origin, error) {
	name := gen.Containerfile(k)
	old, err := fs.ReadFile(r.FS(), name)
	if err != nil {
		return nil, patherr.Trim(err)
	}
	res, err := gen.Render(name, old, r.FS())
	if err != nil || bytes.Equal(old, res.Text) {
		return res.Origins, err
	}
	stale := fmt.Errorf("%s is not what the manifests say", name)
	a.Warn([]error{hint.Add(stale, "run \"bkt containerfile sync\" first")})
	return nil, nil
}

// blame says which manifest the step comes from that err is about, if one does.
func (s recipe) blame(err error) error {
	step, ok := errors.AsType[*buildkit.StepError](err)
	if !ok || step.File != s.spec.Containerfile {
		return err
	}
	entries, files := map[string]bool{}, map[string]bool{}
	for _, o := range s.origins {
		if o.Line >= step.Line && o.Line <= step.Last {
			files[o.File] = true
			entries[o.Entry.String()] = o.Position.Line > 0
		}
	}
	maps.DeleteFunc(entries, func(_ string, single bool) bool { return !single })
	if len(entries) != 1 {
		entries = files
	}
	for entry := range entries {
		return hint.Add(err, "this step is rendered from %s", entry)
	}
	return err
}

// toLook returns what to build for a look into the image: it is that for this
// machine, if there is to be one, or else that for the first platform.
func (s recipe) toLook() image.Spec {
	own := "linux/" + runtime.GOARCH
	if len(s.platforms) > 0 && !slices.Contains(s.platforms, own) {
		s.spec.Platforms = s.platforms[:1]
	}
	return s.spec
}

// packageLines returns the lines of the sections that install packages.
func (s recipe) packageLines() []int {
	var lines []int
	for _, o := range s.origins {
		if strings.HasSuffix(o.Section, "_PACKAGES") {
			lines = append(lines, o.Line)
		}
	}
	return lines
}

// spec returns what to build the image k from.
func (c *sourceFlags) spec(r repo.Repo, k gen.Kind) (image.Spec, error) {
	s := image.Spec{
		Containerfile: gen.Containerfile(k),
		Context:       r.Root,
		Images:        map[string]image.Layout{},
		Folders:       map[string]string{},
		NoCache:       c.NoCache,
	}
	var err error
	if s.Args, err = buildArgs(c.BuildArg); err != nil {
		return s, err
	}
	for _, text := range c.BuildContext {
		if err := addContext(&s, text); err != nil {
			return s, err
		}
	}
	return s, nil
}

// builder returns what builds the images, once all that can be wrong with the
// flags is known not to be.
func (c *sourceFlags) builder(a *app, r repo.Repo) (buildkit.Builder, error) {
	b, err := c.engineFlags.builder(a, r)
	if err != nil {
		return b, err
	}
	b.Pull, b.CacheFrom = c.Pull, withCacheService(c.CacheFrom)
	if b.Secrets, err = secrets(c.Secret); err != nil {
		return b, err
	}
	b.SSH, err = agents(c.SSH)
	return b, err
}

// builder returns what runs commands on the engine.
func (c *engineFlags) builder(a *app, r repo.Repo) (buildkit.Builder, error) {
	b := buildkit.Builder{Progress: c.Progress, Exclude: []string{r.Path(outputs)}, Verbose: a.Verbose}
	switch {
	case c.Progress != "auto":
	case a.Quiet:
		b.Progress = "quiet"
	case !ui.Interactive():
		b.Progress = "plain"
	}
	var err error
	b.Config, b.Engines, err = engines(c.Engine, c.TLSDir)
	b.Credentials = credentials(b.Config.Program)
	return b, err
}

// agents parses ID and ID=PATH. Without a path it is the user's agent.
func agents(texts []string) (map[string][]string, error) {
	paths := map[string][]string{}
	for _, text := range texts {
		id, path, _ := strings.Cut(text, "=")
		if path == "" {
			path = os.Getenv("SSH_AUTH_SOCK")
		}
		if path == "" {
			return nil, hint.Add(fmt.Errorf("--ssh %s: there is no SSH agent", text), "start one, or give the path of a key: --ssh %s=PATH", id)
		}
		paths[id] = append(paths[id], path)
	}
	return paths, nil
}

// withCacheService tells caches of type gha where the cache of GitHub Actions
// is, which a workflow has in its environment.
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

// buildArgs parses NAME=VALUE and NAME, which takes the value of the
// environment if it has one.
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

const layoutScheme = "oci-layout://"

// addContext adds what stands in for an image or a named context.
func addContext(s *image.Spec, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || value == "" {
		return hint.Add(fmt.Errorf("--build-context %q: not of the form NAME=VALUE", text),
			"as in \"quay.io/fedora/fedora-bootc:43=oci-layout://DIR\" or \"extra=DIR\"")
	}
	dir, isLayout := strings.CutPrefix(value, layoutScheme)
	if !isLayout {
		if scheme, _, ok := strings.Cut(value, "://"); ok {
			return hint.Add(fmt.Errorf("--build-context %s: cannot read from %s://", name, scheme), "a VALUE is oci-layout://DIR[@DIGEST] or a folder")
		}
		s.Folders[name] = value
		return checkFolder("--build-context "+name, value)
	}
	folder, digest, ok := cutLast(dir, "@")
	if !ok || strings.Contains(digest, "/") { // the @ is part of the folder's name
		folder, digest = dir, ""
	}
	l, err := buildkit.ReadLayout(folder, digest)
	if err != nil {
		return fmt.Errorf("--build-context %s: %w", name, err)
	}
	s.Images[name] = l
	return nil
}

// checkFolder returns an error if dir is not one.
func checkFolder(what, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("%s: %w", what, patherr.Trim(err))
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
			return nil, fmt.Errorf("--secret %q: %w", text, patherr.Trim(err))
		}
		files[fields["id"]] = fields["src"]
	}
	return files, nil
}
