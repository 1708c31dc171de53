package buildkit

import (
	"context"
	"io/fs"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// A Tree is a tree of files on the engine: those of an image, or what commands
// have made of them.
type Tree struct {
	c     gateway.Client
	state llb.State
	ref   gateway.Reference // nil: nobody has looked into it yet
}

// solve has the engine make the tree.
func (t *Tree) solve(ctx context.Context) error {
	if t.ref != nil {
		return nil
	}
	def, err := t.state.Marshal(ctx, t.constraints())
	if err != nil {
		return err
	}
	res, err := t.c.Solve(ctx, gateway.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if err != nil {
		return err
	}
	t.ref, err = res.SingleRef()
	return err
}

// constraints lets the engine take operations for those of its own platform.
func (t *Tree) constraints() llb.ConstraintsOpt {
	return llb.WithCaps(t.c.BuildOpts().LLBCaps)
}

// ReadFile returns what a file of the tree holds.
func (t *Tree) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if err := t.solve(ctx); err != nil {
		return nil, err
	}
	return t.ref.ReadFile(ctx, gateway.ReadRequest{Filename: name})
}

// ReadDir returns what a folder of the tree holds, by name; nothing for one
// that is not there. Links are not followed.
func (t *Tree) ReadDir(ctx context.Context, name string) (map[string]*fstypes.Stat, error) {
	if err := t.solve(ctx); err != nil {
		return nil, err
	}
	entries, err := t.ref.ReadDir(ctx, gateway.ReadDirRequest{Path: name})
	if err != nil && (strings.Contains(err.Error(), fs.ErrNotExist.Error()) || strings.Contains(err.Error(), "no such file")) {
		return nil, nil
	}
	found := map[string]*fstypes.Stat{}
	for _, e := range entries {
		found[e.Path] = e
	}
	return found, err
}
