package engine

import (
	"context"

	"github.com/moby/buildkit/executor"
	resourcetypes "github.com/moby/buildkit/executor/resources/types"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/network"
)

// networks returns the networks that a RUN can ask for; the default is the host's.
func networks() map[pb.NetMode]network.Provider {
	return map[pb.NetMode]network.Provider{
		pb.NetMode_UNSET: network.NewHostProvider(),
		pb.NetMode_HOST:  network.NewHostProvider(),
		pb.NetMode_NONE:  network.NewNoneProvider(),
	}
}

// onHost is an executor that gives containers the network of the host by
// default. The executor below then keeps the name servers of the host, too,
// including those on the loopback device.
type onHost struct{ executor.Executor }

// Run runs a container.
func (x onHost) Run(ctx context.Context, id string, root executor.Mount, mounts []executor.Mount, p executor.ProcessInfo, started chan<- struct{}) (resourcetypes.Recorder, error) {
	if p.Meta.NetMode == pb.NetMode_UNSET {
		p.Meta.NetMode = pb.NetMode_HOST
	}
	return x.Executor.Run(ctx, id, root, mounts, p, started)
}
