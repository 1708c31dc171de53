package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"bkt/internal/distrobox/export"
	"bkt/internal/domains"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/workspace"
)

// inContainer reports that bkt runs in a container, where it sees the container's
// apps and settings, unless that is intended.
func inContainer(_ context.Context, t *Target) ([]Problem, error) {
	if t.Elsewhere == nil {
		return nil, nil
	}
	return unfixable(workspace.CheckHost("bkt doctor")), nil
}

// containers returns the declared containers. An error means that it is unknown
// which are declared.
func (t *Target) containers() (map[string]manifest.Container, error) {
	if t.Repo.Root == "" {
		return nil, errNoRepository
	}
	declared, err := manifest.Read[manifest.Containers](t.Repo.FS(), manifest.DistroboxPath)
	return declared.Content.Containers, firstOnly(err)
}

// exportFolders returns the folders of the host that containers export programs to,
// sorted, and the folders that the programs are in, which share the home of the host.
func (t *Target) exportFolders(containers map[string]manifest.Container) (to, from []string) {
	for _, name := range slices.Sorted(maps.Keys(containers)) {
		bins := containers[name].Bins
		for _, dir := range bins.Folders() {
			to = append(to, t.expandHome(dir))
		}
		for _, dir := range bins.From {
			from = append(from, t.expandHome(dir))
		}
	}
	slices.Sort(to)
	return slices.Compact(to), from
}

// expandHome returns the absolute path of a folder as manifests write it.
func (t *Target) expandHome(dir string) string {
	for _, prefix := range []string{"~/", "${HOME}/", "$HOME/"} {
		if rest, ok := strings.CutPrefix(dir, prefix); ok {
			return filepath.Join(t.Folders.Home, rest)
		}
	}
	return filepath.Clean(dir)
}

// shadowedExports reports exported programs that a shell does not find, or that it
// finds in the folder of the container first: the host lacks their libraries.
func shadowedExports(_ context.Context, t *Target) ([]Problem, error) {
	containers, err := t.containers()
	if err != nil {
		return nil, err
	}
	to, from := t.exportFolders(containers)
	list := filepath.SplitList(os.Getenv("PATH"))
	var all []Problem
	for _, dir := range to {
		at := slices.Index(list, dir)
		if at < 0 {
			err := fmt.Errorf("%s is not in PATH, and containers export programs to it", dir)
			all = append(all, unfixable(hint.Add(err, `run "bkt apply distrobox", which adds it for the next login`))...)
			continue
		}
		for _, inner := range from {
			if i := slices.Index(list, inner); i >= 0 && i < at {
				err := fmt.Errorf("PATH has %s before %s: the host runs programs of a container outside of it", inner, dir)
				all = append(all, unfixable(hint.Add(err, "remove %s from PATH; a startup file of the shell or of ~/.config/environment.d adds it", inner))...)
			}
		}
	}
	return all, nil
}

// strayWrappers reports wrappers of containers that do not exist, and wrappers that
// bkt does not keep up to date.
func strayWrappers(ctx context.Context, t *Target) ([]Problem, error) {
	declared, err := t.containers()
	if err != nil {
		return nil, err
	}
	wrappers, errRead := t.wrappers(declared)
	var all []Problem
	var exist map[string]bool // nil: not asked yet
	for _, w := range wrappers {
		all = append(all, misplaced(w)...)
		if _, ok := declared[w.Container]; ok || w.Container == "" || w.Root || isOtherUsers(w.Path) {
			continue
		}
		if exist == nil && err == nil {
			exist, err = t.existingContainers(ctx)
		}
		if err == nil && !exist[w.Container] {
			all = append(all, orphaned(w)...)
		}
	}
	return all, errors.Join(errRead, err)
}

// wrappers returns the wrappers in the folders that containers export to. The error
// joins what cannot be read; all other wrappers are returned with it.
func (t *Target) wrappers(declared map[string]manifest.Container) ([]export.HostWrapper, error) {
	to, _ := t.exportFolders(declared)
	dirs := append(to, filepath.Join(t.Folders.Home, ".local/bin"))
	slices.Sort(dirs)
	var all []export.HostWrapper
	var errs []error
	for _, dir := range slices.Compact(dirs) {
		found, unread, err := export.HostWrappers(dir)
		all = append(all, found...)
		for _, err := range append(unread, err) {
			errs = append(errs, patherr.TrimOp(err))
		}
	}
	return all, errors.Join(errs...)
}

// misplaced reports a wrapper that should not be there, whether or not its container
// exists.
func misplaced(w export.HostWrapper) []Problem {
	if w.Container == "" {
		err := fmt.Errorf("%s enters a container, and distrobox-export did not create it: bkt does not keep it up to date", w.Path)
		return unfixable(hint.Add(err, "remove it, and declare the program in distrobox.json"))
	}
	if filepath.Base(w.Path) == "bkt" {
		err := fmt.Errorf("%s runs bkt in the container %s, where it sees that container", w.Path, w.Container)
		return unfixable(hint.Add(err, `remove it, and add "bkt" to "exclude" of the container's bins`))
	}
	return nil
}

// orphaned reports a wrapper whose container does not exist. bkt removes
// what bkt has exported; another wrapper may be of a container that its owner is about
// to create.
func orphaned(w export.HostWrapper) []Problem {
	err := fmt.Errorf("%s runs a program of the container %s, which does not exist", w.Path, w.Container)
	if w.ByBkt {
		return []Problem{fixable(err, removal(w.Path))}
	}
	return unfixable(hint.Add(err, "bkt did not create it, or someone has edited it since: look at it, and remove it if nothing needs it"))
}

// isOtherUsers reports whether a file may belong to another user, as its container
// will.
func isOtherUsers(path string) bool {
	var stat syscall.Stat_t
	return syscall.Stat(path, &stat) != nil || int(stat.Uid) != os.Geteuid()
}

// existingContainers returns the names of this user's containers, as the program
// lists them that distrobox uses. In a container, podman knows other containers.
func (t *Target) existingContainers(ctx context.Context) (map[string]bool, error) {
	if err := workspace.CheckDesktop(); err != nil {
		return nil, err
	}
	if workspace.CheckHost("bkt doctor") != nil {
		return nil, errors.New("a container does not know which others exist")
	}
	program := domains.ContainerManager(t.Folders)
	if program != "podman" && program != "docker" {
		return nil, errors.New("it is unknown which program distrobox uses")
	}
	out, err := host.Query{}.Output(ctx, plan.Run{Argv: []string{program, "ps", "--all", "--format", "{{.Names}}"}})
	names := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		names[name] = true
	}
	return names, err
}
