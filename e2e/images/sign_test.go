package images_test

import (
	"bytes"
	"crypto"
	"os"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/rogpeppe/go-internal/testscript"
)

// sign is the command of scripts that signs a file with a new key:
//
//	sign FILE KEY
//
// It writes FILE.asc, and the public key to KEY.
func sign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sign FILE KEY")
	}
	file, key := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	text, err := os.ReadFile(file)
	ts.Check(err)
	config := &packet.Config{DefaultHash: crypto.SHA256, RSABits: 2048}
	owner, err := openpgp.NewEntity("Index", "", "index@packages.offline.test", config)
	ts.Check(err)
	var signature, public bytes.Buffer
	ts.Check(openpgp.ArmoredDetachSign(&signature, owner, bytes.NewReader(text), config))
	ts.Check(os.WriteFile(file+".asc", signature.Bytes(), 0o644))
	w, err := armor.Encode(&public, openpgp.PublicKeyType, nil)
	ts.Check(err)
	ts.Check(owner.Serialize(w))
	ts.Check(w.Close())
	ts.Check(os.WriteFile(key, public.Bytes(), 0o644))
}
