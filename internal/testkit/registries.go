package testkit

import (
	"cmp"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// exampleCom serves a script as https://example.com and writes the site's
// certificate to a file. It returns the address of a proxy that leads there.
func (w *Workshop) exampleCom(certificate string) (string, error) {
	site := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { io.WriteString(rw, "#!/bin/sh\n") }))
	w.onClose(site.Close)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o644); err != nil {
		return "", err
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		to, err := net.Dial("tcp", site.Listener.Addr().String())
		if err != nil || r.Method != http.MethodConnect || r.Host != "example.com:443" {
			http.Error(rw, "only example.com is here", http.StatusBadGateway)
			return
		}
		from, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { io.Copy(to, from); to.Close() }()
		io.Copy(from, to)
		from.Close()
	}))
	w.onClose(proxy.Close)
	return proxy.URL, nil
}

// serveRegistry serves a registry from this process, behind a guard, and returns
// its host and port.
func (w *Workshop) serveRegistry(guard func(http.Handler) http.Handler) string {
	server := httptest.NewServer(guard(registry.New(registry.Logger(log.New(io.Discard, "", 0)))))
	w.onClose(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// withPassword admits the user "user" with the password "password".
func withPassword(inner http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user == "user" && password == "password" {
			inner.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// withToken admits clients that have a token. The path /token of a host (by default
// of the registry's) gives tokens to clients that [withPassword] admits.
func withToken(host string) func(http.Handler) http.Handler {
	return func(inner http.Handler) http.Handler {
		token := withPassword(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"token": "T"}`) }))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/token":
				token.ServeHTTP(w, r)
			case r.Header.Get("Authorization") == "Bearer T":
				inner.ServeHTTP(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Bearer realm="`+cmp.Or(host, "http://"+r.Host)+`/token",service="test"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	}
}

// serveDockerRegistry serves Docker's registry, which stores everything in dir, and
// returns its host and port, or nothing if it is not installed.
func (w *Workshop) serveDockerRegistry(dir string) (string, error) {
	if _, err := exec.LookPath("docker-registry"); err != nil {
		if _, err := exec.LookPath("apt-get"); err == nil && os.Getenv("BKT_REQUIRE_TOOLS") != "" {
			return "", errors.New("docker-registry is not installed")
		}
		return "", nil
	}
	config := dir + ".yml"
	text := "version: 0.1\nstorage: {filesystem: {rootdirectory: " + dir + "}}\nhttp: {addr: '127.0.0.1:0'}\n"
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return "", err
	}
	return w.serve("listening on ", "docker-registry", "serve", config)
}
