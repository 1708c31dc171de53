package buildkit

import (
	"context"
	"errors"
	"testing"

	"bkt/internal/buildspec"

	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
)

// A resolver is an engine that knows the configuration of each image, or fails.
type resolver struct {
	gateway.Client
	config string
	err    error
}

func (r resolver) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte(r.config), r.err
}

// TestEpoch checks that an image has the date of its base, and that a base that
// cannot be read is an error.
func TestEpoch(t *testing.T) {
	unreachable := errors.New("the registry does not answer")
	tests := []struct {
		name, base string
		engine     resolver
		want       int64
		fails      bool
	}{
		{"dated", "x:1", resolver{config: `{"created": "2024-05-01T00:00:00Z"}`}, 1714521600, false},
		{"undated", "x:1", resolver{config: `{}`}, 0, false},
		{"from scratch", "", resolver{err: unreachable}, 0, false},
		{"unreachable", "x:1", resolver{err: unreachable}, 0, true},
		{"damaged", "x:1", resolver{config: `{"created`}, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Builder{}.epoch(t.Context(), tt.engine, buildspec.Spec{}, tt.base)
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("%d, %v", got, err)
			}
		})
	}
}
