package buildkit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// A Kind says in what two trees differ in a path.
type Kind string

// The kinds.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Mode    Kind = "mode" // its type, or who may do what with it
	Owner   Kind = "owner"
	Link    Kind = "link" // where a symbolic link leads
	Content Kind = "content"
)

// A Change is a difference between two trees in one path. A path that differs in
// several ways has one for each.
type Change struct {
	Path          string
	Kind          Kind
	What          string      // such as "added", or "10 bytes became 12"
	Before, After fs.FileMode // 0 where the path does not exist
}

// IsFolder reports whether the path is, or was, a folder.
func (c Change) IsFolder() bool { return cmp.Or(c.After, c.Before).IsDir() }

// Changes returns the paths in which t differs from before, sorted: in content,
// mode, owner or link, or because they were added or removed. A folder that was added
// or removed stands for all paths in it. Times do not count.
func (t *Tree) Changes(ctx context.Context, before *Tree) ([]Change, error) {
	c := comparison{before: before, after: t, diff: &Tree{c: t.c, state: llb.Diff(before.state, t.state)}}
	if err := c.folder(ctx, "/"); err != nil {
		return nil, err
	}
	slices.SortStableFunc(c.found, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return c.found, nil
}

// A comparison compares two trees. It reads only what the engine lists as changed.
type comparison struct {
	before, after, diff *Tree
	found               []Change
}

// folder compares the content of dir.
func (c *comparison) folder(ctx context.Context, dir string) error {
	touched, err := c.diff.readDir(ctx, dir)
	if err != nil {
		return err
	}
	old, err := c.before.readDir(ctx, dir)
	if err != nil {
		return err
	}
	now, err := c.after.readDir(ctx, dir)
	if err != nil {
		return err
	}
	// The difference lacks removed files, but has their folder.
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if now[name] == nil {
			c.found = append(c.found, Change{path.Join(dir, name), Removed, "removed", fs.FileMode(old[name].Mode), 0})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		if now[name] == nil {
			continue
		}
		if err := c.entry(ctx, path.Join(dir, name), old[name], now[name]); err != nil {
			return err
		}
	}
	return nil
}

// entry compares a file, a folder or a link.
func (c *comparison) entry(ctx context.Context, name string, old, now *fstypes.Stat) error {
	if old == nil {
		c.found = append(c.found, Change{name, Added, "added", 0, fs.FileMode(now.Mode)})
		return nil
	}
	before, after := fs.FileMode(old.Mode), fs.FileMode(now.Mode)
	add := func(kind Kind, what string, args ...any) {
		c.found = append(c.found, Change{name, kind, fmt.Sprintf(what, args...), before, after})
	}
	if before != after {
		add(Mode, "mode %v became %v", before, after)
	}
	if old.Uid != now.Uid || old.Gid != now.Gid {
		add(Owner, "owner %d:%d became %d:%d", old.Uid, old.Gid, now.Uid, now.Gid)
	}
	switch {
	case before.Type() != after.Type():
	case after.IsDir():
		return c.folder(ctx, name)
	case after.IsRegular() && old.Linkname == "" && now.Linkname == "" && old.Size != now.Size:
		add(Content, "%d bytes became %d", old.Size, now.Size)
	case after.IsRegular(): // a second name of a file, too: its Linkname is the first one, and its Size 0
		same, err := IsSame(ctx, c.before, name, c.after, name)
		if err == nil && !same {
			add(Content, "other content")
		}
		return err
	case old.Linkname != now.Linkname:
		add(Link, "link to %s became one to %s", old.Linkname, now.Linkname)
	}
	return nil
}

// chunk is how much of a file is read at once, in bytes: engines send no message of more
// than 16 MiB.
const chunk = 4 << 20

// IsSame reports whether a file of one tree has the content of a file of another one.
func IsSame(ctx context.Context, a *Tree, inA string, b *Tree, inB string) (bool, error) {
	for at := 0; ; at += chunk {
		part := &gateway.FileRange{Offset: at, Length: chunk}
		old, err := a.read(ctx, inA, part)
		if err != nil {
			return false, err
		}
		now, err := b.read(ctx, inB, part)
		if err != nil || !bytes.Equal(old, now) {
			return false, err
		}
		if len(now) < chunk {
			return true, nil
		}
	}
}
