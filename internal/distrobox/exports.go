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
	"syscall"
	"unicode"

	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/paths"
)

// baked is the folder whose wrappers are part of the host's image.
const baked = "/usr/bin"

// own are bkt's own programs, which the host has, in the version that it needs.
var own = []string{"bkt", "bkt-engine"}

// to returns the folder of the host that has a box's programs, and whether it is
// for bkt to fill.
func (d Domain) to(b manifest.Box) (dir string, ok bool) {
	dir = path.Clean(d.expand(b.Bins.Folder()))
	return dir, dir != baked
}

// exportsSomething reports whether a box has wrappers that bkt makes.
func (d Domain) exportsSomething(b manifest.Box) bool {
	_, ok := d.to(b)
	return ok && len(b.Bins.From)+len(b.Bins.Also) > 0
}

// readExports reads what the host has from boxes. Notes are on files that cannot be
// read: bkt does not know whose they are, and leaves them alone.
func (s *snapshot) readExports(known []Box) (notes []string, err error) {
	dirs := map[string]bool{s.Home + "/.local/bin": true, s.Home + "/.local/bin/distrobox": true}
	for _, b := range known {
		if dir, ok := s.to(b.Box); ok {
			dirs[dir] = true
		}
	}
	var errs []error
	for _, dir := range sortedKeys(dirs) {
		wrappers, unread, err := readWrappers(dir)
		s.wrappers, errs = append(s.wrappers, wrappers...), append(errs, err)
		notes = append(notes, s.unread(unread)...)
	}
	apps, unread, err := readApps(s.applications(), sortedKeys(s.all()))
	s.apps = apps
	for i := range s.wrappers {
		s.leaveToRoot(&s.wrappers[i].export)
	}
	for i := range s.apps {
		s.leaveToRoot(&s.apps[i].export)
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
func (d Domain) leaveToRoot(e *export) {
	if e.root && d.UID != 0 {
		e.byBkt, e.odd = false, "is of root's container"
	}
}

func (d Domain) applications() string { return filepath.Join(d.Data, "applications") }

// observeExports notes what folders of a box have in them, and what was exported
// by hand.
func (s *snapshot) observeExports(b *Box, c container) (notes []string) {
	if len(b.Bins.From) > 0 {
		found, missing, err := s.readFolders(b.Box, c)
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
	for _, w := range s.strays(*b) {
		b.Bins.Also = append(slices.Clone(b.Bins.Also), s.shorten(w.program))
	}
	for _, a := range s.strayApps(*b) {
		if !slices.Contains(b.ExportedApps, a.id) {
			b.ExportedApps = append(slices.Clone(b.ExportedApps), a.id)
		}
	}
	return notes
}

// asFound returns what was found with the comments that are known.
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

// readFolders returns the programs in the folders of a box, sorted by name, and
// the folders that are missing. Those in a home that the box shares with the host
// are there whether or not it runs; into the others one sees while it runs. An
// error is why it is not known what is in one of them.
func (d Domain) readFolders(b manifest.Box, c container) (found []manifest.Found, missing []string, err error) {
	names := map[string]bool{}
	for _, dir := range slices.Sorted(slices.Values(b.Bins.From)) {
		root, err := d.rootOf(d.expand(dir), c)
		if err != nil {
			return nil, nil, err
		}
		programs, err := programs(root, d.expand(dir))
		if _, gone := d.rootOf(d.expand(dir), c); gone != nil { // it was stopped meanwhile
			return nil, nil, gone
		}
		switch {
		case patherr.IsMissing(err):
			missing = append(missing, dir)
		case err != nil:
			return nil, nil, cannotRead(err)
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

// cannotRead returns an error about a file as one says it of a container.
func cannotRead(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("has %s, which cannot be read: %w", e.Path, e.Err)
	}
	return err
}

var errNotRunning = errors.New("is not running")

// rootOf returns the folder of the host that is the root of the box, as far as a
// folder is concerned. An error is why it cannot be seen.
func (d Domain) rootOf(dir string, c container) (string, error) {
	args, _ := splitArgs(c.args)
	home := args["--home"]
	if paths.Within(dir, d.Home) && (home == "" || d.isHome(home)) {
		return "", nil
	}
	if !c.running || c.pid == 0 {
		return "", errNotRunning
	}
	root := filepath.Join(d.Proc, fmt.Sprint(c.pid), "root")
	if _, err := os.ReadDir(root); err != nil { // also where the process is gone: then it is not known, either
		return "", cannotRead(err)
	}
	return root, nil
}

// programs returns the names of the programs in a folder below a root, without
// bkt's own. That there is no such folder is an error, and so is a file of which
// it is not known what it is. A link that leads nowhere, or where the user may not
// go, is no program: whoever runs it in the container is that user.
func programs(root, dir string) ([]string, error) {
	entries, err := os.ReadDir(root + dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		info, err := stat(root, path.Join(dir, e.Name()))
		isLink := e.Type() == fs.ModeSymlink
		switch {
		case patherr.IsMissing(err), isLink && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ELOOP)):
		case err != nil:
			return nil, err
		case info.Mode().IsRegular() && info.Mode()&0o111 != 0 && exportable(e.Name()):
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// exportable reports whether a program of this name is one to export. Names that
// distrobox-export does not quote make wrappers that are no scripts, or others.
func exportable(name string) bool {
	odd := strings.ContainsFunc(name, func(r rune) bool { return r == '\'' || unicode.IsControl(r) })
	return name[0] != '.' && !odd && !slices.Contains(own, name)
}

// maxLinks is how many links one may lead to another.
const maxLinks = 40

// stat follows links as they lead below a root.
func stat(root, file string) (fs.FileInfo, error) {
	for range maxLinks {
		info, err := os.Lstat(root + file)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return info, err
		}
		link, err := os.Readlink(root + file)
		if err != nil {
			return nil, err
		}
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(file), link)
		}
		file = path.Clean(link)
	}
	return nil, syscall.ELOOP
}

// wanted returns the programs in a box that the host is to have, by name.
func (d Domain) wanted(b manifest.Box, found []manifest.Found) map[string]string {
	all := map[string]string{}
	for _, f := range found {
		if !slices.Contains(b.Bins.Exclude, f.Name) && !slices.Contains(own, f.Name) { // found may be from elsewhere
			all[f.Name] = d.expand(f.Path)
		}
	}
	for _, program := range b.Bins.Also {
		if name := path.Base(program); !slices.Contains(own, name) {
			all[name] = d.expand(program)
		}
	}
	return all
}

// wrappersOf returns the wrappers of a box, by their paths.
func (s *snapshot) wrappersOf(box string) map[string]wrapper {
	all := map[string]wrapper{}
	for _, w := range s.wrappers {
		if w.box == box {
			all[w.at] = w
		}
	}
	return all
}

// inFrom reports whether a program is in one of the folders of a box.
func (d Domain) inFrom(b manifest.Box, program string) bool {
	return slices.ContainsFunc(b.Bins.From, func(dir string) bool { return path.Clean(d.expand(dir)) == path.Dir(program) })
}

// strays returns the wrappers of a box that someone has made by hand, where bkt
// would make them, and as bkt would make them.
func (s *snapshot) strays(b Box) []wrapper {
	dir, ok := s.to(b.Box)
	if !ok {
		return nil
	}
	wanted := s.wanted(b.Box, s.captured[b.Name])
	var all []wrapper
	wrappers := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		name := path.Base(w.program)
		_, known := wanted[name]
		if path.Dir(at) == dir && !w.byBkt && w.odd == "" && !known && !s.inFrom(b.Box, w.program) && path.IsAbs(w.program) && path.Base(at) == name && !slices.Contains(own, name) {
			all = append(all, w)
		}
	}
	return all
}

// strayApps returns the entries of a box that someone has exported by hand.
func (s *snapshot) strayApps(b Box) []app {
	var all []app
	for _, a := range s.apps {
		if a.box == b.Name && !a.byBkt && a.odd == "" && !slices.ContainsFunc(b.ExportedApps, a.is) {
			all = append(all, a)
		}
	}
	return all
}

// exportsToDo returns the wrappers and apps that a box that is declared lacks, and
// those of bkt that it has and should not.
func (s *snapshot) exportsToDo(b Box) (export, remove []string) {
	dir, ours := s.to(b.Box)
	if s.path.writer == b.Name {
		export = append(export, s.path.at)
	}
	found, seen := s.programs[b.Name], true
	if _, seen = s.programs[b.Name]; !seen {
		found = b.Bins.Found
	}
	wanted := map[string]string{}
	if ours {
		wanted = s.wanted(b.Box, found)
	}
	wrappers := s.wrappersOf(b.Name)
	for _, name := range sortedKeys(wanted) {
		at := path.Join(dir, name)
		if w, there := wrappers[at]; !there || !w.holds(wanted[name]) {
			export = append(export, at)
		}
	}
	for _, at := range sortedKeys(wrappers) {
		w := wrappers[at]
		_, stays := wanted[path.Base(at)]
		stays = (stays || !seen && s.inFrom(b.Box, w.program)) && path.Dir(at) == dir || path.Dir(at) == baked
		if !stays && w.byBkt {
			remove = append(remove, at)
		}
	}
	return s.appsToDo(b, export, remove)
}

// holds reports whether a wrapper is that of a program. What someone has made of it
// by hand is theirs, whatever it runs by now.
func (w wrapper) holds(program string) bool { return w.program == program || w.odd == changedByHand }

// keptExports tells of the exports of a box that are someone's own, and that no
// manifest can express.
func (s *snapshot) keptExports(b Box) (notes []string) {
	tell := func(e export, at string, declared bool) {
		kept := "it stays as it is"
		if !declared {
			kept += ", and is not captured"
		}
		notes = append(notes, fmt.Sprintf("%s %s: the manifest cannot express that; %s", at, e.odd, kept))
	}
	wanted := s.wanted(b.Box, b.Bins.Found)
	wrappers := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(wrappers) {
		if w := wrappers[at]; w.odd != "" && path.Dir(at) != baked {
			_, declared := wanted[path.Base(at)]
			tell(w.export, s.shorten(at), declared)
		}
	}
	for _, a := range s.apps {
		if a.box == b.Name && a.odd != "" {
			tell(a.export, s.shorten(a.at), slices.ContainsFunc(b.ExportedApps, a.is))
		}
	}
	return notes
}

func (s *snapshot) appsToDo(b Box, export, remove []string) ([]string, []string) {
	for _, name := range b.ExportedApps {
		if !slices.ContainsFunc(s.apps, func(a app) bool { return a.box == b.Name && a.is(name) }) {
			export = append(export, appPrefix+name)
		}
	}
	for _, a := range s.apps {
		if a.box == b.Name && a.byBkt && !slices.ContainsFunc(b.ExportedApps, a.is) {
			remove = append(remove, a.at)
		}
	}
	return export, remove
}

// appPrefix stands before the name of an app among what is to be exported.
const appPrefix = "app "
