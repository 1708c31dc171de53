package buildkit

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// A Tree is a tree of files on the engine: those of an image, or what commands
// have made of them. It lasts as long as the build that it belongs to.
type Tree struct {
	c     gateway.Client
	state llb.State
	ref   gateway.Reference // nil: nobody has looked into it yet
}

// A Command is what is run in a [Tree].
type Command struct {
	Name   string // what the progress calls it
	Args   []string
	Env    map[string]string
	Dir    string
	Mounts map[string]*Tree // by the folder that each is at; the command may write to all of them
}

// Empty returns a tree without files.
func (t *Tree) Empty() *Tree { return &Tree{c: t.c, state: llb.Scratch()} }

// With returns t with further files at its top, by their names.
func (t *Tree) With(files map[string]string) *Tree {
	var all *llb.FileAction
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if all == nil {
			all = llb.Mkfile(name, 0o644, []byte(files[name]))
		} else {
			all = all.Mkfile(name, 0o644, []byte(files[name]))
		}
	}
	return &Tree{c: t.c, state: t.state.File(all, llb.WithCustomName("[internal] prepare"))}
}

// Run returns what a command makes of t, and of what is mounted. A command that
// fails does so when someone looks into one of them; see [ExitCode].
func (t *Tree) Run(c Command) (root *Tree, mounts map[string]*Tree) {
	options := []llb.RunOption{llb.Args(c.Args), llb.WithCustomName(c.Name)}
	if c.Dir != "" {
		options = append(options, llb.Dir(c.Dir))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		options = append(options, llb.AddEnv(name, c.Env[name]))
	}
	run := t.state.Run(options...)
	mounts = map[string]*Tree{}
	for _, dir := range slices.Sorted(maps.Keys(c.Mounts)) {
		mounts[dir] = &Tree{c: t.c, state: run.AddMount(dir, c.Mounts[dir].state)}
	}
	return &Tree{c: t.c, state: run.Root()}, mounts
}

// ExitCode returns the exit code of the command that err is about.
func ExitCode(err error) (code int, ok bool) {
	var exit *gatewaypb.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	return int(exit.ExitCode), true
}

// Make has the engine make the tree, which it otherwise does when someone looks
// into it.
func (t *Tree) Make(ctx context.Context) error {
	if t.ref != nil {
		return nil
	}
	def, err := t.state.Marshal(ctx, llb.WithCaps(t.c.BuildOpts().LLBCaps))
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

// ReadFile returns what a file of the tree holds.
func (t *Tree) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if err := t.Make(ctx); err != nil {
		return nil, err
	}
	return t.ref.ReadFile(ctx, gateway.ReadRequest{Filename: name})
}

// readDir returns what a folder of the tree holds, by name; nothing for one
// that is not there. Links are not followed.
func (t *Tree) readDir(ctx context.Context, name string) (map[string]*fstypes.Stat, error) {
	if err := t.Make(ctx); err != nil || t.ref == nil { // there is no reference to nothing
		return nil, err
	}
	entries, err := t.ref.ReadDir(ctx, gateway.ReadDirRequest{Path: name})
	if err != nil && isAbsent(err) {
		return nil, nil
	}
	found := map[string]*fstypes.Stat{}
	for _, e := range entries {
		found[e.Path] = e
	}
	return found, err
}

// isAbsent says whether err is that of a file which is not there. Errors of the
// engine come as text.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "not a directory")
}
