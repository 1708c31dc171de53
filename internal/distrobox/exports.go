package distrobox

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// baked is the folder of wrappers that are part of the host's image. bkt does not write to
// it.
const baked = manifest.SystemBin

// to returns the folder of the host for the programs of a container.
func (d Domain) to(c manifest.Container) string { return path.Clean(d.expand(c.Bins.Folder())) }

// placeOf returns the path of the wrapper of a program on the host.
func (d Domain) placeOf(c manifest.Container, p manifest.Program) string {
	return path.Join(d.expand(c.Bins.FolderOf(p)), p.Name())
}

// folders returns the folders of the host that bkt writes wrappers of a container to.
func (d Domain) folders(c manifest.Container) []string {
	var all []string
	for _, dir := range c.Bins.Folders() {
		if dir = path.Clean(d.expand(dir)); dir != baked && !slices.Contains(all, dir) {
			all = append(all, dir)
		}
	}
	return all
}

// exportsSomething reports whether a container has wrappers that bkt writes.
func (d Domain) exportsSomething(c manifest.Container) bool { return len(d.folders(c)) > 0 }

// written returns the folders of the host that have wrappers of manifests, and those of
// distrobox.
func (d Domain) written(known []Container) map[string]bool {
	dirs := map[string]bool{d.Home + "/.local/bin": true, d.Home + "/.local/bin/distrobox": true}
	for _, c := range known {
		if dir := d.to(c.Container); dir != baked {
			dirs[dir] = true
		}
		for _, dir := range d.folders(c.Container) {
			dirs[dir] = true
		}
	}
	return dirs
}

// searched returns the folders of the host that may have wrappers: the written ones, and
// those of the home that are in PATH or have the name of such a folder. unread are the
// errors of folders in which there may be more of them.
func (d Domain) searched(written map[string]bool) (all []string, unread []error) {
	dirs := maps.Clone(written)
	for _, dir := range d.Path {
		if dir = path.Clean(dir); paths.Within(dir, d.Home) && dir != path.Clean(d.Home) {
			dirs[dir] = true
		}
	}
	for _, dir := range []string{d.Home, d.Home + "/.local"} {
		entries, err := os.ReadDir(dir)
		if patherr.UnlessMissing(err) != nil {
			unread = append(unread, err)
		}
		for _, e := range entries {
			if e.IsDir() && strings.HasSuffix(e.Name(), "bin") {
				dirs[path.Join(dir, e.Name())] = true
			}
		}
	}
	return sortedKeys(dirs), unread
}

// divide takes the entries of existing containers, and those that someone exported from a
// container that is gone and may be created again. It returns the rest.
func (s *snapshot) divide(apps []export.App) (rest []export.App) {
	for _, a := range apps {
		switch {
		case s.exists(a.Container):
			s.apps = append(s.apps, a)
		case a.ByBkt:
			rest = append(rest, a)
		default:
			s.leaveToRoot(&a.File)
			s.left = append(s.left, a)
		}
	}
	return rest
}

// readExports reads the exports on the host. Of a file that cannot be read, bkt does not know
// whether a container exports it, and leaves it alone. A folder that bkt writes wrappers to
// must be readable.
func (s *snapshot) readExports(known []Container) (unread []reconcile.Unread, err error) {
	var errs []error
	written := s.written(known)
	dirs, failed := s.searched(written)
	unread = s.leaveUnread(failed)
	for _, dir := range dirs {
		wrappers, failed, err := export.ReadWrappers(dir)
		s.wrappers = append(s.wrappers, wrappers...)
		if err != nil && !written[dir] {
			failed, err = append(failed, err), nil
		}
		errs, unread = append(errs, err), append(unread, s.leaveUnread(failed)...)
	}
	names := s.all()
	for _, k := range known {
		names[k.Name] = manager.Container{}
	}
	apps, others, failed, err := export.ReadApps(s.applications(), sortedKeys(names))
	s.findOrphans(append(others, s.divide(apps)...))
	for i := range s.wrappers {
		s.leaveToRoot(&s.wrappers[i].File)
	}
	for i := range s.apps {
		s.leaveToRoot(&s.apps[i].File)
		s.compareApp(&s.apps[i])
		leaveUnfit(&s.apps[i])
	}
	return append(unread, s.leaveUnread(failed)...), errors.Join(append(errs, err)...)
}

// findOrphans finds the files that bkt wrote for containers that do not exist.
func (s *snapshot) findOrphans(apps []export.App) {
	left := map[string][]string{}
	add := func(container, at string, e export.File) {
		if s.leaveToRoot(&e); e.ByBkt && !s.exists(container) {
			left[container] = append(left[container], at)
		}
	}
	for _, w := range s.wrappers {
		if path.Dir(w.At) != baked {
			add(w.Container, w.At, w.File)
		}
	}
	for _, a := range apps {
		add(a.Container, a.At, a.File)
	}
	for _, name := range sortedKeys(left) {
		remove := plan.Change{Op: plan.Modify, Targets: []string{name}}
		var short []string
		for _, at := range left[name] {
			remove.Steps = append(remove.Steps, plan.Delete{Path: at})
			short = append(short, s.shorten(at))
		}
		why := fmt.Errorf("exports of a container that does not exist: %s", manager.Few(short))
		s.orphans = append(s.orphans, reconcile.Orphan{Key: name, Why: why, Remove: remove})
	}
}

// compareApp compares an entry with the one in its container, if that can be read.
func (s *snapshot) compareApp(a *export.App) {
	c, ok := s.find(a.Container)
	if !ok || a.ByBkt || a.Unknown == "" && a.Label == "" {
		return
	}
	if root, err := s.rootOf(c); err == nil {
		a.Compare(export.ReadEntry(root, s.homeIn(c), a.ID))
	}
}

// leaveUnread notes files that cannot be read, which may be exports, and returns them.
func (s *snapshot) leaveUnread(errs []error) (unread []reconcile.Unread) {
	for _, err := range errs {
		what := "an export"
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			s.unread[e.Path], what = true, s.shorten(e.Path)
		}
		unread = append(unread, reconcile.Unread{What: what, Err: patherr.Reason(err)})
	}
	return unread
}

// leaveToRoot excludes an export of a container of root from changes: a user's container
// with the same name is another container.
func (d Domain) leaveToRoot(e *export.File) {
	if e.Root && d.UID != 0 {
		e.ByBkt, e.Unsupported = false, "belongs to a container of root"
	}
}

// leaveUnfit excludes an entry that was exported by hand and that a manifest would refuse: it
// costs itself only, not the capture of its container.
func leaveUnfit(a *export.App) {
	if !a.ByBkt && a.Unsupported == "" && manifest.Check(a.Declared(manifest.PlainApp(a.ID))) != nil {
		a.Unsupported = "was exported with a label or flags that releases of distrobox write in different ways"
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
	s.observeWrappers(item)
	s.observeApps(item)
	return notes
}

// observeWrappers adds the programs of a container that were exported by hand, and gives
// declared ones the options that they were exported with.
func (s *snapshot) observeWrappers(item *Container) {
	also := slices.Clone(item.Bins.Also)
	for _, w := range s.manualWrappers(*item) {
		i := slices.IndexFunc(also, func(p manifest.Program) bool { return s.placeOf(item.Container, p) == w.At })
		if i >= 0 {
			also[i].Flags, also[i].Sudo, also[i].EnterFlags = w.Flags, w.Sudo, w.EnterFlags
			also[i] = also[i].Short()
			continue
		}
		also = append(also, s.asProgram(item.Container, w))
	}
	if len(also) > len(item.Bins.Also) {
		slices.SortStableFunc(also, func(a, b manifest.Program) int { return cmp.Compare(a.Key(), b.Key()) })
	}
	item.Bins.Also = also
}

// asProgram returns a wrapper as a manifest declares it.
func (s *snapshot) asProgram(c manifest.Container, w export.Wrapper) manifest.Program {
	p := manifest.Program{Path: s.shorten(w.Program), Flags: w.Flags, Sudo: w.Sudo, EnterFlags: w.EnterFlags}
	if s.placeOf(c, p) != w.At {
		p.To = s.shorten(path.Dir(w.At))
	}
	return p.Short()
}

// observeApps adds the apps of a container that were exported by hand, and gives declared
// ones the options that they were exported with.
func (s *snapshot) observeApps(item *Container) {
	apps := slices.Clone(item.ExportedApps)
	for _, a := range s.apps {
		if a.Container != item.Name || a.ByBkt || a.Unsupported != "" {
			continue
		}
		i := slices.IndexFunc(apps, func(d manifest.ExportedApp) bool { return a.Is(d.Name) })
		switch {
		case i >= 0:
			apps[i] = a.Declared(apps[i])
		case a.Unknown == "":
			apps = append(apps, a.Declared(manifest.PlainApp(a.ID)))
		}
	}
	item.ExportedApps = apps
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

// homeIn returns the home of the user in a container.
func (d Domain) homeIn(c manager.Container) string {
	args, _ := creation.SplitArgs(c.Args)
	return cmp.Or(args["--home"], d.Home)
}

// rootFor returns the folder of the host that is the root of a container, for a folder
// in it. The error is the reason why the folder cannot be read.
func (d Domain) rootFor(dir string, c manager.Container) (string, error) {
	if paths.Within(dir, d.Home) && d.isHome(d.homeIn(c)) {
		return "", nil
	}
	return d.rootOf(c)
}

// rootOf returns the folder of the host that is the root of a running container. The
// error is the reason why it cannot be read.
func (d Domain) rootOf(c manager.Container) (string, error) {
	if !c.Running || c.PID == 0 {
		return "", errNotRunning
	}
	root := filepath.Join(d.Proc, fmt.Sprint(c.PID), "root")
	if _, err := os.ReadDir(root); err != nil { // also if the process has ended: then the root is unknown, too
		return "", unreadable(err)
	}
	return root, nil
}

// wanted returns the programs of a container by the paths of the wrappers that bkt
// writes, with their whole paths.
func (d Domain) wanted(c manifest.Container, found []manifest.Found) map[string]manifest.Program {
	all := map[string]manifest.Program{}
	add := func(at string, p manifest.Program) {
		p.Path = d.expand(p.Path)
		if path.Dir(at) != baked && !slices.Contains(export.Own, path.Base(at)) { // the list may come from another computer
			all[at] = p
		}
	}
	dir := d.to(c)
	for _, f := range found {
		if !slices.Contains(c.Bins.Exclude, f.Name) {
			add(path.Join(dir, f.Name), manifest.PlainProgram(f.Path))
		}
	}
	for _, p := range c.Bins.Also {
		add(d.placeOf(c, p), p)
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

// manualWrappers returns the manually exported wrappers of a container that a manifest can
// express, and that differ from the declared ones.
func (s *snapshot) manualWrappers(c Container) []export.Wrapper {
	wanted := s.wanted(c.Container, s.captured[c.Name])
	var all []export.Wrapper
	wrappers := s.wrappersOf(c.Name)
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		if !s.isManual(w) {
			continue
		}
		p, known := wanted[at]
		switch {
		case known && (p.Path != w.Program || w.Is(p)):
		case !known && s.isPlainIn(c.Container, w):
		default:
			all = append(all, w)
		}
	}
	return all
}

// isManual reports whether a wrapper was exported by hand, and a manifest can express it.
func (s *snapshot) isManual(w export.Wrapper) bool {
	name := path.Base(w.Program)
	return path.Dir(w.At) != baked && !w.ByBkt && w.Unsupported == "" && path.IsAbs(w.Program) && path.Base(w.At) == name && !slices.Contains(export.Own, name)
}

// isPlainIn reports whether a wrapper is like those of the folders of a container, although
// its program is excluded or does not exist.
func (s *snapshot) isPlainIn(c manifest.Container, w export.Wrapper) bool {
	return path.Dir(w.At) == s.to(c) && s.inFrom(c, w.Program) && w.Is(manifest.PlainProgram(w.Program))
}

// missingAndStaleExports returns the wrappers and apps that a declared container
// lacks, and those that bkt exported and that are no longer declared.
func (s *snapshot) missingAndStaleExports(c Container) (add, remove []string) {
	dir := s.to(c.Container)
	if s.path.writer == c.Name {
		add = append(add, s.path.at)
	}
	found, seen := s.programs[c.Name]
	if !seen {
		found = c.Bins.Found
	}
	wanted := s.wanted(c.Container, found)
	wrappers := s.wrappersOf(c.Name)
	for _, at := range sortedKeys(wanted) {
		w, there := wrappers[at]
		gone := there && w.ByBkt && s.isGone(c.Name, w.Program)
		if s.unread[at] {
			continue
		}
		if !there || gone || !w.Holds(wanted[at]) {
			add = append(add, at)
		}
		if gone {
			remove = append(remove, at)
		}
	}
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		_, stays := wanted[at]
		stays = stays || !seen && s.inFrom(c.Container, w.Program) && path.Dir(at) == dir || path.Dir(at) == baked
		if !stays && w.ByBkt {
			remove = append(remove, at)
		}
	}
	return s.missingAndStaleApps(c, add, remove)
}

// unexpressed is the reason of exports that a capture leaves out.
const unexpressed = "exports that a manifest cannot express"

// keptExports returns notes on declared exports of a container that the user has changed,
// and the exports by hand that manifests cannot express.
func (s *snapshot) keptExports(c Container) (notes []string, out []reconcile.LeftOut) {
	add := func(at, why string, declared bool) {
		what := s.shorten(at) + " " + why
		if declared {
			notes = append(notes, what+": the manifest cannot express that; bkt leaves it alone")
			return
		}
		out = append(out, reconcile.LeftOut{Reason: unexpressed, What: what})
	}
	wanted := s.wanted(c.Container, c.Bins.Found)
	wrappers := s.wrappersOf(c.Name)
	for _, at := range sortedKeys(wrappers) {
		_, declared := wanted[at]
		switch w := wrappers[at]; {
		case path.Dir(at) == baked:
		case w.Unsupported != "":
			add(at, w.Unsupported, declared)
		case !w.ByBkt && path.Base(at) != path.Base(w.Program):
			add(at, "has another name than its program, "+w.Program, false)
		}
	}
	for _, a := range s.apps {
		declared := slices.ContainsFunc(c.ExportedApps, func(d manifest.ExportedApp) bool { return a.Is(d.Name) })
		switch {
		case a.Container != c.Name:
		case a.Unsupported != "":
			add(a.At, a.Unsupported, declared)
		case a.Unknown != "" && !declared:
			add(a.At, "has arguments that may be its own: start the container, so that bkt can compare", false)
		}
	}
	return notes, out
}

// isGone reports whether a program does not exist in a container: its wrapper leads to
// nothing. Of a container that does not run, that is unknown.
func (s *snapshot) isGone(container, program string) bool {
	c, there := s.containers[container]
	if !there {
		return false
	}
	root, err := s.rootFor(path.Dir(program), c)
	if err != nil || !export.IsMissing(root, program) {
		return false
	}
	_, stopped := s.rootFor(path.Dir(program), c) // while the program was looked for
	return stopped == nil
}

// isGoneApp reports whether an app does not exist in a running container.
func (s *snapshot) isGoneApp(a export.App) bool {
	c, there := s.containers[a.Container]
	if !there || !a.ByBkt {
		return false
	}
	root, err := s.rootOf(c)
	if err != nil || !a.IsGone(root, s.homeIn(c)) {
		return false
	}
	_, stopped := s.rootOf(c) // while the app was looked for
	return stopped == nil
}

func (s *snapshot) missingAndStaleApps(c Container, add, remove []string) ([]string, []string) {
	for _, d := range c.ExportedApps {
		if !s.unread[s.entryOf(c.Name, d.Name)] && !slices.ContainsFunc(s.apps, func(a export.App) bool {
			return a.Container == c.Name && a.Is(d.Name) && (!a.ByBkt || a.Shows(d) && !s.isGoneApp(a))
		}) {
			add = append(add, appPrefix+d.Name)
		}
	}
	for _, a := range s.apps {
		if a.Container == c.Name && a.ByBkt && (s.isGoneApp(a) || !slices.ContainsFunc(c.ExportedApps, func(d manifest.ExportedApp) bool { return a.Is(d.Name) })) {
			remove = append(remove, a.At)
		}
	}
	return add, remove
}

// entryOf returns the path of the desktop entry on the host of a declared app.
func (d Domain) entryOf(container, app string) string {
	return filepath.Join(d.applications(), container+"-"+export.EntryID(app)+".desktop")
}

// appPrefix is the beginning of an app in the list of missing exports.
const appPrefix = "app "

// menuEntry returns the path of the entry that distrobox adds to the menu.
func (d Domain) menuEntry(container string) string {
	return filepath.Join(d.applications(), container+".desktop")
}
