package repo

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/fstest"

	"bkt/internal/confine"
	"bkt/internal/patherr"
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
	rest := func() ([]indexEntry, error) {
		list, err := git.Git(ctx, r.Root, nil, "ls-files", "--stage", "-z")
		if err != nil {
			return nil, err
		}
		return parseIndex(string(list), nil)
	}
	return r.blobs(ctx, git, entries, isSourceOf(sources), rest)
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
		return fstest.MapFS{}, nil
	}
	return r.commit(ctx, git, all[0])
}

// commit returns the files of a commit.
func (r Repo) commit(ctx context.Context, git Git, commit string) (fs.FS, error) {
	first := []string{"manifests", "templates", "system"}
	list := func(names ...string) ([]indexEntry, error) {
		out, err := git.Git(ctx, r.Root, nil, append([]string{"ls-tree", "-r", "-z", commit}, names...)...)
		return parseTree(string(out)), err
	}
	entries, err := list(append([]string{"--"}, first...)...)
	if err != nil {
		return nil, err
	}
	return r.blobs(ctx, git, entries, isSourceOf(first), func() ([]indexEntry, error) { return list() })
}

// parseTree parses the output of git ls-tree -z. It omits submodules.
func parseTree(list string) []indexEntry {
	var entries []indexEntry
	for line := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		head, name, _ := strings.Cut(line, "\t")
		if f := strings.Fields(head); len(f) == 3 && f[0] != modeSubmodule {
			entries = append(entries, newEntry(name, f[2], f[0]))
		}
	}
	return entries
}

// blobs returns files from git's objects: entries are those with the names that listed
// reports, and rest returns all others.
func (r Repo) blobs(ctx context.Context, git Git, entries []indexEntry, listed func(string) bool, rest func() ([]indexEntry, error)) (fs.FS, error) {
	o := objects{listed: listed, read: func(entries []indexEntry) (blobs, error) {
		var ids bytes.Buffer
		for _, e := range entries {
			fmt.Fprintln(&ids, e.id)
		}
		out, err := git.Git(ctx, r.Root, ids.Bytes(), "cat-file", "--batch")
		if err != nil {
			return blobs{}, err
		}
		return readBlobs(bufio.NewReader(bytes.NewReader(out)), entries)
	}}
	texts, err := o.read(entries)
	if err != nil {
		return nil, err
	}
	o.rest = sync.OnceValues(func() (others, error) {
		entries, err := rest()
		if err != nil {
			return others{}, err
		}
		return newOthers(entries, o.read)
	})
	o.files, o.large, err = r.follow(entries, texts)
	return o, err
}

// An indexEntry is a file in git's index, or in a commit.
type indexEntry struct {
	name, id string
	mode     fs.FileMode
}

// newEntry returns an entry, given its mode in git.
func newEntry(name, id, mode string) indexEntry {
	e := indexEntry{name, id, 0o644}
	switch mode {
	case modeLink:
		e.mode = 0o777 | fs.ModeSymlink
	case modeExecutable:
		e.mode = 0o755
	}
	return e
}

func (e indexEntry) isLink() bool { return e.mode.Type() == fs.ModeSymlink }

// The modes of entries other than plain files.
const (
	modeExecutable = "100755"
	modeLink       = "120000"
	modeSubmodule  = "160000"
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
			entries = append(entries, newEntry(name, f[1], f[0]))
		}
	}
	return entries, nil
}

// blobs are the texts of files in git, and the targets of links, by name. large has the
// sizes of those that are too large, whose text is empty.
type blobs struct {
	texts map[string][]byte
	large map[string]int64
}

// readBlobs reads the output of git cat-file --batch: for each entry a line that
// ends with a size, the text, and a newline.
func readBlobs(out *bufio.Reader, entries []indexEntry) (blobs, error) {
	b := blobs{map[string][]byte{}, map[string]int64{}}
	for _, e := range entries {
		head, err := out.ReadString('\n')
		if err != nil {
			return b, fmt.Errorf("git cat-file: %s: %w", e.name, err)
		}
		f := strings.Fields(head)
		size, err := strconv.Atoi(f[len(f)-1])
		if err != nil {
			return b, fmt.Errorf("git cat-file: %s: %s", e.name, strings.TrimSpace(head))
		}
		if int64(size) > maxSize(e.name) { // only reading it is an error: rendering may not need it
			b.large[e.name] = int64(size)
			b.texts[e.name] = nil
			if _, err := out.Discard(size + 1); err != nil {
				return b, fmt.Errorf("git cat-file: %s: %w", e.name, err)
			}
			continue
		}
		text := make([]byte, size+1)
		if _, err := io.ReadFull(out, text); err != nil {
			return b, fmt.Errorf("git cat-file: %s: %w", e.name, err)
		}
		b.texts[e.name] = text[:size]
	}
	return b, nil
}

// linked returns the path in the repository that a relative link leads to.
func linked(name, target string) string { return path.Join(path.Dir(name), target) }

// follow returns the files. Manifests, Containerfiles and templates that are links have
// the text of their targets; a link without a target would seem to declare nothing, and is
// an error. Other links stay links.
func (r Repo) follow(entries []indexEntry, all blobs) (fstest.MapFS, map[string]int64, error) {
	files, links := fstest.MapFS{}, map[string]bool{}
	for _, e := range entries {
		links[e.name] = e.isLink()
		files[e.name] = &fstest.MapFile{Data: all.texts[e.name], Mode: e.mode}
	}
	for _, e := range entries {
		if !e.isLink() || !isSource(e.name) {
			continue
		}
		target := string(all.texts[e.name])
		at := linked(e.name, target)
		text, ok := all.texts[at]
		if !ok || links[at] {
			var err error
			if text, err = r.readShared(e.name, target); err != nil {
				return nil, nil, err
			}
		}
		if size, ok := all.large[at]; ok {
			all.large[e.name] = size
		}
		files[e.name] = &fstest.MapFile{Data: text, Mode: 0o644}
	}
	return files, all.large, nil
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
