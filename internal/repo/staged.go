package repo

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"golang.org/x/tools/txtar"
)

// Git runs git in a folder, with the given standard input, and returns its
// output.
type Git interface {
	Git(ctx context.Context, dir string, stdin []byte, args ...string) ([]byte, error)
}

// Staged returns those files of the repository that Containerfiles are rendered
// from, as they stand in git's index: what the next commit will have.
func (r Repo) Staged(ctx context.Context, git Git) (fs.FS, error) {
	list, err := git.Git(ctx, r.Root, nil, "ls-files", "--stage", "-z", "--",
		"manifests", "templates", "system", "toolbox", ":(glob)Containerfile*")
	if err != nil {
		return nil, err
	}
	entries, err := parseIndex(string(list))
	if err != nil {
		return nil, err
	}
	var ids bytes.Buffer
	for _, e := range entries {
		fmt.Fprintln(&ids, e.id)
	}
	blobs, err := git.Git(ctx, r.Root, ids.Bytes(), "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	return readBlobs(bufio.NewReader(bytes.NewReader(blobs)), entries)
}

// An indexEntry is a file in git's index.
type indexEntry struct {
	name, id string
}

// parseIndex parses the output of git ls-files --stage -z.
func parseIndex(list string) ([]indexEntry, error) {
	var entries []indexEntry
	for line := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if line == "" {
			continue
		}
		head, name, _ := strings.Cut(line, "\t")
		f := strings.Fields(head)
		if len(f) != 3 {
			return nil, fmt.Errorf("git ls-files: cannot parse %q", line)
		}
		if f[2] != "0" {
			return nil, fmt.Errorf("%s: there is a conflict in git's index", name)
		}
		if f[0] == "120000" {
			return nil, fmt.Errorf("%s: a symbolic link in git's index", name)
		}
		entries = append(entries, indexEntry{name, f[1]})
	}
	return entries, nil
}

// readBlobs reads the output of git cat-file --batch: for each entry a line that
// ends with a size, the text, and a newline.
func readBlobs(r *bufio.Reader, entries []indexEntry) (fs.FS, error) {
	var files txtar.Archive
	for _, e := range entries {
		head, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %s: %w", e.name, err)
		}
		f := strings.Fields(head)
		size, err := strconv.Atoi(f[len(f)-1])
		if err != nil {
			return nil, fmt.Errorf("git cat-file: %s: %s", e.name, strings.TrimSpace(head))
		}
		text := make([]byte, size+1)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, fmt.Errorf("git cat-file: %s: %w", e.name, err)
		}
		files.Files = append(files.Files, txtar.File{Name: e.name, Data: text[:size]})
	}
	return txtar.FS(&files)
}
