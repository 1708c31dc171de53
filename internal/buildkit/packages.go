package buildkit

import (
	"context"

	"github.com/moby/buildkit/client/llb"
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
		platform, ok := configOf(key)
		if !ok {
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
		label := func(labels map[string]string) { labels[PackagesLabel] = digest.FromBytes(list).String() }
		if res.Metadata[key], err = withLabels(data, label); err != nil {
			return err
		}
	}
	return nil
}

// packagesOf returns the list of packages of an image; it is empty without rpm.
func packagesOf(ctx context.Context, c gateway.Client, ref gateway.Reference) ([]byte, error) {
	_, err := ref.StatFile(ctx, gateway.StatRequest{Path: "/usr/bin/rpm"})
	switch {
	case err != nil && IsMissing(err):
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
