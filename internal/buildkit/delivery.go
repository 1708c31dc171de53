package buildkit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"

	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A delivery is a way to get an image from an engine into the output.
type delivery interface {
	// export returns the exporter to ask the engine for.
	export() client.ExportEntry
	// receive adds the blobs of the image to the output, unless it has them, and
	// returns the descriptor of the image. answer is the engine's answer.
	receive(ctx context.Context, answer map[string]string) (ocispec.Descriptor, error)
}

// delivery returns how images of the engine c get into o.
func (b Builder) delivery(c *engineclient.Connection, o *ocilayout.Writer) (delivery, error) {
	if c.WritesLayouts {
		return direct{o, b.compression(), b.outputStore(c, o)}, nil
	}
	if b.Config.Program == "" {
		return nil, fmt.Errorf("%s: bkt-engine is needed to read its images: %w", c.Address, b.Config.NoProgram())
	}
	return archiveDelivery{*c.Daemon, o, b.Config.Program, "bkt-build:" + identity.NewID()}, nil
}

// direct is the delivery of engines that write OCI layouts: they send the blobs.
type direct struct {
	output      *ocilayout.Writer
	compression string
	store       content.Store // that receives the blobs
}

func (d direct) export() client.ExportEntry { return exportTo(d.store, d.compression) }

func (d direct) receive(_ context.Context, answer map[string]string) (ocispec.Descriptor, error) {
	var desc ocispec.Descriptor
	data, err := base64.StdEncoding.DecodeString(answer[exptypes.ExporterImageDescriptorKey])
	if err == nil {
		err = json.Unmarshal(data, &desc)
	}
	if err != nil {
		return desc, fmt.Errorf("the engine's answer: %w", err)
	}
	return desc, nil
}

// archiveDelivery is the delivery of a dockerd that does not store images as
// containerd does. The dockerd stores the image under a name until it was read.
type archiveDelivery struct {
	engineclient.Daemon
	output  *ocilayout.Writer
	program string // bkt-engine
	name    string
}

func (b archiveDelivery) export() client.ExportEntry {
	return client.ExportEntry{Type: "moby", Attrs: map[string]string{"name": b.name}}
}

func (b archiveDelivery) receive(ctx context.Context, _ map[string]string) (desc ocispec.Descriptor, err error) {
	defer func() { err = errors.Join(err, b.untag(context.WithoutCancel(ctx))) }()
	dir, err := b.output.MkdirTemp()
	if err != nil {
		return desc, err
	}
	defer os.RemoveAll(dir)
	archive, layout := filepath.Join(dir, "archive.tar"), filepath.Join(dir, "layout")
	if err := b.save(ctx, archive); err != nil {
		return desc, err
	}
	if err := convert(ctx, b.program, archive, layout); err != nil {
		return desc, err
	}
	return b.output.Move(layout)
}

// save writes the image to a docker archive.
func (b archiveDelivery) save(ctx context.Context, archive string) error {
	response, err := b.Ask(ctx, http.MethodGet, "/images/"+b.name+"/get")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	file, err := os.Create(archive)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("dockerd at %s: the image: %w", b.Daemon, err)
	}
	return nil
}

// untag removes the name from the daemon. The layers stay in its build cache.
func (b archiveDelivery) untag(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, engineclient.AnswerTimeout)
	defer cancel()
	response, err := b.Ask(ctx, http.MethodDelete, "/images/"+b.name+"?noprune=true")
	if err != nil {
		return hint.Add(err, "remove the image with \"docker rmi %s\"", b.name)
	}
	return response.Body.Close()
}

// convert converts a docker archive to an OCI layout with bkt-engine.
func convert(ctx context.Context, program, archive, layout string) error {
	out, err := exec.CommandContext(ctx, program, "import", archive, layout).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%s import: %w", filepath.Base(program), contract.ReadErrors(string(out), err))
	}
	return nil
}

// exportTo returns the exporter that sends blobs to store. Layers that are compressed
// already, such as those of a base image, stay unchanged.
func exportTo(store content.Store, compression string) client.ExportEntry {
	return client.ExportEntry{
		Type:        client.ExporterOCI,
		Attrs:       map[string]string{"tar": "false", "compression": compression, rewriteTimes: "true"},
		OutputStore: store,
	}
}

// outputStore returns the store that the engine c puts the blobs of an image into.
// Blobs in the root of bkt's own engine are copied from there.
func (b Builder) outputStore(c *engineclient.Connection, w *ocilayout.Writer) content.Store {
	if c.Address != engineclient.Own {
		return w.Store()
	}
	root := b.Config.Root
	return ocilayout.WithLocalBlobs(w.Store(), contract.ContentDir(root, contract.Overlay), contract.ContentDir(root, contract.Native))
}
