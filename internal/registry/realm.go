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

// The library sends the credentials for a registry to whatever address that names
// as its realm. So it is asked for its realm before the library has them.

// realmPatience is how long a registry may take to name its realm.
const realmPatience = 10 * time.Second

// An endpoint is a registry, or a mirror, that is asked for an image.
type endpoint struct {
	named    reference.Named
	insecure bool // it may do without TLS, or without a certificate that proves who it is
}

// toPull returns the configuration for reading the image of ref, unless a
// registry that it may be read from would have credentials sent elsewhere.
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

// toPush is [toPull] for writing an image, for which there are no mirrors.
func toPush(ctx context.Context, ref types.ImageReference) (*types.SystemContext, error) {
	sys, named := plainOnLoopback(ref), ref.DockerReference()
	found, err := sysregistriesv2.FindRegistry(sys, named.Name())
	if err != nil {
		return sys, err
	}
	return sys, endpoint{named, skipsVerify(sys) || found != nil && found.Insecure}.checkRealm(ctx, sys)
}

// primary returns the configuration for asking the registry of ref itself, and
// whether there are mirrors of it.
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

// A realmError says that a registry wants the credentials for it to be sent to
// an address that is not its own.
type realmError struct{ host, realm string }

func (e *realmError) Error() string {
	return fmt.Sprintf("%s wants the credentials for it to be sent to %q, which is not its own host: they were not sent", e.host, e.realm)
}

// checkRealm returns a [realmError] if there are credentials for the registry,
// and it wants them to be sent to another one's address; and an error if it does
// not say.
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
			continue // which is between the registry and us
		}
		to, err := url.Parse(c.Parameters["realm"])
		if err != nil || !realm.IsOwn(at, to) && !consented(sys, auth, at, to) {
			return foreignRealm(e.host(), c.Parameters["realm"], to)
		}
	}
	return nil
}

// consented reports whether the user has the very same credentials for the host
// of the realm, too, to which they are not sent for all to read.
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
		err = hint.Add(err, "if they may go there, add %q to the auth file with the same credentials (containers-auth.json(5))", to.Host)
	}
	return hint.Add(err, "to go on without credentials, run \"podman logout %s\"", host)
}

func (e endpoint) host() string { return reference.Domain(e.named) }

// ping asks the registry how to log in, in the way that the library does. It
// returns the address that was asked.
func (e endpoint) ping(ctx context.Context) (*url.URL, []challenge.Challenge, error) {
	ctx, cancel := context.WithTimeout(ctx, realmPatience)
	defer cancel()
	transport := tlsclientconfig.NewTransport()
	defer transport.CloseIdleConnections()
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: e.insecure}
	if err := tlsclientconfig.SetupCertificates(certificates(e.host()), transport.TLSClientConfig); err != nil {
		return nil, nil, err
	}
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
	// The library heeds challenges whatever the status is.
	return challenge.ResponseChallenges(&http.Response{StatusCode: http.StatusUnauthorized, Header: response.Header}), nil
}

// certificates returns the folder with those of a registry, as
// containers-certs.d(5) has it.
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
