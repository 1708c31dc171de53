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

// secure returns the options for TLS, if address is one on a network: the
// authority to trust, and the certificate of the user. The files have the names
// that buildctl looks for.
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

// firstOf returns the first of names that exists in dir.
func firstOf(dir string, names []string) (string, error) {
	for _, name := range names {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return file, patherr.TrimOp(err)
		}
	}
	return "", fmt.Errorf("%s: %s is missing", dir, strings.Join(names, " or "))
}

// adviseTLS adds a hint about TLS to the error of an engine on a network: an engine
// that rejects a certificate often just closes the connection.
func (cfg Config) adviseTLS(address string, err error) error {
	switch {
	case !strings.HasPrefix(address, "tcp://"):
		return err
	case cfg.TLS == "":
		return hint.Add(err, "an engine with TLS needs --tlsdir, a folder with ca.pem, cert.pem and key.pem")
	}
	return hint.Add(err, "the engine must accept the certificate in %s, and have one that the authority there has signed", cfg.TLS)
}
