//go:build containers_image_openpgp

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/containers/image/v5/docker/reference"
	"github.com/containers/image/v5/manifest"
	"github.com/containers/image/v5/pkg/docker/config"
	"github.com/containers/image/v5/types"
	"github.com/docker/distribution/registry/api/errcode"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"
)

// A paced is a reference whose manifests this package sends by itself. Registries limit how
// many manifests they take, and their answer says how long to wait; the library waits after
// requests without a body only, and its errors do not have that time.
type paced struct{ types.ImageReference }

// NewImageDestination implements [types.ImageReference].
func (p paced) NewImageDestination(ctx context.Context, sys *types.SystemContext) (types.ImageDestination, error) {
	d, err := p.ImageReference.NewImageDestination(ctx, sys)
	return pacedDestination{d, sys}, err
}

type pacedDestination struct {
	types.ImageDestination
	sys *types.SystemContext
}

// PutManifest implements [types.ImageDestination].
func (d pacedDestination) PutManifest(ctx context.Context, text []byte, instance *digest.Digest) error {
	named := d.Reference().DockerReference()
	tail := tailOf(named)
	if instance != nil {
		tail = instance.String()
	}
	client, to, err := d.client(ctx, named)
	if err != nil { // the library may be able to log in where this client cannot
		return d.ImageDestination.PutManifest(ctx, text, instance)
	}
	to.Path += tail
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, to.String(), bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", manifest.GuessMIMEType(text))
	res, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("uploading manifest %s: %w", tail, err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 2 && res.StatusCode != http.StatusOK {
		return nil
	}
	err = fmt.Errorf("uploading manifest %s: %w", tail, answerError(res))
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable {
		return busyError{err, askedDelay(res.Header.Get("Retry-After"), time.Now())}
	}
	return err
}

// tailOf returns the tag or the digest of a name.
func tailOf(named reference.Named) string {
	switch named := named.(type) {
	case reference.Digested:
		return named.Digest().String()
	case reference.Tagged:
		return named.Tag()
	}
	return "latest"
}

// PutSignatures implements [types.ImageDestination]. Without a signature, there is nothing
// to do; the library would miss the manifest that it has not sent.
func (d pacedDestination) PutSignatures(ctx context.Context, all [][]byte, instance *digest.Digest) error {
	if len(all) == 0 {
		return nil
	}
	return d.ImageDestination.PutSignatures(ctx, all, instance)
}

// client returns a client with the credentials and the certificates that the library uses,
// and the address of the manifests of an image. The caller has checked where the registry
// wants credentials to be sent; see [toPush].
func (d pacedDestination) client(ctx context.Context, named reference.Named) (*http.Client, *url.URL, error) {
	e, err := own(d.sys, named)
	if err != nil {
		return nil, nil, err
	}
	auth, err := config.GetCredentialsForRef(d.sys, named)
	if err != nil {
		return nil, nil, fmt.Errorf("credentials for %s: %w", e.host(), err)
	}
	plain, err := e.transport()
	if err != nil {
		return nil, nil, err
	}
	var options []name.Option
	if e.insecure {
		options = append(options, name.Insecure)
	}
	registry, err := name.NewRegistry(e.host(), options...)
	if err != nil {
		return nil, nil, err
	}
	path := reference.Path(named)
	login := authn.FromConfig(authn.AuthConfig{Username: auth.Username, Password: auth.Password, IdentityToken: auth.IdentityToken})
	authorized, err := transport.NewWithContext(ctx, registry, login, plain, []string{"repository:" + path + ":" + transport.PushScope})
	if err != nil {
		return nil, nil, err
	}
	return &http.Client{Transport: authorized}, &url.URL{Scheme: registry.Scheme(), Host: registry.RegistryStr(), Path: "/v2/" + path + "/manifests/"}, nil
}

// askedDelay returns how long a registry asks to wait, from the header Retry-After: seconds
// or a date (RFC 9110, section 10.2.3); 0 if it does not.
func askedDelay(header string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(header); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(0, date.Sub(now).Round(time.Second))
	}
	return 0
}

// maxAnswer is how much is read of an answer that refuses a manifest.
const maxAnswer = 1 << 20

// answerError returns the error that an answer is, in the library's words.
func answerError(res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	var coded errcode.Errors
	switch errJSON := json.Unmarshal(text, &coded); {
	case errJSON == nil && len(coded) > 0:
		return coded[0]
	case res.StatusCode == http.StatusUnauthorized:
		return errcode.ErrorCodeUnauthorized.WithDetail(string(text))
	case res.StatusCode < http.StatusBadRequest || res.StatusCode >= http.StatusInternalServerError:
		return statusError{res.StatusCode, res.Status}
	}
	return fmt.Errorf("StatusCode: %d, %q", res.StatusCode, text[:min(len(text), 50)])
}
