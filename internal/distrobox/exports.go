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

// baked is the folder whose wrappers are part of the host's image.
const baked = "/usr/bin"

// to returns the folder of the host for the programs of a container, and whether bkt
// writes to it.
func (d Domain) to(b manifest.Container) (dir string, ok bool) {
	dir = path.Clean(d.expand(b.Bins.Folder()))
	return dir, dir != baked
}

// exportsSomething reports whether a container has wrappers that bkt writes.
func (d Domain) exportsSomething(b manifest.Container) bool {
	_, ok := d.to(b)
	return ok && len(b.Bins.From)+len(b.Bins.Also) > 0
}

// readExports reads the exports on the host. Notes are about files that cannot be
// read: bkt does not know whose they are, and leaves them alone.
func (s *snapshot) readExports(known []Container) (notes []string, err error) {
	dirs := map[string]bool{s.Home + "/.local/bin": true, s.Home + "/.local/bin/distrobox": true}
	for _, b := range known {
		if dir, ok := s.to(b.Container); ok {
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

// unread returns notes on files that cannot be read.
func (d Domain) unread(errs []error) (notes []string) {
	for _, err := range errs {
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s: %w", d.shorten(e.Path), e.Err)
		}
		notes = append(notes, fmt.Sprintf("%v: whether it is exported from a container is not known; it stays as it is", err))
	}
	return notes
}

// leaveToRoot has an export of a container of root's stay as it is: a user's container
// of that name is another one.
func (d Domain) leaveToRoot(e *export.File) {
	if e.Root && d.UID != 0 {
		e.ByBkt, e.Unsupported = false, "is of root's container"
	}
}

func (d Domain) applications() string { return filepath.Join(d.Data, "applications") }

// observeExports adds to a container the programs in its folders, and what was
// exported by hand.
func (s *snapshot) observeExports(b *Container, c manager.Container) (notes []string) {
	if len(b.Bins.From) > 0 {
		found, missing, err := s.readFolders(b.Container, c)
		s.programs[b.Name] = found
		if err != nil {
			delete(s.programs, b.Name)
			notes = append(notes, fmt.Sprintf("%s %v: what its folders have in them is not looked at", b.Name, err))
			found = b.Bins.Found
		}
		for _, dir := range missing {
			notes = append(notes, fmt.Sprintf("%s has no folder %s", b.Name, dir))
		}
		b.Bins.Found = asFound(b.Bins.Found, found)
	}
	if len(b.Bins.From) == 0 {
		s.programs[b.Name] = nil
	}
	s.captured[b.Name] = b.Bins.Found
	for _, w := range s.manualWrappers(*b) {
		b.Bins.Also = append(slices.Clone(b.Bins.Also), s.shorten(w.Program))
	}
	for _, a := range s.manualApps(*b) {
		if !slices.Contains(b.ExportedApps, a.ID) {
			b.ExportedApps = append(slices.Clone(b.ExportedApps), a.ID)
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
// be read at any time, and others only while the container runs. An error says why the
// programs of a folder are unknown.
func (d Domain) readFolders(b manifest.Container, c manager.Container) (found []manifest.Found, missing []string, err error) {
	names := map[string]bool{}
	for _, dir := range slices.Sorted(slices.Values(b.Bins.From)) {
		root, err := d.rootFor(d.expand(dir), c)
		if err != nil {
			return nil, nil, err
		}
		programs, err := export.Programs(root, d.expand(dir))
		if _, gone := d.rootFor(d.expand(dir), c); gone != nil { // it was stopped meanwhile
			return nil, nil, gone
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

// unreadable words an error about a file as one about a container.
func unreadable(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("has %s, which cannot be read: %w", e.Path, e.Err)
	}
	return err
}

var errNotRunning = errors.New("is not running")

// rootFor returns the folder of the host that is the root of a container, for a folder
// in it. An error says why it cannot be read.
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
	if _, err := os.ReadDir(root); err != nil { // also where the process is gone: then it is not known, either
		return "", unreadable(err)
	}
	return root, nil
}

// wanted returns the programs in a container that the host should have, by name.
func (d Domain) wanted(b manifest.Container, found []manifest.Found) map[string]string {
	all := map[string]string{}
	for _, f := range found {
		if !slices.Contains(b.Bins.Exclude, f.Name) && !slices.Contains(export.Own, f.Name) { // found may be from elsewhere
			all[f.Name] = d.expand(f.Path)
		}
	}
	for _, program := range b.Bins.Also {
		if name := path.Base(program); !slices.Contains(export.Own, name) {
			all[name] = d.expand(program)
		}
	}
	return all
}

// wrappersOf returns the wrappers of a container by their paths.
func (s *snapshot) wrappersOf(box string) map[string]export.Wrapper {
	all := map[string]export.Wrapper{}
	for _, w := range s.wrappers {
		if w.Container == box {
			all[w.At] = w
		}
	}
	return all
}

// inFrom reports whether a program is in one of the declared folders of a container.
func (d Domain) inFrom(b manifest.Container, program string) bool {
	return slices.ContainsFunc(b.Bins.From, func(dir string) bool { return path.Clean(d.expand(dir)) == path.Dir(program) })
}

// manualWrappers returns the wrappers of a container that someone has exported by
// hand, at the same place and in the same form as bkt would.
func (s *snapshot) manualWrappers(b Container) []export.Wrapper {
	dir, ok := s.to(b.Container)
	if !ok {
		return nil
	}
	wanted := s.wanted(b.Container, s.captured[b.Name])
	var all []export.Wrapper
	wrappers := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		name := path.Base(w.Program)
		_, known := wanted[name]
		if path.Dir(at) == dir && !w.ByBkt && w.Unsupported == "" && !known && !s.inFrom(b.Container, w.Program) && path.IsAbs(w.Program) && path.Base(at) == name && !slices.Contains(export.Own, name) {
			all = append(all, w)
		}
	}
	return all
}

// manualApps returns the desktop entries of a container that someone has exported by
// hand.
func (s *snapshot) manualApps(b Container) []export.App {
	var all []export.App
	for _, a := range s.apps {
		if a.Container == b.Name && !a.ByBkt && a.Unsupported == "" && !slices.ContainsFunc(b.ExportedApps, a.Is) {
			all = append(all, a)
		}
	}
	return all
}

// missingAndStaleExports returns the wrappers and apps that a declared container
// lacks, and those that bkt has exported and that are no longer declared.
func (s *snapshot) missingAndStaleExports(b Container) (add, remove []string) {
	dir, ours := s.to(b.Container)
	if s.path.writer == b.Name {
		add = append(add, s.path.at)
	}
	found, seen := s.programs[b.Name], true
	if _, seen = s.programs[b.Name]; !seen {
		found = b.Bins.Found
	}
	wanted := map[string]string{}
	if ours {
		wanted = s.wanted(b.Container, found)
	}
	wrappers := s.wrappersOf(b.Name)
	for _, name := range sortedKeys(wanted) {
		at := path.Join(dir, name)
		if w, there := wrappers[at]; !there || !w.Holds(wanted[name]) {
			add = append(add, at)
		}
	}
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		_, stays := wanted[path.Base(at)]
		stays = (stays || !seen && s.inFrom(b.Container, w.Program)) && path.Dir(at) == dir || path.Dir(at) == baked
		if !stays && w.ByBkt {
			remove = append(remove, at)
		}
	}
	return s.missingAndStaleApps(b, add, remove)
}

// keptExports returns notes on exports of a container that belong to the user, and
// that no manifest can express.
func (s *snapshot) keptExports(b Container) (notes []string) {
	tell := func(e export.File, at string, declared bool) {
		kept := "it stays as it is"
		if !declared {
			kept += ", and is not captured"
		}
		notes = append(notes, fmt.Sprintf("%s %s: the manifest cannot express that; %s", at, e.Unsupported, kept))
	}
	wanted := s.wanted(b.Container, b.Bins.Found)
	wrappers := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(wrappers) {
		if w := wrappers[at]; w.Unsupported != "" && path.Dir(at) != baked {
			_, declared := wanted[path.Base(at)]
			tell(w.File, s.shorten(at), declared)
		}
	}
	for _, a := range s.apps {
		if a.Container == b.Name && a.Unsupported != "" {
			tell(a.File, s.shorten(a.At), slices.ContainsFunc(b.ExportedApps, a.Is))
		}
	}
	return notes
}

func (s *snapshot) missingAndStaleApps(b Container, add, remove []string) ([]string, []string) {
	for _, name := range b.ExportedApps {
		if !slices.ContainsFunc(s.apps, func(a export.App) bool { return a.Container == b.Name && a.Is(name) }) {
			add = append(add, appPrefix+name)
		}
	}
	for _, a := range s.apps {
		if a.Container == b.Name && a.ByBkt && !slices.ContainsFunc(b.ExportedApps, a.Is) {
			remove = append(remove, a.At)
		}
	}
	return add, remove
}

// appPrefix is the beginning of an app in the list of missing exports.
const appPrefix = "app "

// menuEntry returns the path of the entry in the menu that distrobox makes.
func (d Domain) menuEntry(box string) string {
	return filepath.Join(d.applications(), box+".desktop")
}
