package gen

import (
	"fmt"

	"bkt/internal/manifest"
)

// A Finding is something that is worth knowing about a line of a manifest or
// of a Containerfile. As an error it reads like one.
type Finding struct {
	Rule           string // its short name, such as "bootc/var"
	manifest.Entry        // the place
	Message        string // what is the matter
}

// Error returns "file:line:column: what".
func (f Finding) Error() string { return fmt.Sprintf("%s: %s", f.Entry, f.Message) }
