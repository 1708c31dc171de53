package autocapture

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"bkt/internal/plainfile"
)

// computerID returns an id that distinguishes this checkout on this computer from those on
// others of the same name. Where the system has no machine id, one is generated and
// kept in the state.
func (r *captureRun) computerID(machineIDFile string) string {
	id := machineID(machineIDFile)
	if id == "" && r.state.Computer == "" {
		r.state.Computer = rand.Text()
	}
	return deriveID(cmp.Or(r.state.Computer, id), r.system.Repo.Root)
}

// machineID returns the id in a file that machine-id(5) describes. It is "" if the file
// cannot be read, or waits for the first start of the system.
func machineID(file string) string {
	text, err := plainfile.Read(file, plainfile.MaxText)
	id := strings.TrimSpace(string(text))
	if raw, errHex := hex.DecodeString(id); err != nil || errHex != nil || len(raw) != 16 || bytes.Count(raw, []byte{0}) == 16 {
		return ""
	}
	return id
}

// deriveID derives an id from the machine's. machine-id(5) asks programs not to show
// the machine's id, which the derived one does not reveal.
func deriveID(machine, checkout string) string {
	key, err := hex.DecodeString(machine)
	if err != nil {
		key = []byte(machine)
	}
	sum := hmac.New(sha256.New, key)
	sum.Write([]byte("bkt auto-capture\x00" + checkout))
	return hex.EncodeToString(sum.Sum(nil)[:4])
}
