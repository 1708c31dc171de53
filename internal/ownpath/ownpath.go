// Package ownpath finds a path of the running program that outlives its version, for
// files that are read long after they are written, such as systemd units. Homebrew, nix,
// mise and others have a folder for each version, and links to the one in use: the program
// knows itself by the folder, which the next upgrade removes.
package ownpath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"bkt/internal/patherr"
)

// A Start says how the program was started, and where.
type Start struct {
	Called string // the first word of its command line; if that is a path, an absolute one
	Path   string // $PATH
	Home   string // of the user
}

// Called returns the first word of a command line for a [Start]. It must be called before
// the program changes its folder.
func Called(word string) string {
	if !strings.Contains(word, "/") {
		return word
	}
	if path, err := filepath.Abs(word); err == nil {
		return path
	}
	return word
}

// Stable returns the path of the running program that is the most likely to lead to its next
// version, too. It is the first of these that is the running program: the path by which the
// user has called it, its place in the usual folders for programs, in $PATH, and in a
// link beside the folder of the version. Paths of a single version and of work trees
// come last.
func (s Start) Stable() (string, error) {
	running, err := os.Executable()
	if err != nil {
		return "", err
	}
	same := func(path string) bool { return isSame(path, running) }
	return pick(s.candidates(running), running, same), nil
}

// pick returns the first candidate that is the running program and stable, or else the first
// that is the running program.
func pick(candidates []string, running string, same func(string) bool) string {
	if running == "/usr/bin/"+filepath.Base(running) { // also called by links, such as /bin
		return running
	}
	candidates = slices.DeleteFunc(candidates, func(path string) bool { return !same(path) })
	if i := slices.IndexFunc(candidates, func(path string) bool { return !IsTransient(path) }); i >= 0 {
		return candidates[i]
	}
	return append(candidates, running)[0]
}

// usual are the folders where package managers and users install programs or link them to.
func usual(home string) []string {
	return []string{"/usr/bin", "/home/linuxbrew/.linuxbrew/bin", filepath.Join(home, ".local/bin"), "/usr/local/bin"}
}

// candidates returns the paths that may lead to the running program, the best first.
func (s Start) candidates(running string) []string {
	name := filepath.Base(running)
	var paths, inPath []string
	for _, dir := range filepath.SplitList(s.Path) {
		if filepath.IsAbs(dir) {
			inPath = append(inPath, filepath.Join(dir, name))
		}
	}
	called := s.Called
	if !strings.Contains(called, "/") {
		called = ""
		for _, path := range inPath {
			if IsProgram(path) { // the shell ran this one
				called = path
				break
			}
		}
	}
	if called != "" {
		paths = append(paths, called)
	}
	for _, dir := range usual(s.Home) {
		paths = append(paths, filepath.Join(dir, name))
	}
	paths = append(paths, inPath...)
	for _, path := range append(slices.Clone(paths), running) {
		paths = append(paths, current(path)...)
	}
	return append(paths, running)
}

// current returns paths beside the folder of a version that lead to the version in use.
func current(path string) []string {
	var all []string
	if prefix, rest, ok := strings.Cut(path, "/Cellar/"); ok { // of Homebrew
		formula, _, _ := strings.Cut(rest, "/")
		all = append(all, filepath.Join(prefix, "bin", filepath.Base(path)), filepath.Join(prefix, "opt", formula, "bin", filepath.Base(path)))
	}
	parts := strings.Split(path, "/")
	for i, part := range parts[:len(parts)-1] {
		if !isVersion(part) {
			continue
		}
		for _, link := range []string{"latest", "current"} {
			other := slices.Clone(parts)
			other[i] = link
			all = append(all, strings.Join(other, "/"))
		}
	}
	return all
}

// IsTransient reports whether an upgrade or a build replaces the folder of a program: its
// path names a version, or it was built there.
func IsTransient(path string) bool {
	if strings.HasPrefix(path, "/nix/store/") || strings.HasPrefix(path, "/gnu/store/") || strings.Contains(path, "/Cellar/") {
		return true
	}
	dir := filepath.Dir(path)
	if slices.ContainsFunc(strings.Split(dir, "/"), isVersion) {
		return true
	}
	for _, tree := range []string{dir, filepath.Dir(dir)} {
		if _, err := os.Lstat(filepath.Join(tree, "go.mod")); err == nil {
			return true
		}
	}
	return false
}

// isVersion reports whether the name of a folder is a version, or has one after a
// separator: 1.2, v1.2.3, bkt-1.2.3, bkt_1.2.3_linux_amd64.
func isVersion(name string) bool {
	isSeparator := func(c rune) bool { return strings.ContainsRune("-_@", c) }
	return slices.ContainsFunc(strings.FieldsFunc(name, isSeparator), func(part string) bool {
		major, minor, ok := strings.Cut(strings.TrimPrefix(part, "v"), ".")
		return ok && startsWithDigit(minor) && strings.Trim(major, "0123456789") == "" && major != ""
	})
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// IsRunning reports whether a path leads to the running program.
func IsRunning(path string) bool {
	running, err := os.Executable()
	return err == nil && isSame(path, running)
}

// isSame reports whether a path leads to a program, by links or as another name of its file.
func isSame(path, program string) bool {
	if resolved, err := filepath.EvalSymlinks(path); err == nil && resolved == program {
		return IsProgram(path)
	}
	one, err := os.Stat(path)
	other, errOther := os.Stat(program)
	return err == nil && errOther == nil && os.SameFile(one, other) && IsProgram(path)
}

// IsProgram reports whether a path leads to a file that can be run.
func IsProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// Check returns why an absolute path leads to no program, nil if it does.
func Check(path string) error {
	_, err := os.Stat(path)
	if err == nil && IsProgram(path) {
		return nil
	}
	target, errLink := os.Readlink(path)
	switch {
	case err == nil:
		return fmt.Errorf("%s cannot be run", path)
	case !errors.Is(err, fs.ErrNotExist):
		return patherr.TrimOp(err)
	case errLink == nil:
		return fmt.Errorf("%s leads to %s, which does not exist", path, target)
	}
	return fmt.Errorf("%s does not exist", path)
}

// own matches absolute paths of a program named bkt, in quotes or without.
const own = `"(/[^"\n]*/bkt)"|'(/[^'\n]*/bkt)'|(?:^|[\s=:;&|(` + "`" + `])(/[^\s"'=:;&|()` + "`" + `]*/bkt)(?:$|[\s;&|)"'` + "`" + `])`

// Missing returns the absolute paths of a program bkt in a script or a command that lead to
// nothing, in the order of the text. Lines that are comments do not count.
func Missing(text string) []string {
	var all []string
	mapPaths(text, func(path string) string {
		if Check(path) != nil && !slices.Contains(all, path) {
			all = append(all, path)
		}
		return path
	})
	return all
}

// ReplaceMissing returns the text with "bkt" in the place of the paths that [Missing]
// returns.
func ReplaceMissing(text string) string {
	return mapPaths(text, func(path string) string {
		if Check(path) != nil {
			return "bkt"
		}
		return path
	})
}

// mapPaths replaces the paths of a program bkt in a script by what replace returns.
func mapPaths(text string, replace func(path string) string) string {
	matcher := regexp.MustCompile(own)
	var out strings.Builder
	for line := range strings.Lines(text) {
		end := 0 // of the last path
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			for _, at := range matcher.FindAllStringSubmatchIndex(line, -1) {
				from, to := max(at[2], at[4], at[6]), max(at[3], at[5], at[7])
				out.WriteString(line[end:from] + replace(line[from:to]))
				end = to
			}
		}
		out.WriteString(line[end:])
	}
	return out.String()
}
