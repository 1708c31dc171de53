package buildkit

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// A Change is a difference between two trees in one path.
type Change struct {
	Path string
	What string // such as "added"
}

// Changes returns the paths in which t differs from before, sorted: in content,
// mode, owner or link, or because they were added or removed. Times do not
// count.
func (t *Tree) Changes(ctx context.Context, before *Tree) ([]Change, error) {
	c := comparison{before: before, after: t, diff: &Tree{c: t.c, state: llb.Diff(before.state, t.state)}}
	if err := c.folder(ctx, "/"); err != nil {
		return nil, err
	}
	slices.SortFunc(c.found, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return c.found, nil
}

// A comparison compares two trees. It reads only what the engine lists as changed.
type comparison struct {
	before, after, diff *Tree
	found               []Change
}

func (c *comparison) add(name, what string) { c.found = append(c.found, Change{name, what}) }

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
			c.add(path.Join(dir, name), "removed")
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
		c.add(name, "added")
		return nil
	}
	modeOld, modeNow := fs.FileMode(old.Mode), fs.FileMode(now.Mode)
	switch {
	case modeOld != modeNow:
		c.add(name, fmt.Sprintf("mode %v became %v", modeOld, modeNow))
	case old.Uid != now.Uid || old.Gid != now.Gid:
		c.add(name, fmt.Sprintf("owner %d:%d became %d:%d", old.Uid, old.Gid, now.Uid, now.Gid))
	case old.Linkname != now.Linkname:
		c.add(name, fmt.Sprintf("link to %s became one to %s", old.Linkname, now.Linkname))
	case modeNow.IsRegular() && old.Size != now.Size:
		c.add(name, fmt.Sprintf("%d bytes became %d", old.Size, now.Size))
	case modeNow.IsRegular():
		return c.content(ctx, name)
	}
	if modeOld.IsDir() && modeNow.IsDir() {
		return c.folder(ctx, name)
	}
	return nil
}

// content compares two files of the same size.
func (c *comparison) content(ctx context.Context, name string) error {
	old, err := c.before.ReadFile(ctx, name)
	if err != nil {
		return err
	}
	now, err := c.after.ReadFile(ctx, name)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, now) {
		c.add(name, "other content")
	}
	return nil
}
