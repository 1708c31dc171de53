package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bkt/internal/hint"
	"bkt/internal/realm"

	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/pkg/docker/config"
	"github.com/containers/image/v5/pkg/sysregistriesv2"
	"github.com/containers/image/v5/pkg/tlsclientconfig"
	"github.com/containers/image/v5/types"
	"github.com/docker/distribution/registry/client/auth/challenge"
)

// The library sends the credentials for a registry to any address that the
// registry names as its realm. So this file asks the registry for its realm
// before the library gets them.

// realmTimeout is the time for a registry to name its realm.
const realmTimeout = 10 * time.Second

// An endpoint is a registry, or a mirror of it, with an image.
type endpoint struct {
	named    reference.Named
	insecure bool // it may lack TLS, or a trusted certificate
}

// toPull returns the configuration to read the image of ref. It is an error if
// a registry with the image wants credentials to be sent elsewhere.
func toPull(ctx context.Context, ref types.ImageReference) (*types.SystemContext, error) {
	sys, named := plainOnLoopback(ref), ref.DockerReference()
	all := []endpoint{{named, skipsVerify(sys)}}
	found, err := sysregistriesv2.FindRegistry(sys, named.Name())
	if err == nil && found != nil {
		sources, err := found.PullSourcesFromReference(named)
		if err != nil {
			return sys, err
		}
		all = nil
		for _, s := range sources {
			all = append(all, endpoint{s.Reference, s.Endpoint.Insecure || skipsVerify(sys)})
		}
	}
	for _, e := range all {
		if err := e.checkRealm(ctx, sys); err != nil {
			return sys, err
		}
	}
	return sys, err
}

// toPush is like [toPull] to write an image, which uses no mirrors.
func toPush(ctx context.Context, ref types.ImageReference) (*types.SystemContext, error) {
	sys, named := plainOnLoopback(ref), ref.DockerReference()
	e, err := own(sys, named)
	if err != nil {
		return sys, err
	}
	return sys, e.checkRealm(ctx, sys)
}

// own returns the registry of an image, without its mirrors.
func own(sys *types.SystemContext, named reference.Named) (endpoint, error) {
	found, err := sysregistriesv2.FindRegistry(sys, named.Name())
	return endpoint{named, skipsVerify(sys) || found != nil && found.Insecure}, err
}

// primary returns the configuration to ask the registry of ref itself, and
// whether it has mirrors.
func primary(ctx context.Context, ref types.ImageReference) (sys *types.SystemContext, mirrored bool, err error) {
	sys, err = toPush(ctx, ref)
	if err != nil {
		return sys, false, err
	}
	found, err := sysregistriesv2.FindRegistry(sys, ref.DockerReference().Name())
	return sys, found != nil && len(found.Mirrors) > 0, err
}

func skipsVerify(sys *types.SystemContext) bool {
	return sys.DockerInsecureSkipTLSVerify == types.OptionalBoolTrue
}

// A realmError says that a registry wants its credentials to be sent to another
// host.
type realmError struct{ host, realm string }

func (e *realmError) Error() string {
	return fmt.Sprintf("%s wants its credentials to be sent to %q, which is another host: they were not sent", e.host, e.realm)
}

// checkRealm returns a [realmError] if the user has credentials for the
// registry, and it wants them to be sent to another host. A registry that does
// not answer is an error, too.
func (e endpoint) checkRealm(ctx context.Context, sys *types.SystemContext) error {
	auth, err := config.GetCredentialsForRef(sys, e.named)
	if err != nil {
		return fmt.Errorf("credentials for %s: %w", e.host(), err)
	}
	if auth == (types.DockerAuthConfig{}) {
		return nil
	}
	at, challenges, err := e.ping(ctx)
	if err != nil {
		return fmt.Errorf("asking %s how to log in: %w", e.host(), err)
	}
	for _, c := range challenges {
		if !strings.EqualFold(c.Scheme, "bearer") {
			continue // it goes to the registry itself
		}
		to, err := url.Parse(c.Parameters["realm"])
		if err != nil || !realm.IsOwn(at, to) && !consented(sys, auth, at, to) {
			return foreignRealm(e.host(), c.Parameters["realm"], to)
		}
	}
	return nil
}

// consented reports whether the user has the same credentials for the host of
// the realm, too, and the connection to it is private.
func consented(sys *types.SystemContext, auth types.DockerAuthConfig, at, to *url.URL) bool {
	also, err := config.GetCredentials(sys, to.Host)
	return err == nil && also == auth && realm.IsPrivate(at, to)
}

func isForeign(err error) bool {
	_, ok := errors.AsType[*realmError](err)
	return ok
}

func foreignRealm(host, named string, to *url.URL) error {
	var err error = &realmError{host, named}
	if to != nil && to.Scheme == "https" {
		err = hint.Add(err, "to send them there, add %q to the auth file with the same credentials (containers-auth.json(5))", to.Host)
	}
	return hint.Add(err, "to continue without credentials, run \"podman logout %s\"", host)
}

func (e endpoint) host() string { return reference.Domain(e.named) }

// ping asks the registry how to log in, as the library does. It returns the
// address that it asked.
func (e endpoint) ping(ctx context.Context) (*url.URL, []challenge.Challenge, error) {
	ctx, cancel := context.WithTimeout(ctx, realmTimeout)
	defer cancel()
	transport, err := e.transport()
	if err != nil {
		return nil, nil, err
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	host := e.host()
	if host == dockerHub {
		host = hubHost
	}
	at := &url.URL{Scheme: "https", Host: host, Path: "/v2/"}
	found, err := askRealm(ctx, client, at)
	if err != nil && e.insecure {
		at.Scheme = "http"
		found, err = askRealm(ctx, client, at)
	}
	return at, found, err
}

// transport returns what connects to the registry as the library does.
func (e endpoint) transport() (*http.Transport, error) {
	t := tlsclientconfig.NewTransport()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: e.insecure}
	return t, tlsclientconfig.SetupCertificates(certificates(e.host()), t.TLSClientConfig)
}

func askRealm(ctx context.Context, client *http.Client, at *url.URL) ([]challenge.Challenge, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	// The library uses challenges with any status.
	return challenge.ResponseChallenges(&http.Response{StatusCode: http.StatusUnauthorized, Header: response.Header}), nil
}

// certificates returns the folder with the certificates of a registry; see
// containers-certs.d(5).
func certificates(host string) string {
	dirs := []string{"/etc/containers/certs.d", "/etc/docker/certs.d"}
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append([]string{filepath.Join(home, ".config", "containers", "certs.d")}, dirs...)
	}
	for _, dir := range dirs {
		dir = filepath.Join(dir, host)
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	return ""
}
