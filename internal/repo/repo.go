// Package repo finds the image repository of a command, and locks it against other commands.
package repo

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"bkt/internal/confine"
	"bkt/internal/flock"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/shell"

	"golang.org/x/sys/unix"
)

// A Repo is an image repository: a folder with manifests and Containerfiles. One without
// Containerfiles is about the user's part of a system only.
type Repo struct {
	Root  string // absolute
	By    string // what names it: a variable or a file; "": it has the current folder
	Links Links  // nil: symbolic links must stay in the repository
}

// Links returns the folders outside of the repository that its symbolic links may lead
// into. It is called only for a link that leads out.
type Links func() ([]string, error)

// ErrNone is the error of a folder that is not in a repository.
var ErrNone = errors.New("is not in an image repository")

// Find returns the repository of dir: the nearest folder upwards with manifests/ that has a
// manifest, or a Containerfile or toolbox/Containerfile beside it. The error is ErrNone if no
// folder has them, and
// another one if a folder cannot be read.
func Find(dir string) (Repo, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return Repo{}, err
	}
	if _, err := os.Stat(start); err != nil {
		return Repo{}, err
	}
	var errRead error
	for root := start; ; root = filepath.Dir(root) {
		ok, err := isRepo(root)
		if ok {
			return Repo{Root: root}, nil
		}
		errRead = cmp.Or(errRead, err)
		if root != filepath.Dir(root) {
			continue
		}
		if errRead != nil {
			return Repo{}, fmt.Errorf("%s: cannot check whether it is in an image repository: %w", start, errRead)
		}
		return Repo{}, hint.Add(fmt.Errorf("%s %w", start, ErrNone), "%s", advise(start))
	}
}

// advise says how to get a repository for dir, which is in none.
func advise(dir string) string {
	for root := dir; ; root = filepath.Dir(root) {
		if exists(filepath.Join(root, "manifests")) {
			if advice := adviseRename(root); advice != "" {
				return advice
			}
		} else if root == dir && otherRecipe(root) != "" {
			return fmt.Sprintf("run \"bkt init %s\" to make it one", root)
		}
		if root == filepath.Dir(root) {
			return "a repository has manifests/ with a manifest, or with a Containerfile beside it: change to one, name it with -C DIR or $BKT_REPO, or make one with \"bkt init DIR\"; with --default, bkt finds it from everywhere"
		}
	}
}

// adviseRename says how bkt reads a recipe in root with a name that it does not know, "" if
// there is none.
func adviseRename(root string) string {
	found := otherRecipe(root)
	if found == "" {
		return ""
	}
	name := path.Join(path.Dir(found), "Containerfile")
	return fmt.Sprintf("bkt does not read %s/%s: rename it to %s, or run \"ln -s %s %s\" in %s", root, found, name, path.Base(found), name, root)
}

// otherRecipe returns the first recipe in root with a name like that of a Containerfile.
func otherRecipe(root string) string {
	for _, pattern := range []string{"Containerfile*", "Dockerfile*", "toolbox/Dockerfile*", "toolbox/Containerfile?*"} {
		if found, _ := fs.Glob(Repo{Root: root}.FS(), pattern); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

func isRepo(root string) (bool, error) {
	full := filepath.Join(root, "manifests")
	if _, err := os.Lstat(full); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return false, nil
	}
	r := Repo{Root: root}
	at, err := r.folder().Find("manifests")
	if _, outside := errors.AsType[*confine.OutsideError](err); outside { // reading it returns the error
		return true, nil
	}
	if err != nil {
		return false, &fs.PathError{Op: "open", Path: full, Err: patherr.Reason(err)}
	}
	manifests, err := os.Stat(at.Path())
	if err != nil || !manifests.IsDir() {
		return false, patherr.UnlessMissing(err)
	}
	return r.HasImages() || slices.ContainsFunc(manifest.All(), func(f manifest.File) bool { return r.Has(f.Path) }), nil
}

// HasImages reports whether the repository has a Containerfile.
func (r Repo) HasImages() bool { return r.Has("Containerfile") || r.Has("toolbox/Containerfile") }

// CheckImages returns an error if the repository has no Containerfile.
func (r Repo) CheckImages() error {
	if r.HasImages() {
		return nil
	}
	err := fmt.Errorf("%s has manifests, but neither Containerfile nor toolbox/Containerfile: there is no image", r.Root)
	if advice := adviseRename(r.Root); advice != "" {
		return hint.Add(err, "%s", advice)
	}
	return hint.Add(err, "run \"bkt init %s\" to add them", shell.Show(r.Root))
}

// exists reports whether a path exists. An unreadable path counts as existing: reading it
// returns the error.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// folder returns the folder of the repository.
func (r Repo) folder() confine.Folder { return confine.Folder{Path: r.Root, Beyond: r.Links} }

// FS returns the repository's files for reading. A symbolic link that leads out of the
// repository is an error, unless Links permit it. The error of a broken link is not
// [fs.ErrNotExist]. A special file is an error, too: reading it might never end. So is a file
// that is larger than bkt can process. Templates and manifests are read once: what is written
// later needs another FS.
func (r Repo) FS() fs.FS {
	return &files{folder: r.folder(), root: sync.OnceValues(func() (*os.Root, error) { return os.OpenRoot(r.Root) })}
}

type files struct {
	folder confine.Folder
	root   func() (*os.Root, error) // open until nothing uses the files
	read   sync.Map                 // func() ([]byte, error) by name: what both images need is read once
}

// Open implements [fs.FS].
func (f *files) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	root, err := f.root()
	if err == nil {
		var file *os.File
		if file, err = f.folder.OpenIn(root, name); err == nil {
			return file, nil
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: patherr.Reason(err)}
}

// ReadFile implements [fs.ReadFileFS].
func (f *files) ReadFile(name string) ([]byte, error) {
	if dir := path.Dir(name); dir != "templates" && dir != "manifests" {
		return f.readFile(name)
	}
	once, _ := f.read.LoadOrStore(name, sync.OnceValues(func() ([]byte, error) { return f.readFile(name) }))
	text, err := once.(func() ([]byte, error))()
	return bytes.Clone(text), err
}

// Lstat implements [fs.ReadLinkFS]. A folder on the way may be a link that stays in the
// repository.
func (f *files) Lstat(name string) (info fs.FileInfo, err error) {
	err = f.inFolder("lstat", name, func(root *os.Root, name string) error {
		info, err = root.Lstat(name)
		return err
	})
	return info, err
}

// ReadLink implements [fs.ReadLinkFS].
func (f *files) ReadLink(name string) (target string, err error) {
	err = f.inFolder("readlink", name, func(root *os.Root, name string) error {
		target, err = root.Readlink(name)
		return err
	})
	return target, err
}

// inFolder calls do with the folder that a file is in, and the path in it.
func (f *files) inFolder(op, name string, do func(root *os.Root, name string) error) error {
	fail := func(err error) error { return &fs.PathError{Op: op, Path: name, Err: patherr.Reason(err)} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	at, err := f.folder.Find(path.Dir(name))
	if err != nil {
		return fail(err)
	}
	root, err := f.root()
	if at.Folder != f.folder.Path && err == nil {
		if root, err = os.OpenRoot(at.Folder); err == nil {
			defer root.Close()
		}
	}
	if err == nil {
		err = do(root, path.Join(at.Name, path.Base(name)))
	}
	if err != nil {
		return fail(err)
	}
	return nil
}

func (f *files) readFile(name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return plainfile.ReadAll(file, name, maxSize(name))
}

// maxSize returns the limit of a file of the repository, in bytes.
func maxSize(name string) int64 {
	if strings.HasPrefix(name, "manifests/") || strings.HasPrefix(name, "system/") {
		return plainfile.MaxText
	}
	return plainfile.MaxContainerfile
}

// CheckSize returns an error if a file of a repository would be too large to be read again.
func CheckSize(name string, text []byte) error {
	return patherr.TrimOp(plainfile.CheckSize(name, int64(len(text)), maxSize(name)))
}

// Path returns the path of a file from its slash-separated path in the repository.
func (r Repo) Path(name string) string { return filepath.Join(r.Root, filepath.FromSlash(name)) }

// Has reports whether a file with a slash-separated path exists in the repository. An
// unreadable one counts as existing: reading it returns the error.
func (r Repo) Has(name string) bool {
	at, err := r.folder().Find(path.Dir(name))
	return err != nil || exists(filepath.Join(at.Path(), path.Base(name)))
}

// Rewrite returns the plan that changes the content of a file of the repository from old to
// text, as [plan.Rewrite] does. Symbolic links may lead only to where FS follows them.
func (r Repo) Rewrite(name string, old, text []byte) plan.Plan {
	return plan.RewriteWithin(r.within(name), r.Path(name), name, old, text)
}

// Within returns the folders that may have the file at path, for a plan that writes it. It
// returns nil for a file outside of the repository, such as one that the user names.
func (r Repo) Within(path string) []string {
	name, err := r.Name(path)
	if err != nil {
		return nil
	}
	return r.within(name)
}

// Follow returns where links at path lead, for programs that cannot be kept in the
// repository. A link in the repository that leads out of it is an error, unless Links permit
// it. A path outside of the repository is returned unchanged.
func (r Repo) Follow(path string) (string, error) {
	name, err := r.Name(path)
	if err != nil || r.folder().FirstLink(name) == "" {
		return path, nil
	}
	at, err := r.folder().Find(name)
	return at.Path(), patherr.TrimOp(err)
}

// FirstLink returns the first part of a slash-separated path in the repository that is a
// symbolic link, "" if none is.
func (r Repo) FirstLink(name string) string { return r.folder().FirstLink(name) }

// within returns the folders that may have a file of the repository.
func (r Repo) within(name string) []string {
	all := []string{r.Root}
	_, err := confine.Folder{Path: r.Root}.Find(name)
	if _, outside := errors.AsType[*confine.OutsideError](err); outside && r.Links != nil {
		more, _ := r.Links() // without them, writing returns an error that names the link
		all = append(all, more...)
	}
	return all
}

// Name returns the slash-separated path in the repository of the file at path. A file
// outside of the repository is an error.
func (r Repo) Name(path string) (string, error) {
	if path == "" {
		return "", hint.Add(errors.New("the name of a file is empty"), "name a file in the repository, or leave out the argument")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	name, err := filepath.Rel(r.Root, abs)
	if err != nil || name == ".." || strings.HasPrefix(name, "../") {
		return "", hint.Add(fmt.Errorf("%s is not in the repository %s", path, r.Root), "name the repository with -C DIR")
	}
	return filepath.ToSlash(name), nil
}

// Lock waits until no other bkt changes the repository, and locks it until the result is
// closed. The lock is on the folder manifests/ itself: it ends with bkt, and leaves no file
// behind. Lock calls waiting before it waits; the end of ctx ends the wait.
func (r Repo) Lock(ctx context.Context, waiting func()) (*os.File, error) {
	f, err := r.folder().Open("manifests/.")
	if err == nil {
		f, err = flock.LockFile(ctx, f, flock.Exclusive, waiting)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", r.Path("manifests"), patherr.Reason(err))
	}
	return f, nil
}
