package repo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/confine"
	"bkt/internal/patherr"
	"bkt/internal/plainfile"

	"golang.org/x/tools/txtar"
)

// Git runs git in a folder and returns its output.
type Git interface {
	Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error)
}

// sources are the files from which Containerfiles are rendered, as pathspecs of git.
var sources = []string{"manifests", "templates", "system", "toolbox", ":(glob)Containerfile*"}

// Staged returns the files from which Containerfiles are rendered, from git's index: those
// of the next commit. A symbolic link to one of them is read as that file.
func (r Repo) Staged(ctx context.Context, git Git) (fs.FS, error) {
	list, err := git.Git(ctx, r.Root, nil, append([]string{"ls-files", "--stage", "-z", "--"}, sources...)...)
	if err != nil {
		return nil, err
	}
	intended, err := r.intended(ctx, git, string(list))
	if err != nil {
		return nil, err
	}
	entries, err := parseIndex(string(list), intended)
	if err != nil {
		return nil, err
	}
	return r.blobs(ctx, git, entries)
}

// emptyBlobs are the ids of the empty file: SHA-1's and SHA-256's.
var emptyBlobs = []string{
	"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
	"473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
}

// intended returns the files of "git add --intent-to-add" in a list of git ls-files:
// they are in the index, as empty files, but not in the commit. Only if the list has
// empty files is git asked, which may then read them in the work tree. "git diff" would
// also list the intended ones, but rewrite the index if times of files have changed.
func (r Repo) intended(ctx context.Context, git Git, list string) ([]string, error) {
	if !slices.ContainsFunc(emptyBlobs, func(id string) bool { return strings.Contains(list, id) }) {
		return nil, nil
	}
	out, err := git.Git(ctx, r.Root, nil, append([]string{"diff-files", "--relative", "--name-only", "--diff-filter=A", "--ignore-submodules=dirty", "-z", "--"}, sources...)...)
	return strings.Split(string(out), "\x00"), err
}

// Committed is like [Repo.Staged] for the files at HEAD, without Containerfiles. It
// returns an error if there is no commit.
func (r Repo) Committed(ctx context.Context, git Git) (fs.FS, error) {
	return r.commit(ctx, git, "HEAD")
}

// CommittedBefore is like [Repo.Committed] for the files before the last commit that
// changed the file called name. If there is no such commit, there are no files.
func (r Repo) CommittedBefore(ctx context.Context, git Git, name string) (fs.FS, error) {
	parents, err := git.Git(ctx, r.Root, nil, "log", "-1", "--format=%P", "--", name)
	if err != nil {
		return nil, err
	}
	all := strings.Fields(string(parents))
	if len(all) == 0 {
		return txtar.FS(&txtar.Archive{})
	}
	return r.commit(ctx, git, all[0])
}

// commit returns the files of a commit.
func (r Repo) commit(ctx context.Context, git Git, commit string) (fs.FS, error) {
	list, err := git.Git(ctx, r.Root, nil, "ls-tree", "-r", "-z", commit, "--", "manifests", "templates", "system")
	if err != nil {
		return nil, err
	}
	var entries []indexEntry
	for line := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		head, name, _ := strings.Cut(line, "\t")
		if f := strings.Fields(head); len(f) == 3 && f[0] != modeSubmodule {
			entries = append(entries, indexEntry{name, f[2], f[0] == modeLink})
		}
	}
	return r.blobs(ctx, git, entries)
}

// blobs returns files from git's objects.
func (r Repo) blobs(ctx context.Context, git Git, entries []indexEntry) (fs.FS, error) {
	var ids bytes.Buffer
	for _, e := range entries {
		fmt.Fprintln(&ids, e.id)
	}
	blobs, err := git.Git(ctx, r.Root, ids.Bytes(), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	return r.readBlobs(bufio.NewReader(bytes.NewReader(blobs)), entries)
}

// An indexEntry is a file in git's index, or in a commit.
type indexEntry struct {
	name, id string
	link     bool
}

// The modes of entries that are not files.
const (
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// parseIndex parses the output of git ls-files --stage -z. It omits submodules and the
// names in without.
func parseIndex(list string, without []string) ([]indexEntry, error) {
	var entries []indexEntry
	for line := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if line == "" {
			continue
		}
		head, name, _ := strings.Cut(line, "\t")
		f := strings.Fields(head)
		switch {
		case len(f) != 3:
			return nil, fmt.Errorf("git ls-files: cannot parse %q", line)
		case f[2] != "0":
			return nil, fmt.Errorf("%s: there is a conflict in git's index", name)
		case f[0] != modeSubmodule && !slices.Contains(without, name):
			entries = append(entries, indexEntry{name, f[1], f[0] == modeLink})
		}
	}
	return entries, nil
}

// readBlobs reads the output of git cat-file --batch: for each entry a line that
// ends with a size, the text, and a newline.
func (r Repo) readBlobs(out *bufio.Reader, entries []indexEntry) (fs.FS, error) {
	texts := map[string][]byte{}
	links := map[string]string{}
	large := map[string]int64{}
	for _, e := range entries {
		head, err := out.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %s: %w", e.name, err)
		}
		f := strings.Fields(head)
		size, err := strconv.Atoi(f[len(f)-1])
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %s: %s", e.name, strings.TrimSpace(head))
		}
		if int64(size) > maxSize(e.name) { // only reading it is an error: rendering may not need it
			large[e.name] = int64(size)
			texts[e.name] = nil
			if _, err := out.Discard(size + 1); err != nil {
				return nil, fmt.Errorf("git cat-file: %s: %w", e.name, err)
			}
			continue
		}
		text := make([]byte, size+1)
		if _, err := io.ReadFull(out, text); err != nil {
			return nil, fmt.Errorf("git cat-file: %s: %w", e.name, err)
		}
		if e.link {
			links[e.name] = string(text[:size])
			continue
		}
		texts[e.name] = text[:size]
	}
	for name, target := range links {
		if size, ok := large[linked(name, target)]; ok {
			large[name] = size
		}
	}
	files, err := r.follow(texts, links)
	return objects{files, large}, err
}

// objects are the files in git's index or in a commit.
type objects struct {
	fs.FS
	large map[string]int64 // the sizes of files that are too large to be read
}

// ReadFile implements [fs.ReadFileFS].
func (o objects) ReadFile(name string) ([]byte, error) {
	if size, ok := o.large[name]; ok {
		return nil, plainfile.CheckSize(name, size, min(size-1, maxSize(name)))
	}
	return fs.ReadFile(o.FS, name)
}

// linked returns the path in the repository that a relative link leads to.
func linked(name, target string) string { return path.Join(path.Dir(name), target) }

// follow returns the texts, with each link as a copy of its target. A link without a target
// is an error for manifests, Containerfiles and templates, which would seem to declare
// nothing; other such links are omitted.
func (r Repo) follow(texts map[string][]byte, links map[string]string) (fs.FS, error) {
	var files txtar.Archive
	for _, name := range slices.Sorted(maps.Keys(links)) {
		text, ok := texts[linked(name, links[name])]
		if !ok && isSource(name) {
			var err error
			if text, err = r.readShared(name, links[name]); err != nil {
				return nil, err
			}
			ok = true
		}
		if ok {
			files.Files = append(files.Files, txtar.File{Name: name, Data: text})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		files.Files = append(files.Files, txtar.File{Name: name, Data: texts[name]})
	}
	return txtar.FS(&files)
}

// isSource reports whether rendering reads a file, or all files in it.
func isSource(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return top == "manifests" || top == "templates" || strings.HasPrefix(path.Base(name), "Containerfile")
}

// readShared reads the file that a link in git's index leads to, which no commit has, if
// links of the repository may lead there.
func (r Repo) readShared(name, target string) ([]byte, error) {
	now, err := os.Readlink(r.Path(name))
	_, errFind := confine.Folder{Path: r.Root}.Find(name)
	if _, outside := errors.AsType[*confine.OutsideError](errFind); err != nil || now != target || !outside {
		return nil, fmt.Errorf("%s: a symbolic link in git's index, whose target is not in the index", name)
	}
	text, err := fs.ReadFile(r.FS(), name)
	return text, patherr.TrimOp(err)
}
