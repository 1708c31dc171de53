// Package homecopy says which files of a home bkt copies to an engine, where the
// commands of a repository can read them: all but keys, passwords, the user's private
// data, and large folders that programs can fill again.
package homecopy

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/patherr"
	"bkt/internal/paths"
)

// withFlag is the flag that names paths to copy all the same.
const withFlag = "--old-home-with"

// A Copy says what a copy of a home has. Its paths are relative to the home, with
// slashes.
type Copy struct {
	Dir     string   // the home
	Places  []string // absolute paths of the home; files and links in it can name each of them
	LeftOut []string // the paths in it that the copy lacks, with everything below them

	patterns []string // of paths to leave out, and after them exceptions, which begin with "!"
	with     []string // the exceptions, as paths
}

// New returns what a copy of the home dir has. with are paths that are copied although
// they are private: below dir, or absolute, or with "~/" for dir. A path that dir does
// not have is an error.
func New(dir string, with []string) (Copy, error) {
	c := Copy{Dir: dir}
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return c, patherr.TrimOp(err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return c, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return c, err
	}
	c.Places = slices.Compact([]string{abs, root})
	for _, pattern := range slices.Concat(private, large, expendable) {
		c.patterns = append(c.patterns, pattern)
		found, err := existing(dir, pattern)
		if err != nil {
			return c, patherr.TrimOp(err)
		}
		for _, name := range found {
			c.LeftOut = append(c.LeftOut, names(root, name)...)
		}
	}
	// A link leads to files that no pattern matches.
	for _, name := range c.LeftOut {
		c.patterns = append(c.patterns, escape(name))
	}
	for _, text := range with {
		if err := c.add(root, text); err != nil {
			return c, err
		}
	}
	slices.Sort(c.LeftOut)
	c.LeftOut = slices.Compact(c.LeftOut)
	return c, nil
}

// Patterns returns the patterns of what to leave out, in the form of a .dockerignore
// file.
func (c Copy) Patterns() []string { return c.patterns }

// Lacks reports whether the home has name, and the copy does not. It is false for files
// that any program may delete at any time: a home without them is an old home, too.
func (c Copy) Lacks(name string) bool {
	out := slices.ContainsFunc(c.LeftOut, func(p string) bool { return paths.Within(name, p) && !slices.Contains(expendable, p) })
	if !out || slices.ContainsFunc(c.with, func(p string) bool { return paths.Within(name, p) }) {
		return false
	}
	_, err := os.Lstat(filepath.Join(c.Dir, name))
	return err == nil
}

// Named returns the paths that the copy lacks and a script names.
func (c Copy) Named(script string) []string {
	return slices.DeleteFunc(slices.Clone(c.LeftOut), func(p string) bool {
		return !strings.Contains(script, p) || slices.Contains(expendable, p)
	})
}

// add makes text, a path that the user names, an exception.
func (c *Copy) add(root, text string) error {
	name, err := c.relative(root, text)
	if err != nil {
		return err
	}
	for _, name := range names(root, name) {
		c.with = append(c.with, name)
		c.patterns = append(c.patterns, "!"+escape(name))
		c.LeftOut = slices.DeleteFunc(c.LeftOut, func(p string) bool { return paths.Within(p, name) })
	}
	return nil
}

// relative returns the path that text names in the home.
func (c *Copy) relative(root, text string) (string, error) {
	name, _ := strings.CutPrefix(text, "~/")
	for _, dir := range []string{c.Dir, root} {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		if rel, err := filepath.Rel(abs, name); err == nil && filepath.IsAbs(name) && filepath.IsLocal(rel) {
			name = rel
		}
	}
	name = filepath.Clean(name)
	if name == "." || !filepath.IsLocal(name) {
		return "", hint.Add(fmt.Errorf("%s: %q is not a path in %s", withFlag, text, c.Dir), "name a file or folder in it, such as %s=.ssh/config", withFlag)
	}
	if _, err := os.Lstat(filepath.Join(c.Dir, name)); err != nil {
		return "", fmt.Errorf("%s: %w", withFlag, patherr.TrimOp(err))
	}
	return filepath.ToSlash(name), nil
}

// names returns name and, if it leads through a link to another place in the folder
// root, that place.
func names(root, name string) []string {
	target, err := filepath.EvalSymlinks(filepath.Join(root, name))
	if err != nil { // a link that leads nowhere
		return []string{name}
	}
	rel, err := filepath.Rel(root, target)
	if err != nil || !filepath.IsLocal(rel) || rel == "." || rel == name {
		return []string{name}
	}
	return []string{name, filepath.ToSlash(rel)}
}

// existing returns the paths in dir that a pattern matches. Only the last element of a
// pattern has wildcards.
func existing(dir, pattern string) ([]string, error) {
	parent, last := path.Split(pattern)
	if !strings.ContainsAny(last, "*?[") {
		_, err := os.Lstat(filepath.Join(dir, pattern))
		if patherr.IsMissing(err) {
			return nil, nil
		}
		return []string{pattern}, err
	}
	entries, err := os.ReadDir(filepath.Join(dir, parent))
	if patherr.IsMissing(err) {
		return nil, nil
	}
	var found []string
	for _, e := range entries {
		if ok, err := path.Match(last, e.Name()); err == nil && ok {
			found = append(found, parent+e.Name())
		}
	}
	return found, err
}

// escape returns a pattern that matches only name.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, "^", `\^`).Replace(name)
}
