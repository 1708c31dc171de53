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

// Own are bkt's programs, which the host has in the version that it needs.
var Own = []string{"bkt", "bkt-engine"}

// Programs returns the names of the programs in a folder below a root, without bkt's
// own. A missing folder is an error, and so is a file whose type is unknown. A link
// that leads nowhere, or where the user may not go, is no program: the same user runs
// it in the container.
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
// distrobox-export does not quote some names: their wrappers would be no scripts, or
// other ones.
func exportable(name string) bool {
	odd := strings.ContainsFunc(name, func(r rune) bool { return r == '\'' || unicode.IsControl(r) })
	return name[0] != '.' && !odd && !slices.Contains(Own, name)
}

// maxLinks is how many links one may lead to another.
const maxLinks = 40

// stat follows links as they lead below a root.
func stat(root, file string) (fs.FileInfo, error) {
	for range maxLinks {
		info, err := os.Lstat(root + file)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return info, err
		}
		link, err := os.Readlink(root + file)
		if err != nil {
			return nil, err
		}
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(file), link)
		}
		file = path.Clean(link)
	}
	return nil, syscall.ELOOP
}
