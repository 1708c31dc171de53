package contract

import "time"

// An Image is the image that a registry has under a name; without a digest, it has
// none.
type Image struct {
	Digest  string            `json:"digest,omitempty"` // of the index, if the image is for several platforms
	Created *time.Time        `json:"created,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`

	Platforms []string `json:"platforms,omitempty"` // such as linux/amd64; empty if unknown
}

// An Allowed is an image that the policy on signatures allows. Digest has the
// verified one; it is empty if the policy requires nothing.
type Allowed struct {
	Name   string `json:"name"`
	Digest string `json:"digest,omitempty"`
}

// A Pushed is the image that a registry has under a name after a push.
type Pushed struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}
