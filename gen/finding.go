package gen

import (
	"fmt"

	"bkt/internal/manifest"
)

// A Finding is a remark about a line of a manifest or of a Containerfile. It is an
// error, too.
type Finding struct {
	Rule           string // its short name, such as "bootc/var"
	manifest.Entry        // the place
	Message        string // what is wrong
}

// Error returns "file:line:column: what".
func (f Finding) Error() string { return fmt.Sprintf("%s: %s", f.Entry, f.Message) }
