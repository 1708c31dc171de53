package engineclient

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/moby/buildkit/client"
)

// defaultDocker is the default address of dockerd.
const defaultDocker = "unix:///var/run/docker.sock"

// A Daemon is a dockerd, which relays clients to the BuildKit in it.
type Daemon struct {
	network, address string // unix and a path, or tcp and host:port
}

// findDockerd finds the default dockerd.
func (cfg Config) findDockerd(context.Context) (string, error) {
	d, err := cfg.hostDaemon()
	if err == nil && d.network == "unix" {
		err = checkSocket(d.address)
	}
	return Docker, err
}

// dockerd returns the dockerd that an address names, if it names one: "docker"
// is the default one, docker:///run/docker.sock and docker://host:port any
// other.
func (cfg Config) dockerd(address string) (d Daemon, ok bool, err error) {
	if address == Docker {
		d, err = cfg.hostDaemon()
		return d, true, err
	}
	rest, ok := strings.CutPrefix(address, "docker://")
	switch {
	case !ok:
		return d, false, nil
	case strings.HasPrefix(rest, "/"):
		return Daemon{"unix", rest}, true, nil
	case rest == "":
		return d, true, errors.New("an address of dockerd needs a socket, as in docker:///run/docker.sock, or a host and port")
	}
	return Daemon{"tcp", rest}, true, nil
}

// hostDaemon returns the dockerd that DOCKER_HOST names.
func (cfg Config) hostDaemon() (Daemon, error) {
	host := cfg.Discovery.Docker
	if host == "" {
		host = defaultDocker
	}
	u, err := url.Parse(host)
	switch {
	case err != nil:
		return Daemon{}, fmt.Errorf("DOCKER_HOST: %w", err)
	case u.Scheme == "unix":
		return Daemon{u.Scheme, u.Path}, nil
	case u.Scheme == "tcp" || u.Scheme == "http":
		return Daemon{"tcp", u.Host}, nil
	}
	return Daemon{}, fmt.Errorf("DOCKER_HOST %s: only unix:// and tcp:// are supported", host)
}

func (d Daemon) String() string { return d.network + "://" + d.address }

// dial connects to the BuildKit in the daemon.
func (d Daemon) dial(ctx context.Context) (*client.Client, error) {
	c, err := dial(ctx, "",
		client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return d.upgrade(ctx, "/grpc", "h2c", nil)
		}),
		client.WithSessionDialer(func(ctx context.Context, protocol string, header map[string][]string) (net.Conn, error) {
			return d.upgrade(ctx, "/session", protocol, header)
		}))
	if err != nil {
		return nil, fmt.Errorf("dockerd at %s: %w", d, err)
	}
	return c, nil
}

// errNoBuildKit says that the daemon has no BuildKit, or is not a dockerd.
var errNoBuildKit = errors.New("it has no BuildKit")

// upgrade opens a connection and switches its protocol. The caller closes it.
func (d Daemon) upgrade(ctx context.Context, path, protocol string, header http.Header) (net.Conn, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", protocol)
	conn, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	// The end of ctx closes a connection that has not answered, and no other.
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	reader, err := exchange(conn, request)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &buffered{conn, reader}, nil
}

// open opens a connection.
func (d Daemon) open(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, d.network, d.address)
}

// exchange sends request and reads the response, which must switch the protocol.
func exchange(conn net.Conn, request *http.Request) (*bufio.Reader, error) {
	if err := request.Write(conn); err != nil {
		return nil, err
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusNotFound:
		return nil, errNoBuildKit
	case response.StatusCode != http.StatusSwitchingProtocols:
		return nil, fmt.Errorf("%s: %s", request.URL.Path, response.Status)
	}
	return reader, nil
}

// buffered is a connection with a part that was read already.
type buffered struct {
	net.Conn
	reader *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.reader.Read(p) }

// A daemonError is the response of a daemon to a request that failed.
type daemonError struct {
	daemon Daemon
	status int // of HTTP
	text   string
}

func (e *daemonError) Error() string { return fmt.Sprintf("dockerd at %s: %s", e.daemon, e.text) }

// Ask sends a request to the API of the daemon. The caller closes the body.
func (d Daemon) Ask(ctx context.Context, method, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return d.open(ctx) },
	}}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("dockerd at %s: %w", d, errors.Unwrap(err))
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer response.Body.Close()
	answer := struct{ Message string }{response.Status}
	_ = json.NewDecoder(response.Body).Decode(&answer) // or else the status is the message
	return nil, &daemonError{d, response.StatusCode, answer.Message}
}
