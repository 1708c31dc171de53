package contract

import "time"

// Image is what a registry has under a name; nothing, if the digest is empty.
type Image struct {
	Digest  string            `json:"digest,omitempty"` // of the index, if it is for several platforms
	Created *time.Time        `json:"created,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
}
