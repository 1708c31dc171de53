//go:build containers_image_openpgp

package registry

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"bkt/internal/hint"

	"github.com/containers/image/v5/signature"
)

// A tokenServer gives a token to all clients, and records their passwords.
type tokenServer struct {
	mu        sync.Mutex
	asked     int
	passwords []string
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if _, password, ok := r.BasicAuth(); ok {
		s.passwords = append(s.passwords, password)
	}
	if r.ParseForm() == nil && r.PostForm.Get("password") != "" {
		s.passwords = append(s.passwords, r.PostForm.Get("password"))
	}
	io.WriteString(w, `{"token": "T"}`)
}

// saw returns how often a token was asked for, and the passwords shown.
func (s *tokenServer) saw() (int, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, strings.Join(s.passwords, " ")
}

// login writes an auth file with the user "user" and the password "secret" for
// hosts.
func login(t *testing.T, hosts ...string) {
	t.Helper()
	var all []string
	for _, host := range hosts {
		all = append(all, fmt.Sprintf(`%q: {"auth": %q}`, host, base64.StdEncoding.EncodeToString([]byte("user:secret"))))
	}
	file := filepath.Join(t.TempDir(), "auth.json")
	if err := os.WriteFile(file, []byte(`{"auths": {`+strings.Join(all, ", ")+`}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("REGISTRY_AUTH_FILE", file)
}

// serveBehindToken serves a registry that wants a token of a realm: an address,
// or a path of the registry itself.
func serveBehindToken(t *testing.T, own *tokenServer, realm string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.URL.Path == "/token":
			own.ServeHTTP(w, r)
			return true
		case r.Header.Get("Authorization") == "Bearer T":
			return false
		}
		at := realm
		if strings.HasPrefix(at, "/") {
			at = "http://" + r.Host + at
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+at+`",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
}

// TestCredentialsStayWithTheirRegistry checks to whom all functions that ask
// registries send a password.
func TestCredentialsStayWithTheirRegistry(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	plain, secure := &tokenServer{}, &tokenServer{}
	other, otherTLS := httptest.NewServer(plain), httptest.NewTLSServer(secure)
	t.Cleanup(other.Close)
	t.Cleanup(otherTLS.Close)
	uses := []struct {
		name string
		use  func(host string) error
	}{
		{"push", func(host string) error {
			_, err := push(t.Context(), makeImage(t, 100), host+"/a:1", io.Discard, nil)
			return err
		}},
		{"inspect", func(host string) error {
			_, err := inspect(t.Context(), host+"/a:1", nil, describe)
			return err
		}},
		{"verify", func(host string) error {
			ref, err := parseAny(host + "/a:1")
			if err != nil {
				return err
			}
			policy := &signature.Policy{Default: signature.PolicyRequirements{signature.NewPRInsecureAcceptAnything()}}
			if _, err = verify(t.Context(), policy, ref); statusOf(err) == http.StatusNotFound {
				return nil // it was let in
			}
			return err
		}},
		{"credentials", func(host string) error {
			_, secret, err := Credentials(t.Context(), host)
			if err == nil && secret != "secret" {
				return fmt.Errorf("the password is %q", secret)
			}
			return err
		}},
	}
	for _, u := range uses {
		t.Run(u.name, func(t *testing.T) {
			own := &tokenServer{}
			host := serveBehindToken(t, own, "/token")
			login(t, host)
			if err := u.use(host); err != nil {
				t.Errorf("its own realm: %v", err)
			}
			if asked, shown := own.saw(); asked > 0 && !strings.HasPrefix(shown, "secret") {
				t.Errorf("its own realm was shown %q", shown)
			}
			for _, realm := range []string{other.URL + "/token", otherTLS.URL + "/token", "nonsense"} {
				host := serveBehindToken(t, own, realm)
				login(t, host)
				err := u.use(host)
				want := fmt.Sprintf("%s wants its credentials to be sent to %q, which is another host: they were not sent", host, realm)
				if err == nil || !strings.HasSuffix(err.Error(), want) {
					t.Errorf("error %v, not %s", err, want)
				}
				if hints := hint.Of(err); len(hints) == 0 || hints[0] != `to continue without credentials, run "podman logout `+host+`"` {
					t.Errorf("hints %q", hints)
				}
			}
			if asked, shown := plain.saw(); asked > 0 || shown != "" {
				t.Errorf("another host was asked %d times, and shown %q", asked, shown)
			}
			if asked, shown := secure.saw(); asked > 0 || shown != "" {
				t.Errorf("another host was asked %d times, and shown %q", asked, shown)
			}
		})
	}
}

// TestRealmElsewhere checks that bkt asks any realm without credentials, and sends
// credentials to a realm for which the user has the same ones.
func TestRealmElsewhere(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	elsewhere := &tokenServer{}
	server := httptest.NewTLSServer(elsewhere)
	t.Cleanup(server.Close)
	host := serveBehindToken(t, &tokenServer{}, server.URL+"/token")
	login(t)
	if _, err := push(t.Context(), makeImage(t, 100), host+"/a:1", io.Discard, nil); err != nil {
		t.Error(err)
	}
	if asked, shown := elsewhere.saw(); asked == 0 || shown != "" {
		t.Errorf("asked %d times, and shown %q", asked, shown)
	}
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	login(t, host, at.Host)
	if _, err := push(t.Context(), makeImage(t, 100), host+"/a:2", io.Discard, nil); err != nil {
		t.Error(err)
	}
	if _, shown := elsewhere.saw(); !strings.HasPrefix(shown, "secret") {
		t.Errorf("shown %q", shown)
	}
}
