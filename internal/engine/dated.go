package engine

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"bkt/internal/crash"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/labels"
	"github.com/moby/buildkit/cache"
	cacheconfig "github.com/moby/buildkit/cache/config"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	commonexptypes "github.com/moby/buildkit/exporter/exptypes"
	"github.com/moby/buildkit/exporter/util/epoch"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/solver"
	"github.com/moby/buildkit/util/compression"
	"github.com/moby/buildkit/util/contentutil"
	"github.com/moby/buildkit/util/converter"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// A datingWorker is a worker that caches layers whose files have the date of
// SOURCE_DATE_EPOCH. BuildKit creates all of them again in each export, with
// the same result.
type datingWorker struct{ nativeWorker }

// Exporter returns an exporter of images.
func (w datingWorker) Exporter(name string, sessions *session.Manager) (exporter.Exporter, error) {
	e, err := w.Worker.Exporter(name, sessions)
	if err != nil || name != client.ExporterOCI && name != client.ExporterDocker {
		return e, err
	}
	return datingExporter{e, w.ContentStore()}, nil
}

type datingExporter struct {
	exporter.Exporter
	store content.Store
}

// Resolve returns an exporter of one image.
func (e datingExporter) Resolve(ctx context.Context, id int, attrs map[string]string) (exporter.ExporterInstance, error) {
	x, err := e.Exporter.Resolve(ctx, id, attrs)
	// A date only for the exporter differs from that of the build.
	if err != nil || attrs["rewrite-timestamp"] != "true" || attrs[string(commonexptypes.OptKeySourceDateEpoch)] != "" {
		return x, err
	}
	return datingExport{x, e.store}, nil
}

type datingExport struct {
	exporter.ExporterInstance
	store content.Store
}

// Export writes src. It gives the exporter layers with rewritten dates.
func (x datingExport) Export(ctx context.Context, src *exporter.Source, info exporter.ExportBuildInfo) (map[string]string, exporter.FinalizeFunc, exporter.DescriptorReference, error) {
	dated := src.Clone()
	ps, err := exptypes.ParsePlatforms(src.Metadata)
	if err != nil {
		return nil, nil, nil, err
	}
	if src.Ref != nil && len(ps.Platforms) > 0 {
		dated.SetRef(x.dated(src, src.Ref, ps.Platforms[0].ID))
	}
	for id, ref := range src.Refs {
		dated.AddRef(id, x.dated(src, ref, id))
	}
	return x.ExporterInstance.Export(ctx, dated, info)
}

// dated returns ref, the image of src for a platform, with its own layers
// dated. The exporter reports what cannot be read.
func (x datingExport) dated(src *exporter.Source, ref cache.ImmutableRef, platform string) cache.ImmutableRef {
	p := &exptypes.Platform{ID: platform}
	at, err := epoch.ParseSource(src, p)
	if err != nil || at == nil || ref == nil {
		return ref
	}
	var base ocispec.Image
	if data := exptypes.ParseKey(src.Metadata, exptypes.ExporterImageBaseConfigKey, p); len(data) > 0 {
		if err := json.Unmarshal(data, &base); err != nil {
			return ref
		}
	}
	return datedRef{ref, dates{x.store, *at, compression.Config{}}, base.RootFS.DiffIDs}
}

// datedRef is an image whose own layers are dated.
type datedRef struct {
	cache.ImmutableRef
	dates dates
	base  []digest.Digest // layers that stay as they are, if they come first
}

// GetRemotes returns the layers, and a provider to read them.
func (r datedRef) GetRemotes(ctx context.Context, create bool, cfg cacheconfig.RefConfig, all bool, g session.Group) ([]*solver.Remote, error) {
	remotes, err := r.ImmutableRef.GetRemotes(ctx, create, cfg, all, g)
	if err != nil || cfg.Compression.Level != nil {
		return remotes, err
	}
	r.dates.compression = cfg.Compression
	for _, remote := range remotes {
		if err := r.date(ctx, remote); err != nil {
			return nil, err
		}
	}
	return remotes, nil
}

// date replaces the layers of remote that are not the base's with dated ones.
func (r datedRef) date(ctx context.Context, remote *solver.Remote) error {
	store := contentutil.NewStoreWithProvider(r.dates.store, remote.Provider)
	own := 0
	for own < min(len(r.base), len(remote.Descriptors)) && diffID(remote.Descriptors[own]) == r.base[own] {
		own++
	}
	work, ctx := errgroup.WithContext(ctx)
	// The provider keeps the optional methods of the other one.
	provider := contentutil.NewMultiProvider(remote.Provider)
	for i, desc := range remote.Descriptors[own:] {
		if diffID(desc) == "" {
			continue // it may still be the base's, which the exporter finds out
		}
		work.Go(func() (err error) {
			defer crash.Recover(&err)
			made, err := r.dates.layer(ctx, store, desc)
			if err == nil && made.Digest != desc.Digest {
				provider.Add(made.Digest, r.dates.store)
			}
			remote.Descriptors[own+i] = made
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	if lazy, ok := remote.Provider.(cache.Unlazier); ok {
		remote.Provider = lazyProvider{provider, lazy}
	} else {
		remote.Provider = provider
	}
	return nil
}

func diffID(desc ocispec.Descriptor) digest.Digest {
	return digest.Digest(desc.Annotations[labels.LabelUncompressed])
}

// A lazyProvider is a provider with blobs that are not fetched yet.
type lazyProvider struct {
	*contentutil.MultiProvider
	cache.Unlazier
}

// dates sets the dates in layers, with a compression.
type dates struct {
	store       content.Store
	at          time.Time
	compression compression.Config
}

// layer returns the layer desc, which from can read, with its dates set. The
// result is recorded in a label of the layer, which also keeps it from being
// collected.
func (d dates) layer(ctx context.Context, from content.Store, desc ocispec.Descriptor) (ocispec.Descriptor, error) {
	if made, ok := d.known(ctx, desc.Digest); ok {
		return made, nil
	}
	convert, err := converter.NewWithRewriteTimestamp(ctx, from, desc, d.compression, &d.at, nil)
	if err != nil || convert == nil {
		return desc, err
	}
	made, err := convert(ctx, from, desc)
	if err != nil {
		return desc, err
	}
	return *made, d.remember(ctx, desc.Digest, *made)
}

// epochAnnotation is BuildKit's annotation for a layer with rewritten dates.
const epochAnnotation = "buildkit/rewritten-timestamp"

// label returns the name of the label with the descriptor of the dated layer.
func (d dates) label() string { return "bkt.dated." + d.compression.Type.String() }

func (d dates) known(ctx context.Context, layer digest.Digest) (made ocispec.Descriptor, ok bool) {
	info, err := d.store.Info(ctx, layer)
	if err != nil || json.Unmarshal([]byte(info.Labels[d.label()]), &made) != nil {
		return made, false
	}
	_, err = d.store.Info(ctx, made.Digest)
	return made, err == nil && made.Annotations[epochAnnotation] == strconv.FormatInt(d.at.Unix(), 10)
}

func (d dates) remember(ctx context.Context, layer digest.Digest, made ocispec.Descriptor) error {
	data, err := json.Marshal(made)
	if err != nil {
		return err
	}
	keep := "containerd.io/gc.ref.content." + d.label()
	info := content.Info{Digest: layer, Labels: map[string]string{d.label(): string(data), keep: made.Digest.String()}}
	_, err = d.store.Update(ctx, info, "labels."+d.label(), "labels."+keep)
	return err
}
