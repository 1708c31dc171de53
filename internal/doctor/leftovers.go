package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"

	"github.com/docker/go-units"
)

// staleSocket reports the socket of an engine that was killed. Only a refused
// connection proves it: another engine may have the socket.
func staleSocket(context.Context, *Target) ([]Problem, error) {
	engine, err := pipeline.OwnEngine()
	if err != nil {
		return unfixable(err), nil
	}
	info, err := os.Lstat(engine.Socket)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil, patherr.TrimOp(patherr.UnlessMissing(err))
	}
	running, err := contract.Held(engine.Root)
	if err != nil || running {
		return nil, patherr.TrimOp(err)
	}
	c, err := net.Dial("unix", engine.Socket)
	if err == nil {
		return nil, c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nil, err
	}
	return []Problem{fixable(fmt.Errorf("%s: no engine listens on this socket: the engine was killed", engine.Socket), removal(engine.Socket))}, nil
}

// leftovers reports files that a killed bkt left behind. Only those that provably are
// bkt's are removed.
func leftovers(_ context.Context, t *Target) ([]Problem, error) {
	var all []Problem
	var errs []error
	if t.Repo.Root != "" {
		looksLeft := regexp.MustCompile(earlierInRepository)
		for _, dir := range []string{"", "manifests", "toolbox", "schemas"} {
			folder, err := t.Repo.Follow(t.Repo.Path(dir))
			if err != nil {
				errs = append(errs, err)
				continue
			}
			found, err := leftIn(folder, looksLeft)
			all, errs = append(all, found...), append(errs, err)
		}
	}
	for _, root := range []string{t.Folders.Cache, t.Folders.State} {
		found, err := leftBelow(filepath.Join(root, "bkt"))
		all, errs = append(all, found...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// leftBelow searches all of bkt's folders except its engine's.
func leftBelow(root string) (all []Problem, err error) {
	var errs []error
	looksLeft := regexp.MustCompile(earlier)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			errs = append(errs, patherr.TrimOp(patherr.UnlessMissing(err)))
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

// leftIn searches a folder. It mentions names like those that earlier versions gave to
// such files.
func leftIn(dir string, looksLeft *regexp.Regexp) ([]Problem, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, patherr.TrimOp(patherr.UnlessMissing(err))
	}
	var all []Problem
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case host.Abandoned(path):
			all = append(all, fixable(fmt.Errorf("%s is an unfinished file of a bkt that was killed", path), removal(path)))
		case looksLeft.MatchString(e.Name()) && e.Type().IsRegular():
			all = append(all, perhapsLeft(path, e)...)
		}
	}
	return all, nil
}

// Names that earlier versions gave to files while they wrote them. Such a name proves
// nothing: users have files of such names, too.
const (
	earlier             = `^\..+[0-9]{17,19}$`
	earlierInRepository = `^\.(Containerfile|\.bktignore|.+\.json)[0-9]{17,19}$`
)

// perhapsLeft reports a file that may be an unfinished one of an earlier version.
func perhapsLeft(path string, e fs.DirEntry) []Problem {
	info, err := e.Info()
	if err != nil {
		return nil // it no longer exists
	}
	err = fmt.Errorf("%s may be an unfinished file of an earlier bkt: %s, modified %s", path, units.HumanSize(float64(info.Size())), info.ModTime().Format(time.DateTime))
	return unfixable(hint.Add(err, "look at it, and remove it unless you created it"))
}
