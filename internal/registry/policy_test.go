//go:build containers_image_openpgp

package registry

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/ocilayout"
	"bkt/internal/testkit"

	"github.com/google/go-cmp/cmp"
)

// TestMain gives the tests their own home. The library looks it up only once.
func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "bkt")
	if err == nil {
		err = os.Setenv("HOME", home)
	}
	if err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(home)
	os.Exit(status)
}

// emptyHome returns the home without any configuration.
func emptyHome(t *testing.T) string {
	t.Helper()
	home := os.Getenv("HOME")
	if err := os.RemoveAll(filepath.Join(home, ".config")); err != nil {
		t.Fatal(err)
	}
	return home
}

// A signer signs images with its own key.
type signer struct{ home string }

func newSigner(t *testing.T) signer {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s := signer{home}
	t.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = s.env()
		if out, err := stop.CombinedOutput(); err != nil {
			t.Errorf("gpgconf: %v\n%s", err, out)
		}
		os.RemoveAll(home)
	})
	s.gpg(t, nil, "--passphrase", "", "--quick-gen-key", "someone@example.org", "rsa2048", "sign", "never")
	return s
}

func (s signer) env() []string { return append(os.Environ(), "GNUPGHOME="+s.home) }

// gpg runs gpg and returns its output.
func (s signer) gpg(t *testing.T, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("gpg", append([]string{"--batch", "--quiet", "--pinentry-mode=loopback"}, args...)...)
	cmd.Env, cmd.Stdin = s.env(), strings.NewReader(string(stdin))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return out
}

// sign returns the signature that says that name is the image digest.
func (s signer) sign(t *testing.T, name, digest string) []byte {
	t.Helper()
	payload := fmt.Sprintf(`{"critical":{"type":"atomic container signature","image":{"docker-manifest-digest":%q},"identity":{"docker-reference":%q}},"optional":{}}`, digest, name)
	return s.gpg(t, []byte(payload), "--sign")
}

// write writes a file and the folders that it is in.
func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// A place is a registry, and a home with a policy for its images. The policy
// requires a signature, except for the images any and rejected.
type place struct {
	host, home string
	requests   atomic.Int32
	fails      atomic.Int32 // so many questions for manifests are not answered
}

func newPlace(t *testing.T, trusted signer) *place {
	t.Helper()
	p := &place{home: emptyHome(t)}
	p.host = serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		p.requests.Add(1)
		if !isManifestGet(r) || p.fails.Add(-1) < 0 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	write(t, filepath.Join(p.home, "key.gpg"), trusted.gpg(t, nil, "--export"))
	type demands []map[string]string
	policy, err := json.Marshal(map[string]any{
		"default": demands{{"type": "reject"}},
		"transports": map[string]any{"docker": map[string]demands{
			p.host:               {{"type": "signedBy", "keyType": "GPGKeys", "keyPath": filepath.Join(p.home, "key.gpg")}},
			p.host + "/any":      {{"type": "insecureAcceptAnything"}},
			p.host + "/rejected": {{"type": "reject"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(p.home, ".config/containers/policy.json"), policy)
	write(t, filepath.Join(p.home, ".config/containers/registries.d/test.yaml"),
		[]byte(fmt.Sprintf("docker:\n  %q:\n    lookaside: file://%s/signatures\n", p.host, p.home)))
	return p
}

// push pushes an image and returns its digest.
func (p *place) push(t *testing.T, name string, l ocilayout.Image) string {
	t.Helper()
	if _, err := push(t.Context(), l, p.host+"/"+name, io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	return l.Digest.String()
}

// attach writes a signature to where the library looks for it.
func (p *place) attach(t *testing.T, repository, digest string, signature []byte) {
	t.Helper()
	folder := repository + "@" + strings.Replace(digest, ":", "=", 1)
	write(t, filepath.Join(p.home, "signatures", folder, "signature-1"), signature)
}

func TestPolicy(t *testing.T) {
	testkit.Need(t, "gpg")
	trusted, foreign := newSigner(t), newSigner(t)
	p := newPlace(t, trusted)
	good := p.push(t, "good:1", makeImage(t, 100))
	p.attach(t, "good", good, trusted.sign(t, p.host+"/good:1", good))
	index := p.push(t, "index:1", makeIndex(t))
	p.attach(t, "index", index, trusted.sign(t, p.host+"/index:1", index))
	p.push(t, "unsigned:1", makeImage(t, 100))
	other := p.push(t, "foreign:1", makeImage(t, 100))
	p.attach(t, "foreign", other, foreign.sign(t, p.host+"/foreign:1", other))
	moved := p.push(t, "moved:1", makeImage(t, 100))
	p.attach(t, "moved", moved, trusted.sign(t, p.host+"/moved:1", good))
	renamed := p.push(t, "renamed:1", makeImage(t, 100))
	p.attach(t, "renamed", renamed, trusted.sign(t, p.host+"/good:1", renamed))
	p.push(t, "any:1", makeImage(t, 100))
	p.push(t, "rejected:1", makeImage(t, 100))
	tests := []struct {
		name   string
		digest string
		asks   bool   // the registry
		err    string // part of the error, if the image is not allowed
	}{
		{"good:1", good, true, ""},
		{"good@" + good, good, true, ""},
		{"index:1", index, true, ""},
		{"any:1", "", false, ""},
		{"unsigned:1", "", true, "not allowed by the policy (signedBy): A signature was required, but no signature exists"},
		{"foreign:1", "", true, "not allowed by the policy (signedBy): "},
		{"moved:1", "", true, "not allowed by the policy (signedBy): Signature for digest " + good + " does not match"},
		{"renamed:1", "", true, "not allowed by the policy (signedBy): Signature for identity"},
		{"rejected:1", "", false, "not allowed by the policy (reject): Running image"},
		{"missing:1", "", true, "name unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.requests.Store(0)
			name := p.host + "/" + tt.name
			got, err := Allow(t.Context(), name)
			if asked := p.requests.Load() > 0; asked != tt.asks {
				t.Errorf("asked the registry: %v", asked)
			}
			if tt.err != "" {
				checkRefused(t, err, "image "+name+": ", tt.err)
				return
			}
			if diff := cmp.Diff([]contract.Allowed{{Name: name, Digest: tt.digest}}, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
	t.Run("asked again", func(t *testing.T) {
		p.fails.Store(2)
		name := p.host + "/good:1"
		got, err := allow(t.Context(), "/", []string{name}, atOnce)
		if diff := cmp.Diff([]contract.Allowed{{Name: name, Digest: good}}, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		p.fails.Store(int32(len(atOnce) + 1))
		_, err = allow(t.Context(), "/", []string{name}, atOnce)
		checkRefused(t, err, "image "+name+": ", "503 Service Unavailable")
	})
	t.Run("all or nothing", func(t *testing.T) {
		got, err := Allow(t.Context(), p.host+"/good:1", p.host+"/unsigned:1", p.host+"/rejected:1")
		if got != nil || len(hint.Split(err)) != 2 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func checkRefused(t *testing.T, err error, begins, says string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), begins) || !strings.Contains(err.Error(), says) {
		t.Fatalf("error %v", err)
	}
	if policy := strings.Contains(says, "policy"); policy != (len(hint.Of(err)) == 1) {
		t.Errorf("hints %q", hint.Of(err))
	}
}

func TestWithoutPolicyAllIsAllowed(t *testing.T) {
	emptyHome(t)
	got, err := allow(t.Context(), t.TempDir(), []string{"127.0.0.1:1/a"}, nil)
	if diff := cmp.Diff([]contract.Allowed{{Name: "127.0.0.1:1/a"}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestThePolicyOfTheSystemCounts(t *testing.T) {
	emptyHome(t)
	root := t.TempDir()
	write(t, filepath.Join(root, "etc/containers/policy.json"), []byte(`{"default":[{"type":"reject"}]}`))
	_, err := allow(t.Context(), root, []string{"127.0.0.1:1/a"}, nil)
	checkRefused(t, err, "image 127.0.0.1:1/a: ", "not allowed by the policy (reject)")
}

func TestABrokenPolicyAllowsNothing(t *testing.T) {
	home := emptyHome(t)
	for _, text := range []string{"", "{}", `{"default":[]}`, `{"default":[{"type":"odd"}]}`} {
		write(t, filepath.Join(home, ".config/containers/policy.json"), []byte(text))
		if got, err := allow(t.Context(), t.TempDir(), []string{"127.0.0.1:1/a"}, nil); err == nil || len(hint.Of(err)) != 1 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
