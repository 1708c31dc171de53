package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// A Tree is a file tree on the engine: of an image, or the result of commands. It
// exists as long as its build.
type Tree struct {
	c     stepClient
	state llb.State
	ref   gateway.Reference // nil: not made yet
}

// A Command is a command to run in a [Tree].
type Command struct {
	Name   string // in the progress
	Args   []string
	Env    map[string]string
	Dir    string
	Mounts map[string]*Tree // by their folders; the command can write to them

	Offline bool // the command has no network
}

// Empty returns a tree without files.
func (t *Tree) Empty() *Tree { return &Tree{c: t.c, state: llb.Scratch()} }

// With returns t with more files at its top, by their names.
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

// Run returns t and its mounts after a command. The command runs when one of
// them is read, and its failure is an error then; see [ExitCode].
func (t *Tree) Run(c Command) (root *Tree, mounts map[string]*Tree) {
	options := []llb.RunOption{llb.Args(c.Args), llb.WithCustomName(c.Name)}
	if c.Dir != "" {
		options = append(options, llb.Dir(c.Dir))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		options = append(options, llb.AddEnv(name, c.Env[name]))
	}
	if c.Offline {
		options = append(options, llb.Network(llb.NetModeNone))
	} else {
		options = append(options, t.c.options()...)
	}
	run := t.state.Run(options...)
	mounts = map[string]*Tree{}
	for _, dir := range slices.Sorted(maps.Keys(c.Mounts)) {
		mounts[dir] = &Tree{c: t.c, state: run.AddMount(dir, c.Mounts[dir].state)}
	}
	return &Tree{c: t.c, state: run.Root()}, mounts
}

// ExitCode returns the exit code of the command that failed with err. It is not
// ok if err is another error.
func ExitCode(err error) (code int, ok bool) {
	var exit *gatewaypb.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	return int(exit.ExitCode), true
}

// Make makes the engine create the tree, which happens otherwise when it is read.
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

// ReadFile returns the content of a file of the tree, which has at most 16 MiB.
func (t *Tree) ReadFile(ctx context.Context, name string) ([]byte, error) {
	return t.read(ctx, name, nil)
}

// ReadStart returns the first bytes of a file of the tree, at most n of them.
func (t *Tree) ReadStart(ctx context.Context, name string, n int) ([]byte, error) {
	return t.read(ctx, name, &gateway.FileRange{Length: n})
}

// read returns a part of a file of the tree; nil: all of it.
func (t *Tree) read(ctx context.Context, name string, part *gateway.FileRange) ([]byte, error) {
	if err := t.Make(ctx); err != nil {
		return nil, err
	}
	return t.ref.ReadFile(ctx, gateway.ReadRequest{Filename: name, Range: part})
}

// readDir returns the entries of a folder of the tree, by name; none if the
// folder does not exist. It does not follow links.
func (t *Tree) readDir(ctx context.Context, name string) (map[string]*fstypes.Stat, error) {
	if err := t.Make(ctx); err != nil || t.ref == nil { // an empty tree has no reference
		return nil, err
	}
	entries, err := t.ref.ReadDir(ctx, gateway.ReadDirRequest{Path: name})
	if err != nil && IsMissing(err) {
		return nil, nil
	}
	if err != nil && strings.Contains(err.Error(), "invalid UTF-8") {
		return nil, fmt.Errorf("%s: the name of a file in this folder is not UTF-8, and BuildKit cannot list it", name)
	}
	found := map[string]*fstypes.Stat{}
	for _, e := range entries {
		found[e.Path] = e
	}
	return found, err
}

// Lstat returns what name is. It is not ok if name does not exist.
func (t *Tree) Lstat(ctx context.Context, name string) (e Entry, ok bool, err error) {
	in, err := t.readDir(ctx, path.Dir(name))
	s := in[path.Base(name)]
	if err != nil || s == nil {
		return Entry{}, false, err
	}
	return Entry{Path: name, Mode: fs.FileMode(s.Mode), Link: s.Linkname}, true, nil
}

// An Entry is a path in a tree: anything but a folder, or an empty folder.
type Entry struct {
	Path string
	Mode fs.FileMode
	Link string // where it leads, if it is a symbolic link
}

// Entries returns what is in the folder name, which may not exist, and in all folders
// below it. Links are not followed.
func (t *Tree) Entries(ctx context.Context, name string) ([]Entry, error) {
	in, err := t.readDir(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, base := range slices.Sorted(maps.Keys(in)) {
		e := Entry{path.Join(name, base), fs.FileMode(in[base].Mode), in[base].Linkname}
		var below []Entry
		if e.Mode.IsDir() {
			if below, err = t.Entries(ctx, e.Path); err != nil {
				return nil, err
			}
		}
		if len(below) == 0 {
			below = []Entry{e}
		}
		all = append(all, below...)
	}
	return all, nil
}

// IsMissing reports whether err, from reading a file or a folder of a [Tree], says that it
// does not exist. Errors of the engine are text.
func IsMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "not a directory")
}
