package export

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// What bkt exports gets two lines: mark says what it was exported as, and SumMark
// what the file held by then. It is bkt's as long as it still does. What someone has
// edited since, copied or exported again is theirs.
const (
	Mark    = "# exported by bkt: "
	SumMark = "# with the checksum: "
)

// A signature is what the lines of bkt's in a file say.
type signature struct {
	as     string // what it was exported as; "": it is not bkt's
	summed bool   // it has a checksum, which earlier releases did not write
	whole  bool   // the checksum is right
}

// readSignature reads the signature of the file of that name. The name counts, as a
// copy is not bkt's.
func readSignature(name, text string) signature {
	var s signature
	for line := range strings.Lines(text) {
		if as, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), Mark); ok {
			s.as = as
		}
	}
	i := strings.LastIndex(text, "\n"+SumMark)
	if i < 0 || s.as == "" {
		return s
	}
	s.summed = true
	s.whole = text[i+1+len(SumMark):] == sum(name, text[:i+1])+"\n"
	return s
}

// sum returns the checksum of a file, as the script computes it in a container.
func sum(name, text string) string {
	sum := sha256.Sum256([]byte(name + "\n" + text))
	return hex.EncodeToString(sum[:])
}
