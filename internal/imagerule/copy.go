package imagerule

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/paths"
	"bkt/internal/script/call"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// A copying is a COPY or an ADD.
type copying struct {
	instructions.SourcesAndDest
	from     string // a stage or an image; empty: the context
	parents  bool   // --parents: the folders of the sources are kept
	excludes bool   // --exclude: not all files are copied
	unpacks  bool   // ADD unpacks archives, and takes URLs
}

// copies judges where files are copied to, and those that the context has in the folders
// that are copied.
func (r *reader) copies(c copying) {
	dest := r.absolute(r.expand(c.DestPath))
	isFolder := strings.HasSuffix(c.DestPath, "/") || len(c.SourcePaths)+len(c.SourceContents) > 1 || slices.Contains(r.folders, path.Clean(dest))
	r.destination(c, dest)
	for _, h := range c.SourceContents {
		name := dest
		if isFolder {
			name = path.Join(dest, h.Path)
		}
		content := func() ([]byte, bool) { return []byte(h.Data), !h.Expand || !strings.ContainsAny(h.Data, "$"+r.Escape) }
		r.below(dest, file{path: name, kind: copied, certain: true, content: content})
	}
	for _, source := range c.SourcePaths {
		r.source(c, r.expand(source), dest, isFolder)
	}
	if isKargsFolder(dest) {
		r.folders = append(r.folders, kargsFolder)
	}
}

// destination judges the path that the instruction names. What another stage has for /boot
// is not known: it may be a unified kernel image, which belongs there.
func (r *reader) destination(c copying, dest string) {
	rule := ruleFor(dest)
	switch {
	case rule == nil, rule.Rule == "bootc/kargs":
		return
	case rule.folder == "/boot" && path.Clean(dest) == "/boot" && (c.from != "" || r.bootsFromEFI(c)):
		return
	}
	r.write(file{path: dest, kind: copied, certain: true})
}

// bootsFromEFI reports whether all that is copied from the context is below a folder EFI.
func (r *reader) bootsFromEFI(c copying) bool {
	if r.Context == nil || len(c.SourcePaths) == 0 {
		return false
	}
	for _, source := range c.SourcePaths {
		entries, err := fs.ReadDir(r.Context, inContext(r.expand(source)))
		if err != nil || len(entries) != 1 || entries[0].Name() != "EFI" {
			return false
		}
	}
	return true
}

// below judges a file whose name follows from the destination dest, if the rules do not
// judge dest itself.
func (r *reader) below(dest string, f file) {
	if rule := ruleFor(dest); rule != nil && rule.Rule != "bootc/kargs" && ruleFor(f.path) != nil && ruleFor(f.path).folder == rule.folder {
		return
	}
	r.write(f)
}

// source judges the files of one source.
func (r *reader) source(c copying, source, dest string, isFolder bool) {
	if parts := r.parts(c.from, source); len(parts) > 0 && !c.excludes && !c.parents {
		for _, p := range parts {
			r.inContext(c, p.name, source, path.Join(dest, p.below), isFolder)
		}
		return
	}
	if r.Context == nil || c.from != "" || strings.Contains(source, "://") || strings.Contains(source, call.Unknown) {
		r.unseen(source, dest, isFolder)
		return
	}
	names, err := fs.Glob(r.Context, inContext(source))
	if err != nil || len(names) == 0 {
		r.unseen(source, dest, isFolder)
		return
	}
	if c.excludes {
		return
	}
	for _, name := range names {
		r.inContext(c, name, source, dest, isFolder || len(names) > 1)
	}
}

// unseen judges a source that bkt cannot look at. It may be a folder, whose content is
// copied without it, unless its name has an extension.
func (r *reader) unseen(source, dest string, isFolder bool) {
	ext := path.Ext(source)
	isNamed := !isFolder && path.Dir(dest) == kargsFolder
	if !isNamed && (ext == "" || ext == ".d" || strings.HasSuffix(source, "/") || strings.ContainsAny(source, "*?["+call.Unknown)) {
		return
	}
	r.oneFile(source, dest, isFolder, nil)
}

// oneFile judges a file that is copied to dest.
func (r *reader) oneFile(source, dest string, isFolder bool, content func() ([]byte, bool)) {
	name := dest
	if isFolder || isKargsFolder(dest) {
		name = path.Join(dest, path.Base(source))
	}
	if isKargsFolder(dest) && !isFolder {
		r.report(candidate{Found: Found{Problem: Problem{
			Rule: "bootc/kargs", What: "where the base image has no " + kargsFolder + ", this makes a file of that name, which bootc does not read",
			Advice: "write " + kargsFolder + "/",
		}}, path: name})
	}
	r.below(dest, file{path: name, kind: copied, certain: true, content: content})
}

// inContext judges the files of the context that a source names.
func (r *reader) inContext(c copying, name, source, dest string, isFolder bool) {
	info, err := fs.Stat(r.Context, name)
	switch {
	case err != nil:
		return
	case !info.IsDir():
		if c.parents {
			dest, isFolder = path.Join(dest, path.Dir(kept(source, name))), true
		}
		r.oneFile(name, dest, isFolder, func() ([]byte, bool) { return r.content(name) })
		return
	case c.parents:
		dest = path.Join(dest, kept(source, name))
	}
	if concerned(dest) {
		r.tree(name, dest)
	}
}

// kept returns the part of a path that COPY --parents keeps: what follows /./ in the
// source.
func kept(source, name string) string {
	if before, _, ok := strings.Cut(source, "/./"); ok {
		return strings.TrimPrefix(name, inContext(before)+"/")
	}
	return name
}

// tree judges the files of a folder that is copied to dest.
func (r *reader) tree(name, dest string) {
	_ = fs.WalkDir(r.Context, name, func(p string, d fs.DirEntry, err error) error {
		r.files++
		switch {
		case r.files > maxFiles:
			return fs.SkipAll
		case err != nil:
			return fs.SkipDir
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		content := func() ([]byte, bool) { return r.content(p) }
		r.below(dest, file{path: path.Join(dest, strings.TrimPrefix(p, name)), kind: inside, certain: true, content: content})
		return nil
	})
}

// content returns the content of a small file of the context.
func (r *reader) content(name string) ([]byte, bool) {
	info, err := fs.Stat(r.Context, name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxKargs {
		return nil, false
	}
	data, err := fs.ReadFile(r.Context, name)
	return data, err == nil
}

// inContext returns the path of a source in the context.
func inContext(source string) string {
	name := strings.TrimPrefix(path.Join("/", source), "/")
	if name == "" {
		return "."
	}
	return name
}

// concerned reports whether files below a folder may break a rule.
func concerned(dest string) bool {
	if !path.IsAbs(dest) {
		return false
	}
	for _, rule := range pathRules {
		if paths.Within(rule.folder, dest) {
			return true
		}
	}
	return slices.ContainsFunc(append(initramfsFolders, kargsFolder, "/etc"), func(dir string) bool {
		return paths.Within(dir, dest) || paths.Within(dest, dir)
	})
}

func isKargsFolder(dest string) bool { return path.Clean(dest) == kargsFolder }

// IsKargs reports whether bootc reads kernel arguments from the file at an absolute path.
func IsKargs(name string) bool { return path.Dir(name) == kargsFolder && path.Ext(name) == ".toml" }
