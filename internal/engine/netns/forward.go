package netns

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// dialTimeout is the time for a server of this machine to accept a connection.
const dialTimeout = 30 * time.Second

// A forward accepts TCP connections to one port inside a namespace, and connects them
// with the same port of the loopback interface outside.
type forward struct {
	listeners []net.Listener
	stop      context.CancelFunc // ends connections
}

// SetPorts forwards these TCP ports of this machine's loopback interface, and no others:
// connections to 127.0.0.1 in the namespace, and to ::1 if something listens there on
// this machine. It ends the connections to ports that it no longer forwards. It returns
// an error if a process in the namespace listens on a port.
func (n *Namespace) SetPorts(ports []int) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for port, f := range n.forwards {
		if !slices.Contains(ports, port) {
			f.close()
			delete(n.forwards, port)
		}
	}
	var errs []error
	for _, port := range ports {
		if n.forwards[port] != nil {
			continue
		}
		f, err := n.forward(port)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n.forwards[port] = f
	}
	return errors.Join(errs...)
}

// forward starts to forward a port.
func (n *Namespace) forward(port int) (*forward, error) {
	hosts := []string{"127.0.0.1"}
	if listensOnIPv6(port) {
		hosts = append(hosts, "::1")
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &forward{stop: cancel}
	for _, host := range hosts {
		address := net.JoinHostPort(host, strconv.Itoa(port))
		l, err := n.listen(ctx, address)
		if err != nil {
			f.close()
			return nil, err
		}
		f.listeners = append(f.listeners, l)
		go serve(ctx, l, address)
	}
	return f, nil
}

// close ends the forwarding and its connections.
func (f *forward) close() {
	for _, l := range f.listeners {
		_ = l.Close()
	}
	f.stop()
}

// listen listens inside the namespace.
func (n *Namespace) listen(ctx context.Context, address string) (l net.Listener, err error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false) // splice(2) copies faster
	err = n.inside(func() (err error) {
		l, err = config.Listen(ctx, "tcp", address)
		return err
	})
	return l, err
}

// serve connects each connection that l accepts with address.
func serve(ctx context.Context, l net.Listener, address string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go relay(ctx, c.(*net.TCPConn), address)
	}
}

// relay copies between a connection and another to address, until both directions have
// ended or ctx ends.
func relay(ctx context.Context, inside *net.TCPConn, address string) {
	defer inside.Close()
	dialer := net.Dialer{Timeout: dialTimeout}
	dialer.SetMultipathTCP(false)
	c, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		_ = inside.SetLinger(0) // the client gets an error, not an empty answer
		return
	}
	outside := c.(*net.TCPConn)
	defer outside.Close()
	defer context.AfterFunc(ctx, func() { inside.Close(); outside.Close() })()
	var answer sync.WaitGroup
	answer.Go(func() { pump(inside, outside) })
	pump(outside, inside)
	answer.Wait()
}

// pump copies one direction, and passes its end on.
func pump(to, from *net.TCPConn) {
	_, err := io.Copy(to, from)
	_ = to.CloseWrite()
	if err != nil {
		_ = from.CloseRead()
	}
}

// listensOnIPv6 reports whether a program of this machine listens on the TCP port of ::1
// or of all addresses. The lines of /proc/net/tcp6 are described in proc_net_tcp(5):
// the second field is the local address, the fourth the state, which is 0A for a socket
// that listens.
func listensOnIPv6(port int) bool {
	table, err := os.ReadFile("/proc/thread-self/net/tcp6")
	if err != nil {
		return false // without IPv6
	}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != "0A" {
			continue
		}
		address, hex, _ := strings.Cut(f[1], ":")
		p, err := strconv.ParseUint(hex, 16, 16)
		loopback := address == "00000000000000000000000001000000" || strings.Trim(address, "0") == ""
		if err == nil && int(p) == port && loopback {
			return true
		}
	}
	return false
}
