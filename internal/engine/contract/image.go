package contract

import "time"

// Image is what a registry has under a name; nothing, if the digest is empty.
type Image struct {
	Digest  string            `json:"digest,omitempty"` // of the index, if it is for several platforms
	Created *time.Time        `json:"created,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`

	Platforms []string `json:"platforms,omitempty"` // such as linux/amd64; none if it does not say
}

// Allowed is an image that the policy on signatures allows to be run. Digest is
// what has been verified; it is empty if the policy asks for nothing.
type Allowed struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
}

// Pushed is what a registry has under a name, now that it was pushed.
type Pushed struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}
