package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"

	"github.com/docker/go-units"
)

// leftovers is about files that bkt was killed while writing. Only those that
// prove it are removed.
func leftovers(_ context.Context, p *patient) ([]ailment, error) {
	var all []ailment
	var errs []error
	if p.Repo.Root != "" {
		looksLeft := regexp.MustCompile(earlierInRepository)
		for _, dir := range []string{"", "manifests", "toolbox", "schemas"} {
			found, err := leftIn(p.Repo.Path(dir), looksLeft)
			all, errs = append(all, found...), append(errs, err)
		}
	}
	for _, root := range []string{p.Folders.Cache, p.Folders.State} {
		found, err := leftBelow(filepath.Join(root, "bkt"))
		all, errs = append(all, found...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// leftBelow looks into all of bkt's folders but that of its engine.
func leftBelow(root string) (all []ailment, err error) {
	var errs []error
	looksLeft := regexp.MustCompile(earlier)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, patherr.Trim(patherr.UnlessMissing(err)))
			return nil
		}
		if !d.IsDir() {
			return nil
		}
		if path == filepath.Join(root, "engine") {
			return fs.SkipDir
		}
		found, err := leftIn(path, looksLeft)
		all, errs = append(all, found...), append(errs, err)
		return nil
	})
	return all, errors.Join(append(errs, err)...)
}

// leftIn looks into a folder. A name that looks like one that earlier versions gave
// to such files is mentioned.
func leftIn(dir string, looksLeft *regexp.Regexp) ([]ailment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, patherr.Trim(patherr.UnlessMissing(err))
	}
	var all []ailment
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case host.Abandoned(path):
			all = append(all, ailment{err: fmt.Errorf("%s is what bkt was writing when it was killed", path), mend: removal(path)})
		case looksLeft.MatchString(e.Name()) && e.Type().IsRegular():
			all = append(all, perhapsLeft(path, e)...)
		}
	}
	return all, nil
}

// What earlier versions called a file that was not yet in its place. Such a name
// proves nothing: users call theirs like it.
const (
	earlier             = `^\..+[0-9]{17,19}$`
	earlierInRepository = `^\.(Containerfile|\.bktignore|.+\.json)[0-9]{17,19}$`
)

// perhapsLeft is about a file that may be what an earlier version has left.
func perhapsLeft(path string, e fs.DirEntry) []ailment {
	info, err := e.Info()
	if err != nil {
		return nil // it is gone
	}
	err = fmt.Errorf("%s may be what an earlier bkt was writing when it was killed: %s, of %s", path, units.HumanSize(float64(info.Size())), info.ModTime().Format(time.DateTime))
	return ailing(hint.Add(err, "look at it, and remove it if you have not made it"))
}
