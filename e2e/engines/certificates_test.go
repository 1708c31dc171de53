package engines_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are folders with ca.pem, cert.pem and key.pem.
type certificates struct {
	server, client string // they trust each other
	stranger       string // it trusts neither of them, and they do not trust it
}

func newCertificates(t *testing.T) certificates {
	t.Helper()
	ours, theirs := newAuthority(t), newAuthority(t)
	return certificates{ours.issue(t, "server"), ours.issue(t, "client"), theirs.issue(t, "stranger")}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "authority"},
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	key := newKey(t)
	der, errCreate := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	cert, errParse := x509.ParseCertificate(der)
	if err := errors.Join(errCreate, errParse); err != nil {
		t.Fatal(err)
	}
	return authority{cert, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a folder with a certificate for name, at this machine.
func (a authority) issue(t *testing.T, name string) string {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: name},
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	key := newKey(t)
	der, errCreate := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	private, errMarshal := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(errCreate, errMarshal); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for file, block := range map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: a.cert.Raw},
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
