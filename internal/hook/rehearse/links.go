package rehearse

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"bkt/internal/buildkit"
	"bkt/internal/paths"
)

// maxLinks is how many links one after the other are followed, as in Linux.
const maxLinks = 40

// target returns the path without links that a path of the container leads to; it may not
// exist. places are paths that mean the home.
func (c container) target(ctx context.Context, name string, places []string) (string, error) {
	done, rest := "/", name
	for links := 0; rest != ""; {
		if below, ok := strings.CutPrefix(path.Clean(rest), homes+"/"); ok && done == "/" {
			done, rest = homes, below // a mount, although an image can have a link there
		}
		first, after, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		next := path.Join(done, first)
		tree, in := c.in(next)
		e, ok, err := tree.Lstat(ctx, in)
		if err != nil {
			return "", err
		}
		link := e.Link
		if !ok || e.Mode.Type() != fs.ModeSymlink || links == maxLinks {
			done, rest = next, after
			continue
		}
		links++
		if !path.IsAbs(link) {
			link = path.Join(done, link)
		}
		done, rest = "/", path.Join(ofHome(link, places), after)
	}
	return done, nil
}

// ofHome returns a path with the home in place of one of places, if it is below that.
func ofHome(name string, places []string) string {
	for _, place := range places {
		if paths.Within(name, place) {
			return home + strings.TrimPrefix(path.Clean(name), place)
		}
	}
	return name
}

// isLinkOfUser reports whether a file or a folder of the new home is a link in the old one,
// and no hook has made it one.
func (o comparison) isLinkOfUser(d buildkit.Change) bool {
	return d.Kind == buildkit.Mode && d.After.Type() == fs.ModeSymlink && !o.rewritten.has(d.Path, buildkit.Added, buildkit.Mode)
}

// findLinks notes where the links of the user lead.
func (o comparison) findLinks(ctx context.Context, differ []buildkit.Change) error {
	for _, d := range differ {
		if !o.isLinkOfUser(d) {
			continue
		}
		place, err := o.old.after().target(ctx, d.Path, o.places)
		if err != nil {
			return err
		}
		o.links[place] = d.Path
	}
	return nil
}

// isBehindLink reports whether a path is where a link of the user leads, or below that, and
// hooks have created the same in the new home: [comparison.elsewhere] compares it.
func (o comparison) isBehindLink(name string) bool {
	for place, link := range o.links {
		if paths.Within(name, place) && o.written.has(path.Join(link, strings.TrimPrefix(name, place)), buildkit.Added) {
			return true
		}
	}
	return false
}

// elsewhere returns what hooks have left otherwise in a file or a folder that is a link in
// the old home: its user has it in another place, and hooks write it there.
func (o comparison) elsewhere(ctx context.Context, d buildkit.Change) ([]difference, error) {
	files, err := o.fresh.after().files(ctx, buildkit.Change{Path: d.Path, After: d.Before})
	if err != nil {
		return nil, err
	}
	var all []difference
	for _, f := range files {
		if !o.written.has(f.Path, anyKind...) {
			continue
		}
		more, err := o.linked(ctx, buildkit.Change{Path: f.Path, Kind: buildkit.Content, What: "other content, behind a link", Before: f.Mode, After: f.Mode})
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	return all, nil
}

// linked returns the difference in a file that a link of the old home leads to, or in a link
// or an empty folder.
func (o comparison) linked(ctx context.Context, d buildkit.Change) ([]difference, error) {
	fresh, old := o.fresh.after(), o.old.after()
	place, err := old.target(ctx, d.Path, o.places)
	if err != nil {
		return nil, err
	}
	if d.After.Type() == fs.ModeSymlink { // itself, not what it leads to
		dir, err := old.target(ctx, path.Dir(d.Path), o.places)
		if err != nil {
			return nil, err
		}
		place = path.Join(dir, path.Base(d.Path))
	}
	newTree, inNew := fresh.in(d.Path)
	oldTree, inOld := old.in(place)
	was, _, err := newTree.Lstat(ctx, inNew)
	if err != nil {
		return nil, err
	}
	is, ok, err := oldTree.Lstat(ctx, inOld)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return []difference{{Change: missing(d)}}, nil
	case was.Mode.Type() != is.Mode.Type(), was.Mode.Type() == fs.ModeSymlink && was.Link != is.Link:
		return []difference{{Change: d}}, nil
	case !was.Mode.IsRegular():
		return nil, nil
	}
	same, err := buildkit.IsSame(ctx, newTree, inNew, oldTree, inOld)
	if err != nil || same {
		return nil, err
	}
	return o.content(ctx, d, o.rewritten.has(place, buildkit.Added))
}
