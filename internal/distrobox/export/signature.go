package export

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// bkt adds two lines to each file that it exports: Mark has the declared name, SumMark
// the checksum of the file. The file belongs to bkt while the checksum is right. An
// edited file, a copy and another export belong to the user. A desktop entry does not
// tell its flags and its label from those of the program, so it has them in further lines.
const (
	Mark      = "# exported by bkt: "
	FlagsMark = "# with the flags: "
	LabelMark = "# with the label: "
	SumMark   = "# with the checksum: "
)

// A signature is the content of bkt's lines in a file.
type signature struct {
	as     string // the declared name; "": bkt did not export the file
	flags  string // of a desktop entry
	label  string // of a desktop entry
	summed bool   // it has a checksum, which earlier releases did not write
	whole  bool   // the checksum is right
}

// readSignature reads the signature in the text of a file. The checksum includes the
// name, because a copy does not belong to bkt.
func readSignature(name, text string) signature {
	var s signature
	values := map[string]*string{Mark: &s.as, FlagsMark: &s.flags, LabelMark: &s.label}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for mark, value := range values {
			if text, ok := strings.CutPrefix(line, mark); ok {
				*value = text
			}
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
