package export

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"bkt/internal/patherr"
)

// Own are bkt's programs. The host has its own version of them.
var Own = []string{"bkt", "bkt-engine"}

// Programs returns the names of the programs in a folder below a root, without bkt's
// own. A missing folder is an error, and so is a file whose type is unknown. A link is
// no program if its target is missing or not accessible to the user, because the same
// user would run it in the container.
func Programs(root, dir string) ([]string, error) {
	entries, err := os.ReadDir(root + dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		info, err := stat(root, path.Join(dir, e.Name()))
		isLink := e.Type() == fs.ModeSymlink
		switch {
		case patherr.IsMissing(err), isLink && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ELOOP)):
		case err != nil:
			return nil, err
		case info.Mode().IsRegular() && info.Mode()&0o111 != 0 && exportable(e.Name()):
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// exportable reports whether a program with this name can be exported.
// distrobox-export does not quote names, so some would break their wrappers.
func exportable(name string) bool {
	odd := strings.ContainsFunc(name, func(r rune) bool { return r == '\'' || unicode.IsControl(r) })
	return name[0] != '.' && !odd && !slices.Contains(Own, name)
}

// maxLinks is the longest chain of links.
const maxLinks = 40

// stat returns the facts about a file, and follows links within a root.
func stat(root, file string) (fs.FileInfo, error) {
	file, err := follow(root, file)
	if err != nil {
		return nil, err
	}
	return os.Lstat(root + file)
}

// IsMissing reports whether a file does not exist in a root. A file that cannot be read
// may exist.
func IsMissing(root, file string) bool {
	_, err := follow(root, file)
	return patherr.IsMissing(err)
}

// follow returns the path in a root that links lead to. The file there exists.
func follow(root, file string) (string, error) {
	for range maxLinks {
		info, err := os.Lstat(root + file)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return file, err
		}
		link, err := os.Readlink(root + file)
		if err != nil {
			return "", err
		}
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(file), link)
		}
		file = path.Clean(link)
	}
	return "", syscall.ELOOP
}
