package distrobox

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/distrobox/creation"
	"bkt/internal/distrobox/export"
	"bkt/internal/distrobox/manager"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/paths"
)

// baked is the folder of wrappers that are part of the host's image.
const baked = "/usr/bin"

// to returns the folder of the host for the programs of a container, and whether bkt
// writes to it.
func (d Domain) to(c manifest.Container) (dir string, ok bool) {
	dir = path.Clean(d.expand(c.Bins.Folder()))
	return dir, dir != baked
}

// exportsSomething reports whether a container has wrappers that bkt writes.
func (d Domain) exportsSomething(c manifest.Container) bool {
	_, ok := d.to(c)
	return ok && len(c.Bins.From)+len(c.Bins.Also) > 0
}

// readExports reads the exports on the host. The notes name unreadable files: bkt does
// not know their owner, and leaves them alone.
func (s *snapshot) readExports(known []Container) (notes []string, err error) {
	dirs := map[string]bool{s.Home + "/.local/bin": true, s.Home + "/.local/bin/distrobox": true}
	for _, c := range known {
		if dir, ok := s.to(c.Container); ok {
			dirs[dir] = true
		}
	}
	var errs []error
	for _, dir := range sortedKeys(dirs) {
		wrappers, unread, err := export.ReadWrappers(dir)
		s.wrappers, errs = append(s.wrappers, wrappers...), append(errs, err)
		notes = append(notes, s.unread(unread)...)
	}
	apps, unread, err := export.ReadApps(s.applications(), sortedKeys(s.all()))
	s.apps = apps
	for i := range s.wrappers {
		s.leaveToRoot(&s.wrappers[i].File)
	}
	for i := range s.apps {
		s.leaveToRoot(&s.apps[i].File)
	}
	return append(notes, s.unread(unread)...), errors.Join(append(errs, err)...)
}

// unread returns notes on unreadable files.
func (d Domain) unread(errs []error) (notes []string) {
	for _, err := range errs {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", d.shorten(e.Path), e.Err)
		}
		notes = append(notes, fmt.Sprintf("%v: bkt does not know whether a container exports it, and leaves it alone", err))
	}
	return notes
}

// leaveToRoot excludes an export of a container of root from changes: a user's container
// with the same name is another container.
func (d Domain) leaveToRoot(e *export.File) {
	if e.Root && d.UID != 0 {
		e.ByBkt, e.Unsupported = false, "belongs to a container of root"
	}
}

func (d Domain) applications() string { return filepath.Join(d.Data, "applications") }

// observeExports adds to a container the programs in its folders, and manual exports.
func (s *snapshot) observeExports(item *Container, c manager.Container) (notes []string) {
	if len(item.Bins.From) > 0 {
		found, missing, err := s.readFolders(item.Container, c)
		s.programs[item.Name] = found
		if err != nil {
			delete(s.programs, item.Name)
			notes = append(notes, fmt.Sprintf("%s %v: bkt cannot list the programs in its folders", item.Name, err))
			found = item.Bins.Found
		}
		for _, dir := range missing {
			notes = append(notes, fmt.Sprintf("%s has no folder %s", item.Name, dir))
		}
		item.Bins.Found = asFound(item.Bins.Found, found)
	}
	if len(item.Bins.From) == 0 {
		s.programs[item.Name] = nil
	}
	s.captured[item.Name] = item.Bins.Found
	for _, w := range s.manualWrappers(*item) {
		item.Bins.Also = append(slices.Clone(item.Bins.Also), s.shorten(w.Program))
	}
	for _, a := range s.manualApps(*item) {
		if !slices.Contains(item.ExportedApps, a.ID) {
			item.ExportedApps = append(slices.Clone(item.ExportedApps), a.ID)
		}
	}
	return notes
}

// asFound returns found programs with the comments of the declared ones.
func asFound(known, found []manifest.Found) []manifest.Found {
	for i := range found {
		for _, k := range known {
			if k.Name == found[i].Name {
				found[i].Comment = k.Comment
			}
		}
	}
	return found
}

// readFolders returns the programs in the folders of a container, sorted by name, and
// the missing folders. Folders in a home that the container shares with the host can
// be read at any time, others only while the container runs. The error is the reason why
// the programs of a folder are unknown.
func (d Domain) readFolders(b manifest.Container, c manager.Container) (found []manifest.Found, missing []string, err error) {
	names := map[string]bool{}
	for _, dir := range slices.Sorted(slices.Values(b.Bins.From)) {
		root, err := d.rootFor(d.expand(dir), c)
		if err != nil {
			return nil, nil, err
		}
		programs, err := export.Programs(root, d.expand(dir))
		if _, stopped := d.rootFor(d.expand(dir), c); stopped != nil { // while the folder was read
			return nil, nil, stopped
		}
		switch {
		case patherr.IsMissing(err):
			missing = append(missing, dir)
		case err != nil:
			return nil, nil, unreadable(err)
		}
		for _, name := range programs {
			if !names[name] {
				names[name] = true
				found = append(found, manifest.Found{Name: name, Path: strings.TrimSuffix(dir, "/") + "/" + name})
			}
		}
	}
	slices.SortFunc(found, func(a, b manifest.Found) int { return cmp.Compare(a.Name, b.Name) })
	return found, missing, nil
}

// unreadable turns an error about a file into one about a container.
func unreadable(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("has %s, which cannot be read: %w", e.Path, e.Err)
	}
	return err
}

var errNotRunning = errors.New("is not running")

// rootFor returns the folder of the host that is the root of a container, for a folder
// in it. The error is the reason why the folder cannot be read.
func (d Domain) rootFor(dir string, c manager.Container) (string, error) {
	args, _ := creation.SplitArgs(c.Args)
	home := args["--home"]
	if paths.Within(dir, d.Home) && (home == "" || d.isHome(home)) {
		return "", nil
	}
	if !c.Running || c.PID == 0 {
		return "", errNotRunning
	}
	root := filepath.Join(d.Proc, fmt.Sprint(c.PID), "root")
	if _, err := os.ReadDir(root); err != nil { // also if the process has ended: then the root is unknown, too
		return "", unreadable(err)
	}
	return root, nil
}

// wanted returns the programs in a container that the host should have, by name.
func (d Domain) wanted(c manifest.Container, found []manifest.Found) map[string]string {
	all := map[string]string{}
	for _, f := range found {
		if !slices.Contains(c.Bins.Exclude, f.Name) && !slices.Contains(export.Own, f.Name) { // found may come from another computer
			all[f.Name] = d.expand(f.Path)
		}
	}
	for _, program := range c.Bins.Also {
		if name := path.Base(program); !slices.Contains(export.Own, name) {
			all[name] = d.expand(program)
		}
	}
	return all
}

// wrappersOf returns the wrappers of a container by their paths.
func (s *snapshot) wrappersOf(name string) map[string]export.Wrapper {
	all := map[string]export.Wrapper{}
	for _, w := range s.wrappers {
		if w.Container == name {
			all[w.At] = w
		}
	}
	return all
}

// inFrom reports whether a program is in one of the declared folders of a container.
func (d Domain) inFrom(c manifest.Container, program string) bool {
	return slices.ContainsFunc(c.Bins.From, func(dir string) bool { return path.Clean(d.expand(dir)) == path.Dir(program) })
}

// manualWrappers returns the manually exported wrappers of a container that have the
// place and the form of wrappers of bkt.
func (s *snapshot) manualWrappers(c Container) []export.Wrapper {
	dir, ok := s.to(c.Container)
	if !ok {
		return nil
	}
	wanted := s.wanted(c.Container, s.captured[c.Name])
	var all []export.Wrapper
	wrappers := s.wrappersOf(c.Name)
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		name := path.Base(w.Program)
		_, known := wanted[name]
		if path.Dir(at) == dir && !w.ByBkt && w.Unsupported == "" && !known && !s.inFrom(c.Container, w.Program) && path.IsAbs(w.Program) && path.Base(at) == name && !slices.Contains(export.Own, name) {
			all = append(all, w)
		}
	}
	return all
}

// manualApps returns the manually exported desktop entries of a container.
func (s *snapshot) manualApps(c Container) []export.App {
	var all []export.App
	for _, a := range s.apps {
		if a.Container == c.Name && !a.ByBkt && a.Unsupported == "" && !slices.ContainsFunc(c.ExportedApps, a.Is) {
			all = append(all, a)
		}
	}
	return all
}

// missingAndStaleExports returns the wrappers and apps that a declared container
// lacks, and those that bkt exported and that are no longer declared.
func (s *snapshot) missingAndStaleExports(c Container) (add, remove []string) {
	dir, ours := s.to(c.Container)
	if s.path.writer == c.Name {
		add = append(add, s.path.at)
	}
	found, seen := s.programs[c.Name], true
	if _, seen = s.programs[c.Name]; !seen {
		found = c.Bins.Found
	}
	wanted := map[string]string{}
	if ours {
		wanted = s.wanted(c.Container, found)
	}
	wrappers := s.wrappersOf(c.Name)
	for _, name := range sortedKeys(wanted) {
		at := path.Join(dir, name)
		if w, there := wrappers[at]; !there || !w.Holds(wanted[name]) {
			add = append(add, at)
		}
	}
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		_, stays := wanted[path.Base(at)]
		stays = (stays || !seen && s.inFrom(c.Container, w.Program)) && path.Dir(at) == dir || path.Dir(at) == baked
		if !stays && w.ByBkt {
			remove = append(remove, at)
		}
	}
	return s.missingAndStaleApps(c, add, remove)
}

// keptExports returns notes on exports of a container that belong to the user and that
// manifests cannot express.
func (s *snapshot) keptExports(c Container) (notes []string) {
	addNote := func(e export.File, at string, declared bool) {
		kept := "bkt leaves it alone"
		if !declared {
			kept += ", and does not capture it"
		}
		notes = append(notes, fmt.Sprintf("%s %s: the manifest cannot express that; %s", at, e.Unsupported, kept))
	}
	wanted := s.wanted(c.Container, c.Bins.Found)
	wrappers := s.wrappersOf(c.Name)
	for _, at := range sortedKeys(wrappers) {
		if w := wrappers[at]; w.Unsupported != "" && path.Dir(at) != baked {
			_, declared := wanted[path.Base(at)]
			addNote(w.File, s.shorten(at), declared)
		}
	}
	for _, a := range s.apps {
		if a.Container == c.Name && a.Unsupported != "" {
			addNote(a.File, s.shorten(a.At), slices.ContainsFunc(c.ExportedApps, a.Is))
		}
	}
	return notes
}

func (s *snapshot) missingAndStaleApps(c Container, add, remove []string) ([]string, []string) {
	for _, name := range c.ExportedApps {
		if !slices.ContainsFunc(s.apps, func(a export.App) bool { return a.Container == c.Name && a.Is(name) }) {
			add = append(add, appPrefix+name)
		}
	}
	for _, a := range s.apps {
		if a.Container == c.Name && a.ByBkt && !slices.ContainsFunc(c.ExportedApps, a.Is) {
			remove = append(remove, a.At)
		}
	}
	return add, remove
}

// appPrefix is the beginning of an app in the list of missing exports.
const appPrefix = "app "

// menuEntry returns the path of the entry that distrobox adds to the menu.
func (d Domain) menuEntry(container string) string {
	return filepath.Join(d.applications(), container+".desktop")
}
