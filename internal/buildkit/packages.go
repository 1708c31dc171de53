package buildkit

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
)

// PackagesLabel is the label with the digest of the list of an image's packages.
const PackagesLabel = "bkt.packages"

// listPackages writes the list of packages of an image: the same list for the same
// packages. It fails if rpm does.
const listPackages = `rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}.%{ARCH} %{SHA256HEADER}\n' >/list/unsorted && LC_ALL=C sort /list/unsorted >/list/packages`

// labelPackages adds the label with its packages to each image in res.
func labelPackages(ctx context.Context, c gateway.Client, res *gateway.Result) error {
	for key, data := range res.Metadata {
		rest, ok := strings.CutPrefix(key, exptypes.ExporterImageConfigKey)
		platform, several := strings.CutPrefix(rest, "/")
		if !ok || rest != "" && !several {
			continue
		}
		ref, found := res.FindRef(platform)
		if !found || ref == nil {
			continue
		}
		list, err := packagesOf(ctx, c, ref)
		if err != nil {
			return err
		}
		if res.Metadata[key], err = withLabel(data, PackagesLabel, digest.FromBytes(list).String()); err != nil {
			return err
		}
	}
	return nil
}

// packagesOf returns the list of packages of an image; it is empty without rpm.
func packagesOf(ctx context.Context, c gateway.Client, ref gateway.Reference) ([]byte, error) {
	_, err := ref.StatFile(ctx, gateway.StatRequest{Path: "/usr/bin/rpm"})
	switch {
	case err != nil && isMissing(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	state, err := ref.ToState()
	if err != nil {
		return nil, err
	}
	// It needs no network, and a dockerd may lack one.
	run := state.Network(llb.NetModeNone).Run(llb.Args([]string{"/bin/sh", "-c", listPackages}), llb.ReadonlyRootFS(),
		llb.WithCustomName("[packages] list installed packages"))
	t := &Tree{c: stepClient{Client: c}, state: run.AddMount("/list", llb.Scratch())}
	return t.ReadFile(ctx, "packages")
}

// withLabel returns the configuration of an image with an additional label. All other
// fields stay, including those that this program does not know.
func withLabel(config []byte, name, value string) ([]byte, error) {
	var whole, inner map[string]json.RawMessage
	if err := json.Unmarshal(config, &whole); err != nil {
		return nil, err
	}
	labels := map[string]string{}
	if whole["config"] != nil {
		if err := json.Unmarshal(whole["config"], &inner); err != nil {
			return nil, err
		}
	}
	if inner == nil {
		inner = map[string]json.RawMessage{}
	}
	if inner["Labels"] != nil {
		if err := json.Unmarshal(inner["Labels"], &labels); err != nil {
			return nil, err
		}
	}
	labels[name] = value
	var err error
	if inner["Labels"], err = json.Marshal(labels); err != nil {
		return nil, err
	}
	if whole["config"], err = json.Marshal(inner); err != nil {
		return nil, err
	}
	return json.Marshal(whole)
}
