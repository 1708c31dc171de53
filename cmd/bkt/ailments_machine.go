package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"bkt/internal/engine/contract"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/plan"
)

// removal is the plan that removes a file or folder.
func removal(path string) plan.Plan {
	return plan.Plan{{Op: plan.Remove, Targets: []string{path}, Steps: []plan.Step{plan.Delete{Path: path}}}}
}

// exportFolders returns where boxes export programs to, and where those are in
// the box, which is in the same home.
func (p *patient) exportFolders() (to, from []string) {
	for _, name := range slices.Sorted(maps.Keys(p.boxes())) {
		bins := p.boxes()[name].Bins
		if len(bins.From)+len(bins.Also) == 0 {
			continue
		}
		dir := bins.To
		if dir == "" {
			dir = "~/.local/bin"
		}
		to = append(to, p.inHome(dir))
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
			return filepath.Join(p.folders.home, rest)
		}
	}
	return filepath.Clean(dir)
}

// exportsOutOfPath is about programs of boxes that a shell does not find, or finds
// elsewhere: those of the box run on the host, where their libraries are not.
func exportsOutOfPath(_ context.Context, p *patient) []ailment {
	to, from := p.exportFolders()
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
	return all
}

// strayWrappers is about wrappers of boxes that are gone, and wrappers that no
// one keeps in step.
func strayWrappers(ctx context.Context, p *patient) []ailment {
	to, _ := p.exportFolders()
	var all []ailment
	var boxes map[string]bool
	var err error
	for _, w := range wrappers(append(to, filepath.Join(p.folders.home, ".local/bin"))) {
		if w.box == "" {
			err := fmt.Errorf("%s enters a box, and was not made by distrobox-export: nothing keeps it in step", w.path)
			all = append(all, ailing(hint.Add(err, "remove it, and declare the program in distrobox.json"))...)
			continue
		}
		if filepath.Base(w.path) == "bkt" {
			err := fmt.Errorf("%s runs bkt in the box %s, where it sees the box", w.path, w.box)
			all = append(all, ailing(hint.Add(err, `remove it, and add "bkt" to "exclude" of the box's bins`))...)
		}
		if boxes == nil && err == nil {
			boxes, err = p.existingBoxes(ctx)
		}
		_, declared := p.boxes()[w.box]
		if err == nil && !boxes[w.box] && !declared && !w.root {
			all = append(all, ailment{err: fmt.Errorf("%s is of the box %s, which is gone", w.path, w.box), mend: removal(w.path)})
		}
	}
	return all
}

// A wrapper is a program of the host that enters a box.
type wrapper struct {
	path string
	box  string // "": distrobox has not made it
	root bool   // the box is root's
}

// maxWrapper is how large a script is that may be one.
const maxWrapper = 8 << 10

// wrappers returns those in folders, each once.
func wrappers(dirs []string) []wrapper {
	var all []wrapper
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.Size() > maxWrapper {
				continue
			}
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if w, ok := parseWrapper(string(text)); ok && err == nil {
				w.path = filepath.Join(dir, e.Name())
				all = append(all, w)
			}
		}
	}
	return all
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
	if runsInBox() {
		return nil, errors.New("a box does not know of the others")
	}
	program := p.folders.boxManager()
	if program != "podman" && program != "docker" {
		return nil, errors.New("it is not known which program distrobox takes")
	}
	out, err := host.Machine{}.Output(ctx, plan.Run{Argv: []string{program, "ps", "--all", "--format", "{{.Names}}"}})
	boxes := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		boxes[name] = true
	}
	return boxes, err
}

// staleSocket is about what an engine leaves that was killed.
func staleSocket(context.Context, *patient) []ailment {
	cfg, err := ownEngine()
	if err != nil {
		return ailing(err)
	}
	running, err := contract.Held(cfg.Root)
	info, errSocket := os.Lstat(cfg.Socket)
	if err != nil || running || errSocket != nil || info.Mode().Type() != fs.ModeSocket {
		return nil
	}
	return []ailment{{err: fmt.Errorf("%s: nothing listens there: the engine was killed", cfg.Socket), mend: removal(cfg.Socket)}}
}

// temporary matches the name of a file that was not yet put in its place.
const temporary = `^\.(.+?)\.?[0-9]{6,19}$`

// unfinished is how old a file is that no bkt writes any more.
const unfinished = time.Hour

// leftovers is about files that bkt was killed while writing.
func leftovers(_ context.Context, p *patient) []ailment {
	var all []ailment
	if p.repo.Root != "" {
		for _, dir := range []string{"", "manifests", "toolbox", "schemas"} {
			all = append(all, leftIn(p.repo.Path(dir), p.ours)...)
		}
	}
	for _, root := range []string{p.folders.cache, p.folders.state} {
		_ = filepath.WalkDir(filepath.Join(root, "bkt"), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && path != filepath.Join(root, "bkt", "engine") {
				all = append(all, leftIn(path, func(string) bool { return true })...)
				return nil
			}
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		})
	}
	return all
}

// ours reports whether a file in the repository is one that bkt writes.
func (*patient) ours(name string) bool {
	return name == "Containerfile" || name == ignoreFile || filepath.Ext(name) == ".json"
}

func leftIn(dir string, ours func(string) bool) []ailment {
	var all []ailment
	entries, _ := os.ReadDir(dir)
	pattern := regexp.MustCompile(temporary)
	for _, e := range entries {
		m := pattern.FindStringSubmatch(e.Name())
		info, err := e.Info()
		if m == nil || err != nil || !info.Mode().IsRegular() || !ours(m[1]) || time.Since(info.ModTime()) < unfinished {
			continue
		}
		path := filepath.Join(dir, e.Name())
		all = append(all, ailment{err: fmt.Errorf("%s is what bkt was writing when it was killed", path), mend: removal(path)})
	}
	return all
}

// strayBases is about what bkt noted of repositories that are gone. One on a disk
// that is not there now is not.
func strayBases(_ context.Context, p *patient) []ailment {
	places, _ := filepath.Glob(filepath.Join(p.folders.state, "bkt", "base", "*", repositoryFile))
	var all []ailment
	for _, place := range places {
		text, err := os.ReadFile(place)
		root := strings.TrimSpace(string(text))
		if err != nil || root == "" || exists(root) || mayBeUnmounted(filepath.Dir(root)) {
			continue
		}
		dir := filepath.Dir(place)
		all = append(all, ailment{err: fmt.Errorf("%s is of the repository %s, which is gone", dir, root), mend: removal(dir)})
	}
	return all
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
