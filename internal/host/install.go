package host

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"bkt/internal/owner"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
)

// install downloads a program, executes the steps that belong to it, and moves it to its place. It deletes a complete download with
// a wrong checksum, and keeps an interrupted one.
func install(ctx context.Context, i plan.Install) error {
	source, err := follow(ctx, i.Source)
	if err != nil {
		return err
	}
	if err := owner.MkdirAll(filepath.Dir(i.Cache), 0o700); err != nil {
		return err
	}
	part := partial{i.Cache}
	if err := part.download(ctx, i, source); err != nil {
		return fmt.Errorf("%s: %w", source.URL, err)
	}
	defer part.remove()
	source, err = verified(i.Cache, source)
	if err != nil {
		return fmt.Errorf("%s: %w", source.URL, err)
	}
	rest, err := i.Finish.Finish(i.Cache, source)
	if err != nil {
		return fmt.Errorf("%s: %w", source.URL, err)
	}
	after := plan.Plan{{Steps: rest}}
	files := touchedBy(after)
	removeStaleTemps(files)
	changed := changedFolders(files)
	for _, s := range rest {
		if err := step(ctx, s, nil); err != nil {
			return err
		}
	}
	if err := syncFolders(changed); err != nil {
		return err
	}
	return place(i.Cache, i.Path) // last: a program in its place is complete for the next run
}

// maxAsked is the maximum number of requests before a download.
const maxAsked = 3

// follow asks servers for the source of a file until it has a URL.
func follow(ctx context.Context, s plan.Source) (plan.Source, error) {
	for range maxAsked {
		if s.Ask == nil {
			return s, nil
		}
		url, text, err := ask(ctx, *s.Ask)
		if err == nil {
			s, err = s.Ask.Answer.Source(url, text)
		}
		if err != nil {
			return s, fmt.Errorf("%s: %w", url, err)
		}
	}
	return s, errors.New("each server refers to another one")
}

// verified returns the source with the sha256 of its file, after comparing the
// checksums. A source without any checksum is an error.
func verified(file string, s plan.Source) (plan.Source, error) {
	f, err := plainfile.Open(file)
	if err != nil {
		return s, err
	}
	defer f.Close()
	sha256, sha1 := sha256.New(), sha1.New()
	if _, err := io.Copy(io.MultiWriter(sha256, sha1), f); err != nil {
		return s, err
	}
	sum, old := hex.EncodeToString(sha256.Sum(nil)), hex.EncodeToString(sha1.Sum(nil))
	switch {
	case s.SHA256 == "" && s.SHA1 == "":
		return s, errors.New("it has no checksum")
	case s.SHA256 != "" && s.SHA256 != sum:
		return s, fmt.Errorf("its sha256 is %s, not %s", sum, s.SHA256)
	case s.SHA256 == "" && s.SHA1 != old:
		return s, fmt.Errorf("its SHA-1 is %s, not %s", old, s.SHA1)
	}
	s.SHA256 = sum
	return s, nil
}

// place copies a file to path, and makes it executable. The old file stays until the copy is
// complete.
func place(file, path string) error {
	from, err := plainfile.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	if err := owner.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	to, err := newDraft(path, 0o600)
	if err != nil {
		return err
	}
	defer to.cleanup()
	if _, err := io.Copy(to, from); err != nil {
		return err
	}
	if err := to.Chmod(0o755); err != nil {
		return err
	}
	return to.put()
}
