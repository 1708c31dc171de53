package imagerule

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/paths"
	"bkt/internal/script/call"
)

// A kind says how a path gets into an image.
type kind int

const (
	copied  kind = iota // by a COPY or ADD that names it
	inside              // with a folder that is copied
	written             // by a command
	folder              // by mkdir or WORKDIR
	linked              // by ln
)

// A file is something that an instruction writes.
type file struct {
	path    string // absolute; may have [call.Unknown]
	kind    kind
	certain bool // in every build
	content func() ([]byte, bool)
	more    bool // content is added to the file
}

// write judges a file.
func (r *reader) write(f file) {
	if !path.IsAbs(f.path) || r.isMounted(f.path) {
		return
	}
	f.path = path.Clean(f.path)
	if f.kind == folder {
		r.folders = append(r.folders, f.path)
	}
	if needsInitramfs(f.path) && f.kind != folder {
		r.report(candidate{Found: Found{Problem: initramfsProblem(f.path)}, path: f.path})
	}
	if path.Base(path.Dir(f.path)) == "tmpfiles.d" {
		r.declare(f)
	}
	p := problemOf(f)
	if p == nil {
		return
	}
	p.Fatal = p.Fatal && f.certain
	if f.kind != copied && !strings.HasPrefix(p.What, f.path) {
		p.What = f.path + ": " + p.What
	}
	r.report(candidate{Found: Found{Problem: *p, Named: f.kind == copied}, path: f.path})
}

// declare records the paths that a file of tmpfiles.d makes at boot (tmpfiles.d(5)).
func (r *reader) declare(f file) {
	if f.content == nil {
		return
	}
	data, _ := f.content()
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && path.IsAbs(fields[1]) {
			r.declared = append(r.declared, fields[1])
		}
	}
}

// isMounted reports whether a path is below a mount of the RUN.
func (r *reader) isMounted(name string) bool {
	return slices.ContainsFunc(r.mounts, func(target string) bool { return target != "/" && paths.Within(name, target) })
}

// problemOf returns the problem with a file, or nil.
func problemOf(f file) *Problem {
	rule := ruleFor(f.path)
	if rule != nil {
		if rule.exempts(f) {
			return nil
		}
		p := rule.Problem
		return &p
	}
	if f.content == nil || f.more || !IsKargs(f.path) {
		return nil
	}
	data, ok := f.content()
	if !ok {
		return nil
	}
	return CheckContent(f.path, data)
}

// scratch are folders below /var for files that only a build needs, and files that
// programs of the build need there.
var scratch = []string{"/var/cache", "/var/tmp", "/var/log", "/var/lib/alternatives", "/var/lib/dnf", "/var/lib/rpm-state"}

// exempts reports whether the rule accepts a file. The commands of a build may use every
// folder as long as it runs, and images make folders and links that programs expect, such
// as /opt as a link to /var/opt.
func (rule pathRule) exempts(f file) bool {
	below := strings.TrimPrefix(f.path, rule.folder)
	if rule.folder == "/boot" && (below == "/EFI" || strings.HasPrefix(below, "/EFI/")) {
		return true // of a unified kernel image, which bootc installs from there
	}
	isFile := !strings.HasPrefix(below, call.Unknown) && !strings.ContainsAny(path.Base(f.path), call.Unknown+"*?[")
	switch {
	case rule.Rule == "bootc/kargs":
		return f.kind == folder || !isFile
	case rule.folder == "/tmp":
		return f.kind != inside
	case f.kind == copied, f.kind == inside:
		return false
	case rule.folder == "/usr/etc":
		return false
	case f.kind == folder, f.kind == linked && below == "":
		return true
	}
	switch rule.folder {
	case "/run", "/dev", "/proc", "/sys", "/usr/local", "/var/run", "/var/log":
		return true
	case "/var":
		return slices.ContainsFunc(scratch, func(dir string) bool { return paths.Within(f.path, dir) })
	}
	return slices.Contains(userFiles, rule.folder)
}

// remove takes back what has been written to the paths that a pattern of the shell
// matches, and below them.
func (r *reader) remove(pattern string) {
	pattern = path.Clean(pattern)
	if pattern == "/" || strings.Contains(pattern, call.Unknown) {
		return
	}
	r.drop(func(c candidate) bool { return c.path != "" && matchesAbove(pattern, c.path) })
	r.folders = slices.DeleteFunc(r.folders, func(dir string) bool { return matchesAbove(pattern, dir) })
	r.disable(func(repo repository) bool { return repo.isInFile(pattern) })
}

// matchesAbove reports whether a pattern matches a path or a folder above it.
func matchesAbove(pattern, name string) bool {
	parts := strings.Split(name, "/")
	depth := strings.Count(pattern, "/") + 1
	if depth > len(parts) {
		return false
	}
	ok, err := path.Match(pattern, strings.Join(parts[:depth], "/"))
	return ok && err == nil
}
