package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// writeExternal writes the signed packages into dir, and key.asc, with which
// they are verified, and those without a signature. The key that signs is forgotten.
func writeExternal(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	now := &packet.Config{Time: func() time.Time { return modified }}
	owner, err := openpgp.NewEntity("Nobody", "", "nobody@packages.offline.test", now)
	if err != nil {
		return err
	}
	public, err := armored(openpgp.PublicKeyType, func(w io.Writer) error { return owner.Serialize(w) })
	if err != nil {
		return err
	}
	private, err := armored(openpgp.PrivateKeyType, func(w io.Writer) error { return owner.SerializePrivate(w, now) })
	if err != nil {
		return err
	}
	secret, err := os.CreateTemp("", "rpms-")
	if err != nil {
		return err
	}
	defer os.Remove(secret.Name())
	_, err = secret.Write(private)
	return errors.Join(err, secret.Close(),
		os.WriteFile(filepath.Join(dir, "key.asc"), public, 0o644),
		writeAll(dir, external, secret.Name()),
		writeAll(dir, unsigned, ""))
}

// armored returns a key in letters.
func armored(kind string, write func(io.Writer) error) ([]byte, error) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, kind, nil)
	if err != nil {
		return nil, err
	}
	err = errors.Join(write(w), w.Close())
	return text.Bytes(), err
}
