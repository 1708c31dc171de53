package flatpak

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// fingerprints returns the fingerprints of the primary keys in a key ring, sorted.
func fingerprints(ring []byte) ([]string, error) {
	var all []string
	for packets := packet.NewReader(dearmoured(ring)); ; {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(all)
			return slices.Compact(all), nil
		}
		if err != nil {
			return nil, err
		}
		if key, ok := p.(*packet.PublicKey); ok && !key.IsSubkey {
			all = append(all, fmt.Sprintf("%X", key.Fingerprint))
		}
	}
}

func dearmoured(ring []byte) io.Reader {
	if block, err := armor.Decode(bytes.NewReader(ring)); err == nil {
		return block.Body
	}
	return bytes.NewReader(ring)
}

// trustPacket is the tag of GnuPG's own notes, which have no meaning elsewhere (RFC 9580,
// section 5.10).
const trustPacket = 12

// withoutTrust returns a key ring without GnuPG's own notes. It returns an unreadable key
// ring unchanged.
func withoutTrust(ring []byte) []byte {
	var out bytes.Buffer
	for packets := packet.NewOpaqueReader(bytes.NewReader(ring)); ; {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			return out.Bytes()
		}
		if err == nil && p.Tag != trustPacket {
			err = p.Serialize(&out)
		}
		if err != nil {
			return ring
		}
	}
}
