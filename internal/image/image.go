// Package image says what an image is built from and where a built one lies.
//
// It holds types only: package buildkit builds a [Spec] into a [Layout], and
// package registry copies layouts to and from registries.
package image

import (
	"context"
	"io"

	"github.com/opencontainers/go-digest"
)

// A Spec is everything that decides what a build yields.
type Spec struct {
	Containerfile string                   // path of the file, inside Context
	Context       string                   // folder that COPY and bind mounts read
	Platforms     []string                 // such as "linux/arm64"; empty: the engine's own
	Args          map[string]string        // build arguments
	Images        map[string]Layout        // FROM references and named contexts that are read from OCI layouts
	Folders       map[string]string        // named contexts that are folders
	Pins          map[string]digest.Digest // images of registries that are read by these digests alone
	Labels        map[string]string        // of the image, beside those that the Containerfile gives it
	NoCache       bool                     // run every step again
	Anew          []int                    // run the commands of these lines again, and all that follows from them
}

// A Layout is an image in a folder laid out by the OCI image layout
// specification. Digest is that of its manifest, or of its index where the
// image has several platforms.
type Layout struct {
	Dir    string
	Digest digest.Digest
}

// A Builder builds images.
type Builder interface {
	// Build builds s and writes the image to the folder dir, replacing an image
	// that is there. Progress goes to log.
	Build(ctx context.Context, s Spec, dir string, log io.Writer) (Layout, error)
}
