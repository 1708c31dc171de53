package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"bkt/internal/distrobox"
	"bkt/internal/domains"
	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/pipeline"
	"bkt/internal/plan"
	"bkt/internal/workspace"
)

// removal is the plan that removes a file or folder.
func removal(path string) plan.Plan {
	return plan.Plan{{Op: plan.Remove, Targets: []string{path}, Steps: []plan.Step{plan.Delete{Path: path}}}}
}

// exportFolders returns where boxes export programs to, and where those are in
// the box, which is in the same home.
func (p *patient) exportFolders(boxes map[string]manifest.Box) (to, from []string) {
	for _, name := range slices.Sorted(maps.Keys(boxes)) {
		bins := boxes[name].Bins
		if len(bins.From)+len(bins.Also) == 0 {
			continue
		}
		to = append(to, p.inHome(cmp.Or(bins.To, "~/.local/bin")))
		for _, dir := range bins.From {
			from = append(from, p.inHome(dir))
		}
	}
	slices.Sort(to)
	return slices.Compact(to), from
}

// inHome returns a folder as a manifest writes it with the home in its place.
func (p *patient) inHome(dir string) string {
	for _, prefix := range []string{"~/", "${HOME}/", "$HOME/"} {
		if rest, ok := strings.CutPrefix(dir, prefix); ok {
			return filepath.Join(p.Folders.Home, rest)
		}
	}
	return filepath.Clean(dir)
}

// exportsOutOfPath is about programs of boxes that a shell does not find, or finds
// elsewhere: those of the box run on the host, where their libraries are not.
func exportsOutOfPath(_ context.Context, p *patient) ([]ailment, error) {
	boxes, err := p.boxes()
	if err != nil {
		return nil, err
	}
	to, from := p.exportFolders(boxes)
	list := filepath.SplitList(os.Getenv("PATH"))
	var all []ailment
	for _, dir := range to {
		at := slices.Index(list, dir)
		if at < 0 {
			err := fmt.Errorf("%s, where boxes export programs to, is not in PATH", dir)
			all = append(all, ailing(hint.Add(err, `"bkt apply distrobox" puts it there for the next login`))...)
			continue
		}
		for _, inner := range from {
			if i := slices.Index(list, inner); i >= 0 && i < at {
				err := fmt.Errorf("PATH has %s before %s: the host runs the box's programs without the box", inner, dir)
				all = append(all, ailing(hint.Add(err, "take %s out of PATH, which a file of a shell or of ~/.config/environment.d sets", inner))...)
			}
		}
	}
	return all, nil
}

// strayWrappers is about wrappers of boxes that are gone, and wrappers that no
// one keeps in step.
func strayWrappers(ctx context.Context, p *patient) ([]ailment, error) {
	declared, err := p.boxes()
	if err != nil {
		return nil, err
	}
	to, _ := p.exportFolders(declared)
	found, errRead := wrappers(append(to, filepath.Join(p.Folders.Home, ".local/bin")))
	var all []ailment
	var exist map[string]bool // nil: not asked for yet
	for _, w := range found {
		all = append(all, w.ailments()...)
		if _, ok := declared[w.box]; ok || w.box == "" || w.root || w.others {
			continue
		}
		if exist == nil && err == nil {
			exist, err = p.existingBoxes(ctx)
		}
		if err == nil && !exist[w.box] {
			all = append(all, w.stray())
		}
	}
	return all, errors.Join(errRead, err)
}

// ailments are what is wrong with a wrapper, whether or not its box exists.
func (w wrapper) ailments() []ailment {
	if w.box == "" {
		err := fmt.Errorf("%s enters a box, and was not made by distrobox-export: nothing keeps it in step", w.path)
		return ailing(hint.Add(err, "remove it, and declare the program in distrobox.json"))
	}
	if filepath.Base(w.path) == "bkt" {
		err := fmt.Errorf("%s runs bkt in the box %s, where it sees the box", w.path, w.box)
		return ailing(hint.Add(err, `remove it, and add "bkt" to "exclude" of the box's bins`))
	}
	return nil
}

// stray is about a wrapper whose box is gone. bkt removes what bkt has exported;
// another one may be of a box that its owner is about to make.
func (w wrapper) stray() ailment {
	a := ailment{err: fmt.Errorf("%s is of the box %s, which is gone", w.path, w.box)}
	if w.byBkt {
		a.mend = removal(w.path)
	} else {
		a.err = hint.Add(a.err, "bkt has not made it, or it was edited since: look at it, and remove it if nothing needs it")
	}
	return a
}

// A wrapper is a program of the host that enters a box.
type wrapper struct {
	path   string
	box    string // "": distrobox has not made it
	root   bool   // the box is root's
	others bool   // it is another user's, as its box will be
	byBkt  bool   // bkt has exported it, and no one has edited it since
}

// maxWrapper is how large a script is that may be one.
const maxWrapper = 8 << 10

// wrappers returns those in folders, each once. What cannot be read is an error,
// beside which there are the others.
func wrappers(dirs []string) ([]wrapper, error) {
	var all []wrapper
	var errs []error
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		entries, err := os.ReadDir(dir)
		errs = append(errs, patherr.Trim(patherr.UnlessMissing(err)))
		for _, e := range entries {
			w, ok, err := readWrapper(filepath.Join(dir, e.Name()), e)
			errs = append(errs, patherr.Trim(patherr.UnlessMissing(err)))
			if ok && err == nil {
				all = append(all, w)
			}
		}
	}
	return all, errors.Join(errs...)
}

// readWrapper reads a file if it may be a wrapper.
func readWrapper(path string, e fs.DirEntry) (wrapper, bool, error) {
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxWrapper {
		return wrapper{}, false, err
	}
	text, err := os.ReadFile(path)
	w, ok := parseWrapper(string(text))
	w.path, w.byBkt = path, distrobox.MadeByBkt(path, string(text))
	stat, known := info.Sys().(*syscall.Stat_t)
	w.others = !known || int(stat.Uid) != os.Geteuid()
	return w, ok, err
}

// parseWrapper parses a script of distrobox-export, or one that does the same.
func parseWrapper(text string) (wrapper, bool) {
	if !strings.HasPrefix(text, "#!") || !strings.Contains(text, "distrobox-enter") && !strings.Contains(text, "distrobox enter") {
		return wrapper{}, false
	}
	var w wrapper
	exported := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		exported = exported || line == "# distrobox_binary"
		if name, ok := strings.CutPrefix(line, "# name: "); ok && exported {
			w.box = name
		}
	}
	w.root = strings.Contains(text, "--root") || strings.Contains(text, " -r ")
	return w, true
}

// existingBoxes returns the containers of this user, of the program that
// distrobox takes. That it is not known is an error. In a box, podman has boxes of
// its own.
func (p *patient) existingBoxes(ctx context.Context) (map[string]bool, error) {
	if err := workspace.CheckDesktop(); err != nil {
		return nil, err
	}
	if runsInBox() {
		return nil, errors.New("a box does not know of the others")
	}
	program := domains.ContainerManager(p.Folders)
	if program != "podman" && program != "docker" {
		return nil, errors.New("it is not known which program distrobox takes")
	}
	out, err := host.Query{}.Output(ctx, plan.Run{Argv: []string{program, "ps", "--all", "--format", "{{.Names}}"}})
	boxes := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		boxes[name] = true
	}
	return boxes, err
}

// staleSocket is about what an engine leaves that was killed. That nothing listens
// is proved by asking: another engine may have the socket.
func staleSocket(context.Context, *patient) ([]ailment, error) {
	cfg, err := pipeline.OwnEngine()
	if err != nil {
		return ailing(err), nil
	}
	info, err := os.Lstat(cfg.Socket)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil, patherr.Trim(patherr.UnlessMissing(err))
	}
	running, err := contract.Held(cfg.Root)
	if err != nil || running {
		return nil, patherr.Trim(err)
	}
	c, err := net.Dial("unix", cfg.Socket)
	if err == nil {
		return nil, c.Close()
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nil, err
	}
	return []ailment{{err: fmt.Errorf("%s: nothing listens there: the engine was killed", cfg.Socket), mend: removal(cfg.Socket)}}, nil
}

// strayBases is about what bkt noted of repositories that are gone. One on a disk
// that is not there now is not.
func strayBases(_ context.Context, p *patient) ([]ailment, error) {
	at := filepath.Join(p.Folders.State, "bkt", "base")
	entries, err := os.ReadDir(at)
	var all []ailment
	errs := []error{patherr.Trim(patherr.UnlessMissing(err))}
	for _, e := range entries {
		dir := filepath.Join(at, e.Name())
		text, err := os.ReadFile(filepath.Join(dir, live.RepositoryFile))
		root := strings.TrimSpace(string(text))
		if err != nil || root == "" || exists(root) || mayBeUnmounted(filepath.Dir(root)) {
			errs = append(errs, patherr.Trim(patherr.UnlessMissing(err)))
			continue
		}
		a := ailment{err: fmt.Errorf("%s is of the repository %s, which is gone", dir, root)}
		if other, err := foreign(dir); err != nil || other != "" || e.Name() != workspace.ID(root) {
			a.err = hint.Add(a.err, "look at what is in it, and remove it if nothing needs it: not all of it is from bkt on this computer")
			errs = append(errs, patherr.Trim(err))
		} else {
			a.mend = removal(dir)
		}
		all = append(all, a)
	}
	return all, errors.Join(errs...)
}

// foreign returns a file among the bases of a repository that bkt has not written on
// this computer, "" if there is none. In a home that several computers share, each has
// a folder there, and the repository may be gone from this one alone.
func foreign(dir string) (string, error) {
	computer, err := os.Hostname()
	if err != nil {
		return "", err
	}
	other := ""
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case path == dir, d.IsDir() && name == computer, name == live.RepositoryFile, host.Abandoned(path):
		case filepath.Dir(name) == computer && d.Type().IsRegular() && isBase(path):
		default:
			other = name
		}
		return err
	})
	return other, err
}

// isBase reports whether a file is what bkt keeps of a domain.
func isBase(path string) bool {
	var base struct {
		Version *int             `json:"version"`
		Items   *json.RawMessage `json:"items"`
	}
	text, err := os.ReadFile(path)
	return err == nil && filepath.Ext(path) == ".json" && json.Unmarshal(text, &base) == nil && base.Version != nil && base.Items != nil
}

// mayBeUnmounted reports whether a folder may be where a disk goes that is not
// there now.
func mayBeUnmounted(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err != nil || len(entries) == 0
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
