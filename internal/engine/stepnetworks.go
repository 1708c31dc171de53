package engine

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"bkt/internal/engine/contract"
	"bkt/internal/engine/machine"
	"bkt/internal/engine/netns"
	"bkt/internal/plainfile"

	"github.com/moby/buildkit/util/network"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"
)

// hostResolvConf names this machine's name servers; see resolv.conf(5).
const hostResolvConf = "/etc/resolv.conf"

// stepNetworks are the networks of build steps: one namespace for all steps with
// BuildKit's default network, and one for each step with the network "none".
type stepNetworks struct {
	path  string // where to look for programs, in the form of $PATH
	dir   string // for files
	mount func() (string, error)

	mu       sync.Mutex
	requests map[*contract.NetworkRequest]struct{} // of clients
	own      *netns.Namespace                      // nil: not needed yet
	pasta    *netns.Connection                     // nil: not started yet
	resolved []byte                                // the host's resolv.conf when pasta started
	failed   error                                 // why pasta did not start; a new request tries again
	status   contract.NetworkStatus
	changed  chan struct{} // closed when status changes
	last     int           // number of the last namespace for one step
}

func newStepNetworks(s settings) *stepNetworks {
	dir := filepath.Join(s.Config.Root, "run")
	return &stepNetworks{
		path:     s.Config.Path,
		dir:      dir,
		mount:    sync.OnceValues(func() (string, error) { return mountNetworks(s.UID, dir) }),
		requests: map[*contract.NetworkRequest]struct{}{},
		changed:  make(chan struct{}),
	}
}

// mountNetworks returns the folder to mount network namespaces in. It is podman's for a
// user, where AppArmor's profile lets pasta read, or one in dir if that cannot be used.
// Its files are only in this mount namespace.
func mountNetworks(uid int, dir string) (string, error) {
	user := filepath.Join("/run/user", strconv.Itoa(uid))
	var err error
	for _, place := range []string{filepath.Join(user, "netns"), filepath.Join(dir, "netns")} {
		if uid == 0 {
			err = os.MkdirAll(place, 0o700)
		} else if err = os.Mkdir(place, 0o700); errors.Is(err, fs.ErrExist) {
			err = nil
		}
		if err == nil {
			err = unix.Mount("tmpfs", place, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=0700")
		}
		if err == nil {
			return place, nil
		}
	}
	return "", &os.PathError{Op: "mount", Path: dir, Err: err}
}

// forAll returns the network that steps share. An [ownNetworkExecutor] has made it.
func (n *stepNetworks) forAll() (network.Namespace, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.makeOwn(); err != nil {
		return nil, err
	}
	s := stepNetwork{file: n.own.File}
	if n.pasta == nil {
		return s, nil
	}
	s.resolvConf = filepath.Join(n.dir, "resolv.conf")
	return s, writeResolvConf(s.resolvConf)
}

// forOne returns a network without a way out, except for the ports of closed requests.
func (n *stepNetworks) forOne() (network.Namespace, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ports := n.ports(contract.ClosedNetwork)
	if len(ports) == 0 {
		return network.NewNoneProvider().New(context.Background(), "", network.NamespaceOptions{})
	}
	n.last++
	one, err := n.makeNamespace(strconv.Itoa(n.last), ports)
	if err != nil {
		return nil, err
	}
	return stepNetwork{file: one.File, close: one.Close}, nil
}

// makeOwn makes the network that steps share, unless it exists.
func (n *stepNetworks) makeOwn() (err error) {
	if n.own == nil {
		n.own, err = n.makeNamespace("own", n.ports(contract.OwnNetwork))
	}
	return err
}

func (n *stepNetworks) makeNamespace(name string, ports []int) (*netns.Namespace, error) {
	dir, err := n.mount()
	if err != nil {
		return nil, err
	}
	ns, err := netns.New(filepath.Join(dir, "bkt-"+name))
	if err != nil {
		return nil, err
	}
	if err := ns.SetPorts(ports); err != nil {
		_ = ns.Close()
		return nil, err
	}
	return ns, nil
}

// ports returns the ports that clients have asked for in a network.
func (n *stepNetworks) ports(network string) []int {
	var all []int
	for r := range n.requests {
		if r.Network == network {
			all = append(all, r.Ports...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// open adds a request, and returns a function that withdraws it.
func (n *stepNetworks) open(r *contract.NetworkRequest) (close func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.failed = nil
	n.requests[r] = struct{}{}
	if err := n.setPorts(); err != nil {
		delete(n.requests, r)
		return nil, errors.Join(err, n.setPorts())
	}
	n.setStatus(n.predict())
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.requests, r)
		if err := n.setPorts(); err != nil {
			logrus.Error(err)
		}
	}, nil
}

// setPorts forwards the ports of all requests to the network that steps share.
func (n *stepNetworks) setPorts() error {
	if n.own == nil {
		return nil
	}
	return n.own.SetPorts(n.ports(contract.OwnNetwork))
}

// join connects the network that steps share. It reports whether the next step uses it;
// otherwise it uses that of the machine.
func (n *stepNetworks) join() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.connect()
	n.setStatus(s)
	return s.Network != contract.HostNetwork
}

// predict returns the network that steps will probably get.
func (n *stepNetworks) predict() contract.NetworkStatus {
	switch _, err := machine.FindPasta(n.path); {
	case n.isConnected():
		return contract.NewNetworkStatus(contract.OwnNetwork, nil)
	case err != nil:
		return contract.NewNetworkStatus(contract.HostNetwork, err)
	case !netns.HasDefaultRoute():
		return contract.NewNetworkStatus(contract.ClosedNetwork, errNoRoute)
	}
	return contract.NewNetworkStatus(contract.OwnNetwork, nil)
}

var errNoRoute = errors.New("this machine has no default route, so build steps have no network")

// connect makes the network that steps share, and connects it. It returns the network
// that steps get.
func (n *stepNetworks) connect() contract.NetworkStatus {
	if n.isConnected() {
		return contract.NewNetworkStatus(contract.OwnNetwork, nil)
	}
	if n.failed == nil {
		n.failed = n.makeOwn()
	}
	if n.failed == nil && !netns.HasDefaultRoute() {
		return contract.NewNetworkStatus(contract.ClosedNetwork, errNoRoute)
	}
	if n.failed == nil {
		n.failed = n.startPasta()
	}
	if n.failed != nil {
		return contract.NewNetworkStatus(contract.HostNetwork, n.failed)
	}
	return contract.NewNetworkStatus(contract.OwnNetwork, nil)
}

// isConnected reports whether pasta runs and uses the name servers that this machine has
// now: it reads them when it starts.
func (n *stepNetworks) isConnected() bool {
	if n.pasta == nil || !n.pasta.Alive() {
		return false
	}
	now, err := plainfile.Read(hostResolvConf, plainfile.MaxText)
	return err != nil || bytes.Equal(now, n.resolved)
}

// startPasta starts pasta, and ends one that runs.
func (n *stepNetworks) startPasta() error {
	if n.pasta != nil {
		_ = n.pasta.Close()
		n.pasta = nil
	}
	program, err := machine.FindPasta(n.path)
	if err != nil {
		return err
	}
	n.resolved, _ = plainfile.Read(hostResolvConf, plainfile.MaxText) // pasta works without it, too
	n.pasta, err = netns.Connect(program, n.own)
	return err
}

// setStatus notifies all clients of a status that differs.
func (n *stepNetworks) setStatus(s contract.NetworkStatus) {
	if n.status.Equal(s) {
		return
	}
	n.status = s
	close(n.changed)
	n.changed = make(chan struct{})
}

// current returns the status, and a channel that is closed when it changes.
func (n *stepNetworks) current() (contract.NetworkStatus, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.status, n.changed
}
