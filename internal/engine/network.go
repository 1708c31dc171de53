package engine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/netip"

	"bkt/internal/engine/netns"
	"bkt/internal/plainfile"

	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/google/renameio/v2"
	"github.com/moby/buildkit/executor"
	resourcetypes "github.com/moby/buildkit/executor/resources/types"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/network"
	"github.com/moby/buildkit/util/resolvconf"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// providers returns the networks that BuildKit knows.
func (n *stepNetworks) providers() map[pb.NetMode]network.Provider {
	return map[pb.NetMode]network.Provider{
		pb.NetMode_UNSET: provider(n.forAll),
		pb.NetMode_HOST:  network.NewHostProvider(),
		pb.NetMode_NONE:  provider(n.forOne),
	}
}

// A provider is a function that returns the network of a step.
type provider func() (network.Namespace, error)

// New returns the network of a step.
func (p provider) New(context.Context, string, network.NamespaceOptions) (network.Namespace, error) {
	return p()
}

// Close does nothing: the networks end with the process.
func (provider) Close() error { return nil }

// An ownNetworkExecutor gives containers with BuildKit's default network the one that
// steps share, or the host's if that does not work. The executor below then keeps the
// name servers of the host, too, including those on the loopback device.
type ownNetworkExecutor struct {
	executor.Executor
	networks *stepNetworks
}

// Run runs a container.
func (x ownNetworkExecutor) Run(ctx context.Context, id string, root executor.Mount, mounts []executor.Mount, p executor.ProcessInfo, started chan<- struct{}) (resourcetypes.Recorder, error) {
	if p.Meta.NetMode == pb.NetMode_UNSET && !x.networks.join() {
		p.Meta.NetMode = pb.NetMode_HOST
	}
	return x.Executor.Run(ctx, id, root, mounts, p, started)
}

// A stepNetwork is the network of a step.
type stepNetwork struct {
	file       string // its namespace
	resolvConf string // names its name servers; empty: those of BuildKit
	close      func() error
}

// Set writes the network into the configuration of a container.
func (s stepNetwork) Set(spec *specs.Spec) error {
	for i, m := range spec.Mounts {
		if m.Destination == hostResolvConf && s.resolvConf != "" {
			spec.Mounts[i].Source = s.resolvConf
		}
	}
	return oci.WithLinuxNamespace(specs.LinuxNamespace{Type: specs.NetworkNamespace, Path: s.file})(nil, nil, nil, spec)
}

// Close ends the network, unless other steps share it.
func (s stepNetwork) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// Sample returns nothing: BuildKit then reports no traffic.
func (stepNetwork) Sample() (*resourcetypes.NetworkSample, error) { return nil, nil }

// writeResolvConf writes the resolv.conf of steps whose name server is pasta. It has the
// search domains and the options of this machine.
func writeResolvConf(file string) error {
	conf, err := resolvconf.Load(hostResolvConf)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	conf.OverrideNameServers([]netip.Addr{netip.MustParseAddr(netns.NameServer)})
	text, err := conf.Generate(false)
	if err != nil {
		return err
	}
	if old, err := plainfile.Read(file, plainfile.MaxText); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return renameio.WriteFile(file, text, 0o644)
}
