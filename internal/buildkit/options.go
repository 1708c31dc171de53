package buildkit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/buildspec"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/proxy"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/opencontainers/go-digest"
	"github.com/tonistiigi/fsutil"
	"google.golang.org/grpc"
)

// options translates s for BuildKit. It contacts no engine, so that an error in s is
// found before one starts.
func (b Builder) options(s buildspec.Spec, dir string) (client.SolveOpt, error) {
	opt := client.SolveOpt{
		FrontendAttrs: b.attributes(s),
		LocalMounts:   map[string]fsutil.FS{},
		OCIStores:     map[string]content.Store{},
	}
	if err := b.checkAttest(s); err != nil {
		return opt, err
	}
	root, err := filepath.Abs(s.Context)
	if err != nil {
		return opt, err
	}
	// Engines fetch only files that have changed since they last read this folder.
	opt.SharedKey = digest.FromString(root).Encoded()
	if opt.LocalMounts["context"], err = s.ContextFS(root, append(b.excluded(), dir)); err != nil {
		return opt, err
	}
	if err := addContainerfile(&opt, s, root); err != nil {
		return opt, err
	}
	if err := addNamed(&opt, s); err != nil {
		return opt, err
	}
	if opt.CacheImports, err = parseCaches(b.CacheFrom); err != nil {
		return opt, err
	}
	if opt.CacheExports, err = parseCaches(b.CacheTo); err != nil {
		return opt, err
	}
	opt.Session, err = b.attachables()
	return opt, err
}

// compression returns the compression of new layers.
func (b Builder) compression() string { return cmp.Or(b.Compression, "zstd") }

// attributes returns the options for the frontend of Containerfiles.
func (b Builder) attributes(s buildspec.Spec) map[string]string {
	attrs := map[string]string{
		// A "# syntax=" line asks for another frontend from a registry. This
		// key says that it already runs.
		"cmdline": "bkt",
	}
	for name, value := range s.Args {
		if !proxy.IsVariable(name) { // these are added by addProxies
			attrs["build-arg:"+name] = value
		}
	}
	if s.Target != "" {
		attrs["target"] = s.Target
	}
	if len(s.Platforms) > 0 {
		attrs["platform"] = strings.Join(s.Platforms, ",")
	}
	for name, value := range s.Labels {
		attrs["label:"+name] = value
	}
	for kind, value := range b.Attest {
		attrs["attest:"+kind] = value
	}
	if s.NoCache {
		attrs["no-cache"] = "" // every stage
	}
	if b.Pull {
		attrs["image-resolve-mode"] = "pull"
	}
	return attrs
}

func addContainerfile(opt *client.SolveOpt, s buildspec.Spec, root string) error {
	dir, name := s.Locate(root)
	target := buildspec.Resolve(filepath.Join(dir, name))
	if rel, err := filepath.Rel(buildspec.Resolve(dir), target); err != nil || !filepath.IsLocal(rel) {
		return hint.Add(fmt.Errorf("%s: a link to %s, which is outside of %s", s.Containerfile, target, dir), "replace the link with the file")
	}
	fs, err := s.ContainerfileFS(root)
	if err != nil {
		return err
	}
	opt.LocalMounts["dockerfile"] = fs
	opt.FrontendAttrs["filename"] = filepath.ToSlash(name)
	return nil
}

// addNamed adds the layouts, folders and pins that replace images.
func addNamed(opt *client.SolveOpt, s buildspec.Spec) error {
	if len(s.Images)+len(s.Folders)+len(s.Pins) == 0 {
		return nil
	}
	f, err := s.Parse()
	if err != nil {
		return err
	}
	used, err := s.References(f)
	if err != nil {
		return err
	}
	if err := s.CheckPlatforms(f); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Pins)) {
		ref, err := pinned(name, s.Pins[name])
		if err != nil {
			return err
		}
		for _, key := range used.Matching(name) {
			opt.FrontendAttrs["context:"+key] = "docker-image://" + ref
		}
	}
	// Folders come first: an image of the same name takes precedence.
	for i, name := range slices.Sorted(maps.Keys(s.Folders)) {
		id := "folder" + strconv.Itoa(i)
		if opt.LocalMounts[id], err = buildspec.FolderFS(s.Folders[name]); err != nil {
			return err
		}
		for _, key := range used.Matching(name) {
			opt.FrontendAttrs["context:"+key] = "local:" + id
		}
	}
	for i, name := range used.SortExactLast(slices.Sorted(maps.Keys(s.Images))) {
		id := "image" + strconv.Itoa(i)
		layout, err := addLayout(opt, id, s.Images[name])
		if err != nil {
			return fmt.Errorf("image %s: %w", name, err)
		}
		for _, key := range used.Matching(name) {
			opt.FrontendAttrs["context:"+key] = "oci-layout://" + id + "@" + layout.Digest.String()
		}
	}
	return nil
}

// pinned returns the name of an image with its digest.
func pinned(name string, d digest.Digest) (string, error) {
	ref, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", fmt.Errorf("image %s: %w", name, err)
	}
	whole, err := reference.WithDigest(reference.TrimNamed(ref), d)
	if err != nil {
		return "", fmt.Errorf("image %s: %w", name, err)
	}
	return whole.String(), nil
}

// addLayout lets the engine read l under the name id.
func addLayout(opt *client.SolveOpt, id string, l ocilayout.Image) (ocilayout.Image, error) {
	l, err := ocilayout.Find(l.Dir, l.Digest.String())
	if err != nil {
		return l, err
	}
	opt.OCIStores[id], err = ocilayout.Store(l.Dir)
	return l, err
}

// parseCaches parses caches such as "type=registry,ref=example.org/cache". A text
// without "=" is the name of a repository in a registry.
func parseCaches(caches []string) ([]client.CacheOptionsEntry, error) {
	var entries []client.CacheOptionsEntry
	for _, text := range caches {
		e := client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{}}
		if !strings.Contains(text, "=") {
			text = "ref=" + text
		}
		for field := range strings.SplitSeq(text, ",") {
			key, value, ok := strings.Cut(field, "=")
			if !ok {
				return nil, fmt.Errorf("cache %q: %q is not of the form key=value", text, field)
			}
			if key == "type" {
				e.Type = value
				continue
			}
			e.Attrs[key] = value
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// attachables returns the services of this process that the engine may use during a
// build.
func (b Builder) attachables() ([]session.Attachable, error) {
	var all []session.Attachable
	if b.Credentials != nil {
		all = append(all, credentials{ask: b.Credentials})
	}
	if len(b.SSH) > 0 {
		var agents []sshprovider.AgentConfig
		for _, id := range slices.Sorted(maps.Keys(b.SSH)) {
			agents = append(agents, sshprovider.AgentConfig{ID: id, Paths: b.SSH[id]})
		}
		forward, err := sshprovider.NewSSHAgentProvider(agents)
		if err != nil {
			return nil, err
		}
		all = append(all, forward)
	}
	var sources []secretsprovider.Source
	for _, id := range slices.Sorted(maps.Keys(b.Secrets)) {
		sources = append(sources, secretsprovider.Source{ID: id, FilePath: b.Secrets[id]})
	}
	if len(sources) == 0 {
		return all, nil
	}
	store, err := secretsprovider.NewStore(sources)
	if err != nil {
		return nil, err
	}
	return append(all, secretsprovider.NewSecretProvider(store)), nil
}

// credentials answers the engine's requests for passwords.
type credentials struct {
	auth.UnimplementedAuthServer
	ask func(ctx context.Context, host string) (user, secret string, err error)
}

// Register adds c to the services of a session.
func (c credentials) Register(s *grpc.Server) { auth.RegisterAuthServer(s, c) }

// Credentials returns the user and the password for a registry.
func (c credentials) Credentials(ctx context.Context, r *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	user, secret, err := c.ask(ctx, r.Host)
	if err != nil {
		return nil, err
	}
	return &auth.CredentialsResponse{Username: user, Secret: secret}, nil
}
