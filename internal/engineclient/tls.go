package engineclient

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"

	"github.com/moby/buildkit/client"
)

// secure returns what makes a connection to address a private one: whom to
// trust, and who the user is. Its files have the names that buildctl, too, looks
// for.
func (cfg Config) secure(address string) ([]client.ClientOpt, error) {
	if cfg.TLS == "" || !strings.HasPrefix(address, "tcp://") {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	var files [3]string
	for i, names := range [][]string{{"ca.pem", "ca.crt"}, {"cert.pem", "tls.crt"}, {"key.pem", "tls.key"}} {
		if files[i], err = firstOf(cfg.TLS, names); err != nil {
			return nil, err
		}
	}
	return []client.ClientOpt{client.WithServerConfig(u.Hostname(), files[0]), client.WithCredentials(files[1], files[2])}, nil
}

// firstOf returns the first of names that is in dir.
func firstOf(dir string, names []string) (string, error) {
	for _, name := range names {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return file, patherr.TrimOp(err)
		}
	}
	return "", fmt.Errorf("%s: it has no %s", dir, strings.Join(names, " or "))
}

// adviseTLS says what the trouble with an engine on a network may be: one that
// does not accept a certificate often just hangs up.
func (cfg Config) adviseTLS(address string, err error) error {
	switch {
	case !strings.HasPrefix(address, "tcp://"):
		return err
	case cfg.TLS == "":
		return hint.Add(err, "an engine that wants TLS needs --tlsdir, a folder with ca.pem, cert.pem and key.pem")
	}
	return hint.Add(err, "the engine has to accept the certificate in %s, and to be signed by the authority in it", cfg.TLS)
}
