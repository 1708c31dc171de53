package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"bkt/internal/buildspec"
	"bkt/internal/engine/contract"
	"bkt/internal/engineclient"
	"bkt/internal/hint"
	"bkt/internal/proxy"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/entitlements"
)

// The networks of steps; see [Builder.Network]. RUN --network of a Containerfile has
// precedence.
const (
	// DefaultNetwork is the engine's own. Steps of bkt's engine do not reach the
	// loopback interface of this machine.
	DefaultNetwork = "default"
	// HostNetwork is that of the machine that the engine runs on.
	HostNetwork = "host"
	// NoNetwork is none.
	NoNetwork = "none"
)

// A stepNetwork is the network of the steps of a build, until it is closed.
type stepNetwork struct {
	mode  pb.NetMode // of steps that do not ask for another one
	ports []int      // that the steps reach
	warn  func(error)
	note  func(string)
	open  io.Closer // nil: the engine was not asked

	mu     sync.Mutex
	status contract.NetworkStatus // empty: the engine was not asked
	told   contract.NetworkStatus // the part of it that the user knows
}

// openNetwork gives the steps of a build of s their network on the engine c, and
// changes opt for it. The caller closes the result when the build has ended.
func (b Builder) openNetwork(ctx context.Context, c *engineclient.Connection, s buildspec.Spec, opt *client.SolveOpt, log io.Writer) (*stepNetwork, error) {
	n := &stepNetwork{warn: b.Warn, note: func(line string) { b.say(log, line) }}
	var err error
	if n.mode, err = b.netMode(ctx, c); err != nil {
		return nil, err
	}
	force(opt, n.mode)
	r := contract.NetworkRequest{Network: contract.OwnNetwork, Ports: b.ports(s)}
	switch {
	case n.mode == pb.NetMode_HOST:
		return n, nil // its steps reach all ports
	case c.Address != engineclient.Own && len(b.Ports) > 0:
		err := fmt.Errorf("%s cannot open ports of this machine to steps", c.Name())
		return nil, hint.Add(err, "leave out --allow-host-port; or build with bkt's own engine, with --engine own")
	case c.Address != engineclient.Own:
		return n, nil
	case n.mode == pb.NetMode_NONE && len(r.Ports) == 0:
		return n, nil
	case n.mode == pb.NetMode_NONE:
		r.Network = contract.ClosedNetwork
	}
	n.ports = r.Ports
	if n.open, err = c.OpenNetwork(ctx, r, n.set); err != nil {
		return nil, err
	}
	n.tell()
	n.tellElsewhere(b.proxies(s))
	return n, nil
}

// netMode returns the network of steps on the engine c that do not ask for another one.
// The steps of a dockerd without a bridge have no network but that of its machine.
func (b Builder) netMode(ctx context.Context, c *engineclient.Connection) (pb.NetMode, error) {
	switch {
	case b.Network == HostNetwork:
		return pb.NetMode_HOST, nil
	case b.Network == NoNetwork:
		return pb.NetMode_NONE, nil
	case c.Daemon == nil:
		return pb.NetMode_UNSET, nil
	}
	bridged, err := c.Daemon.HasBridge(ctx)
	if err != nil || bridged {
		return pb.NetMode_UNSET, err
	}
	return pb.NetMode_HOST, nil
}

// force makes mode the network of all steps that do not ask for another one.
func force(opt *client.SolveOpt, mode pb.NetMode) {
	const key = "force-network-mode" // of BuildKit's frontend
	switch mode {
	case pb.NetMode_HOST:
		opt.FrontendAttrs[key] = "host"
		opt.AllowedEntitlements = append(opt.AllowedEntitlements, entitlements.EntitlementNetworkHost.String())
	case pb.NetMode_NONE:
		opt.FrontendAttrs[key] = "none"
	}
}

// ports returns the ports of this machine that the steps of s reach: without a
// network, only those that the user names.
func (b Builder) ports(s buildspec.Spec) []int {
	ports := slices.Clone(b.Ports)
	if b.Network != NoNetwork {
		ports = append(ports, b.proxies(s).Local()...)
	}
	slices.Sort(ports)
	return slices.Compact(ports)
}

// proxies returns the proxies of the steps of s. Those of the environment are of no use
// without a network.
func (b Builder) proxies(s buildspec.Spec) proxy.Set {
	if b.Network == NoNetwork {
		return proxy.Set{}.With(s.Args)
	}
	return b.Proxies.With(s.Args)
}

// reachable returns the proxies of the environment that the steps of a build of s on
// the engine c can reach. It reports the others.
func (n *stepNetwork) reachable(b Builder, c *engineclient.Connection, s buildspec.Spec) proxy.Set {
	if c.Address == engineclient.Own || n.mode != pb.NetMode_UNSET {
		return b.Proxies
	}
	kept, used, named := maps.Clone(b.Proxies), b.proxies(s), proxy.Set{}.With(s.Args)
	for _, name := range b.Proxies.Loopback() {
		if used[name] == "" || named[name] != "" { // a build argument has precedence
			continue
		}
		delete(kept, name)
		if n.warn != nil {
			err := fmt.Errorf("%s: steps do not get this proxy: it is on the loopback interface of this machine, and %s is another engine than bkt's own", name, c.Name())
			n.warn(hint.Add(err, "if its steps reach the proxy, pass it with \"--build-arg %s=ADDRESS\"", name))
		}
	}
	return kept
}

// addProxies adds the proxies of the steps of s to the options of the frontend. The
// engine, which would keep them in its history and in attestations, does not get them
// as options.
func (b Builder) addProxies(opts map[string]string, s buildspec.Spec) {
	for name, value := range b.proxies(s) {
		// BuildKit knows proxies in any case, but an ARG of a Containerfile, whose
		// value the image keeps, only in its own.
		opts["build-arg:"+strings.ToUpper(name[:1])+name[1:]] = value
	}
	for name, value := range s.Args {
		if proxy.IsVariable(name) {
			opts["build-arg:"+name] = value
		}
	}
}

// checkAttest returns an error if an attestation would contain the password of a proxy:
// BuildKit's provenance has all parts of steps in the mode "max".
func (b Builder) checkAttest(s buildspec.Spec) error {
	secrets := b.proxies(s).Secret()
	isMax := slices.Contains(strings.Split(b.Attest["provenance"], ","), "mode=max")
	if !isMax || len(secrets) == 0 {
		return nil
	}
	err := fmt.Errorf("--attest type=provenance,mode=max: the attestation would contain the password in %s", secrets[0])
	return hint.Add(err, "leave out mode=max, or switch this proxy off with \"--build-arg %s=\"", secrets[0])
}

// set stores the network that the engine gives to steps. It is called while the build
// runs, too.
func (n *stepNetwork) set(s contract.NetworkStatus) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status = s
}

// now returns the last status.
func (n *stepNetwork) now() contract.NetworkStatus {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status
}

// tell reports a network that is not the one that the build has asked for, unless the
// user knows it.
func (n *stepNetwork) tell() {
	s := n.now()
	why := s.Why()
	if why == nil || s.Equal(n.told) {
		return
	}
	n.told = s
	if s.Network != contract.HostNetwork {
		n.note(why.Error())
		return
	}
	if n.warn == nil {
		return
	}
	err := fmt.Errorf("steps have the network of this machine, and reach its local services: %w", why)
	n.warn(hint.Add(err, "to use this network on purpose, and without this warning, add --network host"))
}

// tellElsewhere reports proxies on the loopback interface that steps do not reach.
func (n *stepNetwork) tellElsewhere(proxies proxy.Set) {
	if n.warn == nil || n.mode != pb.NetMode_UNSET || n.now().Network == contract.HostNetwork {
		return
	}
	for _, name := range proxies.Elsewhere() {
		err := fmt.Errorf("%s: steps do not reach this proxy: of the loopback interface of this machine, they can reach only 127.0.0.1 and ::1", name)
		n.warn(hint.Add(err, "let the proxy listen at 127.0.0.1, or add --network host"))
	}
}

// close closes the network, and reports what has changed since it was opened: not
// earlier, because the progress of the build may use the terminal.
func (n *stepNetwork) close() {
	if n.open == nil {
		return
	}
	_ = n.open.Close()
	n.tell()
}

// withCause adds a hint to the error of a build that its network explains.
func (n *stepNetwork) withCause(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "granting entitlement network.host is not allowed"):
		return hint.Add(err, "start that buildkitd with \"--allow-insecure-entitlement network.host\", or leave out --network host")
	case strings.Contains(text, "network.host is not allowed"):
		return hint.Add(err, "to let steps with \"RUN --network=host\" reach the network of this machine, add --network host")
	}
	e, ok := errors.AsType[unreachedError](err)
	if !ok {
		return err
	}
	return n.explain(err, e)
}

// explain adds a hint to the error of a step that did not reach something.
func (n *stepNetwork) explain(err error, e unreachedError) error {
	s := n.now()
	switch {
	case slices.Contains(n.ports, e.port): // nothing listens at it
		return err
	case n.mode == pb.NetMode_NONE:
		return hint.Add(err, "the steps have no network: leave out \"--network none\"")
	case s.Network == "" || s.Network == contract.HostNetwork:
		return err
	case e.port != 0:
		return hint.Add(err, "steps do not reach the ports of this machine; to let them reach 127.0.0.1:%d, add --allow-host-port %d", e.port, e.port)
	case s.Network == contract.ClosedNetwork:
		return hint.Add(err, "%v", s.Why())
	}
	return err
}

// A stepClient is a client of the engine for commands of bkt itself, which get the
// network and the proxies of steps.
type stepClient struct {
	gateway.Client
	mode    pb.NetMode
	proxies proxy.Set
}

// options returns the options of a command. BuildKit leaves proxies out of the keys of
// its cache.
func (c stepClient) options() []llb.RunOption {
	options := []llb.RunOption{llb.Network(c.mode)}
	if len(c.proxies) > 0 {
		options = append(options, llb.WithProxy(llb.ProxyEnv{
			HTTPProxy: c.proxies["http_proxy"], HTTPSProxy: c.proxies["https_proxy"], FTPProxy: c.proxies["ftp_proxy"],
			NoProxy: c.proxies["no_proxy"], AllProxy: c.proxies["all_proxy"],
		}))
	}
	return options
}
