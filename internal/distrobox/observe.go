package distrobox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/crash"
	"bkt/internal/distrobox/creation"
	"bkt/internal/distrobox/export"
	"bkt/internal/distrobox/manager"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// A snapshot has the facts about the system that Resolve and Plan need.
type snapshot struct {
	Domain
	containers map[string]manager.Container // by name
	backups    map[string]manager.Container // old containers that are being recreated, by their former name
	copies     map[string]bool              // names of containers that bkt leaves alone
	images     manager.Images               // of the manager
	wrappers   []export.Wrapper             // in the folders of the host
	apps       []export.App                 // in the menu of the host
	left       []export.App                 // there, made by hand from containers that are gone
	programs   map[string][]manifest.Found  // in the folders of a container, by its name; missing: unknown
	captured   map[string][]manifest.Found  // the part of them to capture
	losses     map[string][]string          // the data that a container loses if it is recreated, by its name
	path       pathFile
	unread     map[string]bool    // paths of the host that may be exports, and cannot be read
	orphans    []reconcile.Orphan // exports of containers that do not exist
	manual     manualPackages
	kept       []string // notes on exports that bkt must not change
	facts      facts
}

// facts are about files and folders of the host.
type facts struct {
	missing map[string]bool   // folders that do not exist
	folders map[string]string // identities of folders, by path
	menu    map[string]bool   // containers with an entry in the menu that distrobox has made
}

// backupSuffix is the end of the name of an old container while its successor is
// created.
const backupSuffix = ".bkt-old"

// Observe implements [reconcile.Domain]. If nothing has changed since the last answer, and
// all containers are up to date, it does not ask the manager. Otherwise it asks for the
// containers and, if they cannot be read from files, the images. It asks for details only
// about containers that bkt did not create, or would recreate.
func (d Domain) Observe(ctx context.Context, sys reconcile.System, declared []Container) (reconcile.Snapshot[Container], error) {
	s, o, err := d.observe(ctx, sys, declared)
	if err != nil {
		return reconcile.Snapshot[Container]{}, err
	}
	o.Notes = append(o.Notes, s.kept...)
	return o, nil
}

func (d Domain) observe(ctx context.Context, sys reconcile.System, declared []Container) (*snapshot, reconcile.Snapshot[Container], error) {
	none := reconcile.Snapshot[Container]{}
	if err := d.usable(); err != nil {
		return nil, none, err
	}
	text, _ := d.Recall(d.cacheFile()) // an unreadable cache is an empty one
	cache := manager.ParseCache(text)
	stamp := d.manager().Stamp()
	images := d.manager().ReadImages()
	if containers, ok := cache.At(stamp); ok && images != nil && images.Has(containers) {
		for n := range containers {
			containers[n].FindProcess(d.Runtime, d.Proc)
		}
		s, o, err := d.snapshot(ctx, noQueries{}, containers, images, declared)
		if err == nil && s.inSync(o, declared) {
			return s, o, nil
		}
	}
	containers, images, err := d.ask(ctx, sys, images)
	if err != nil {
		return nil, none, err
	}
	for n := range containers {
		cache.AddDetails(&containers[n])
	}
	s, o, err := d.snapshot(ctx, sys, containers, images, declared)
	if err == nil {
		s.remember(stamp, containers, text)
	}
	return s, o, err
}

// noQueries is a system that answers nothing.
type noQueries struct{}

func (noQueries) Output(context.Context, plan.Run) ([]byte, error) {
	return nil, errors.New("the manager is not asked")
}

// inSync reports whether the observed containers are the declared ones.
func (s *snapshot) inSync(o reconcile.Snapshot[Container], declared []Container) bool {
	byName := index(declared)
	if len(o.Notes)+len(o.Unread)+len(o.Orphans) > 0 || len(o.Items) != len(byName) {
		return false
	}
	for _, c := range o.Items {
		if k, ok := byName[c.Name]; !ok || !s.Same(c, s.resolve(k)) {
			return false
		}
	}
	return true
}

// snapshot returns the facts about containers, and the items among them.
func (d Domain) snapshot(ctx context.Context, sys reconcile.System, containers []manager.Container, images manager.Images, declared []Container) (*snapshot, reconcile.Snapshot[Container], error) {
	var o reconcile.Snapshot[Container]
	manual, err := d.readManual()
	if err != nil {
		return nil, o, reconcile.Unavailablef("%w", err)
	}
	s := &snapshot{
		Domain: d, images: images, manual: manual,
		programs: map[string][]manifest.Found{}, captured: map[string][]manifest.Found{}, losses: map[string][]string{}, unread: map[string]bool{},
	}
	byName := index(declared)
	o.Notes = s.classify(containers, byName)
	if err := s.inspectForeign(ctx, sys); err != nil {
		return nil, o, err
	}
	if o.Unread, err = s.readExports(declared); err != nil {
		return nil, o, reconcile.Unavailablef("%w", err)
	}
	o.Notes = append(o.Notes, s.readPath(declared)...)
	all := s.all()
	for _, name := range sortedKeys(all) {
		if k, ok := byName[name]; ok && s.rootful(k) {
			continue
		}
		c, notes, unfit := s.observed(all[name], name, byName)
		o.Items, o.Notes = append(o.Items, c), append(o.Notes, notes...)
		for _, option := range unfit {
			o.LeftOut = append(o.LeftOut, reconcile.LeftOut{Reason: "options of containers that a manifest cannot express", What: name + ": " + option})
		}
		kept, out := s.keptExports(c)
		s.kept, o.LeftOut = append(s.kept, kept...), append(o.LeftOut, out...)
		s.recordLosses(ctx, sys, c, byName)
	}
	for _, k := range declared {
		if s.rootful(k) {
			o.Notes = append(o.Notes, k.Name+` belongs to root: without root's rights, bkt does not check whether it exists`)
		}
	}
	s.facts = d.readFacts(o.Items, declared)
	storage := d.storage()
	o.Identity = func(Container) string { return storage }
	o.Hidden, o.Resolve, o.Plan, o.Orphans = d.rootful, s.resolve, s.plan, s.orphans
	return s, o, nil
}

// readFacts reads facts about the folders that containers share with the host and export
// programs from, and about their entries in the menu.
func (d Domain) readFacts(lists ...[]Container) facts {
	f := facts{map[string]bool{}, map[string]string{}, map[string]bool{}}
	for _, c := range slices.Concat(lists...) {
		for _, v := range c.Volume {
			dir, _, _ := strings.Cut(d.expand(v), ":")
			_, err := os.Stat(dir)
			f.missing[dir] = errors.Is(err, fs.ErrNotExist)
		}
		for _, dir := range slices.Concat(d.programFolders(c.Container), d.folders(c.Container)) {
			f.folders[dir] = reconcile.FolderIdentity(dir)
		}
		f.menu[c.Name] = export.IsMenuEntry(d.menuEntry(c.Name), c.Name, d.UID == 0)
	}
	return f
}

// same reports whether two paths lead to the same folder.
func (f facts) same(a, b string) bool {
	return a == b || f.folders[a] == f.folders[b] && f.folders[a] != "none"
}

func (d Domain) usable() error {
	switch d.Manager {
	case "":
		return reconcile.Absentf(false, "%w", hint.Add(fmt.Errorf("neither podman nor docker is installed"), "install podman, or delete what %s declares", manifest.DistroboxPath))
	case "podman", "docker":
		if d.NoManager {
			return reconcile.Absentf(false, "%s is not installed", d.Manager)
		}
	default:
		return reconcile.Absentf(!d.NoManager, "bkt does not know the container manager %q", d.Manager)
	}
	if d.Missing {
		return reconcile.Absentf(false, "%w", hint.Add(fmt.Errorf("distrobox is not installed"), "install distrobox, or delete what %s declares", manifest.DistroboxPath))
	}
	return nil
}

// rootful reports whether a container belongs to root, so that bkt cannot read it.
func (d Domain) rootful(c Container) bool { return c.Root && d.UID != 0 }

// ask asks for the containers and, unless read includes all their images, for the images
// at the same time.
func (d Domain) ask(ctx context.Context, sys reconcile.System, read manager.Images) ([]manager.Container, manager.Images, error) {
	if d.Manager == "podman" && read != nil {
		containers, err := d.manager().List(ctx, sys)
		if err != nil || read.Has(containers) {
			return containers, read, err
		}
	}
	var images manager.Images
	var errImages error
	var wg crash.Group
	wg.Go(func() { images, errImages = d.manager().AskImages(ctx, sys) })
	containers, err := d.manager().List(ctx, sys)
	wg.Wait()
	if err == nil {
		err = errImages
	}
	return containers, images, err
}

// classify separates containers from backups, and from copies of a container, which have
// its label. A container with a declared name is never a copy, even if its label has
// another name.
func (s *snapshot) classify(containers []manager.Container, known map[string]Container) (notes []string) {
	s.containers, s.backups, s.copies = map[string]manager.Container{}, map[string]manager.Container{}, map[string]bool{}
	for _, c := range containers {
		made, _, ok := creation.ParseLabel(c.Labels[creation.LabelName])
		if !ok && c.Labels[creation.LabelName] != "" {
			notes = append(notes, fmt.Sprintf("%s: its label %s, the entry that bkt created it from, cannot be read: bkt compares it like a container of another program", c.Name, creation.LabelName))
		}
		before, aside := strings.CutSuffix(c.Name, backupSuffix)
		aside = aside && (!ok || made == before)
		_, isKnown := known[c.Name]
		switch {
		case aside:
			s.backups[before] = c
		case ok && made != c.Name && !isKnown:
			s.copies[c.Name] = true
			notes = append(notes, fmt.Sprintf("%s is a backup or a copy of the container %s: bkt leaves it alone", c.Name, made))
		default:
			s.containers[c.Name] = c
		}
	}
	return notes
}

// all returns the containers by name, see [snapshot.find].
func (s *snapshot) all() map[string]manager.Container {
	all := map[string]manager.Container{}
	for name, c := range s.backups {
		all[name] = c
	}
	for name, c := range s.containers {
		all[name] = c
	}
	return all
}

// find returns a container. While it is recreated, it is the old one until the new one
// exists.
func (s *snapshot) find(name string) (manager.Container, bool) {
	if c, there := s.containers[name]; there {
		return c, true
	}
	c, aside := s.backups[name]
	return c, aside
}

// exists reports whether the manager has a container, also one that bkt leaves alone.
func (s *snapshot) exists(name string) bool {
	_, there := s.find(name)
	return there || s.copies[name]
}

// inspectForeign asks for unknown details of the containers that bkt did not create, all
// at once.
func (s *snapshot) inspectForeign(ctx context.Context, sys reconcile.System) error {
	var ids []string
	for _, c := range s.containers {
		if _, ok := entry(c, c.Name); !ok && !c.Inspected {
			ids = append(ids, c.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	all, err := s.manager().Inspect(ctx, sys, ids)
	if err != nil {
		return reconcile.Unavailablef("%w", err)
	}
	for _, c := range all {
		if old, ok := s.containers[c.Name]; ok {
			old.Mounts, old.CreateCommand, old.Inspected = c.Mounts, c.CreateCommand, true
			s.containers[c.Name] = old
		}
	}
	return nil
}

func index(known []Container) map[string]Container {
	all := map[string]Container{}
	for _, c := range known {
		if _, ok := all[c.Name]; !ok {
			all[c.Name] = c
		}
	}
	return all
}

// observed returns an observed container in the words of its declaration, notes, and the
// options that a manifest cannot express.
func (s *snapshot) observed(c manager.Container, name string, known map[string]Container) (item Container, notes, unfit []string) {
	k, isKnown := known[name]
	made, ok := entry(c, name)
	if !ok {
		made.Name = name
		made.Container, unfit = s.creator().FromContainer(c, k.Container, k.EnvInImage)
	}
	if isKnown && c.ImageID != "" && s.images.ID(k.Image) == c.ImageID {
		made.Image = k.Image // the same image by another name, such as its digest
	}
	made.Packages = s.withLearned(c, made.Packages)
	item = Container{Name: name, Container: made.Container}
	if isKnown {
		item.Container = applyDeclared(k.Container, made.Container)
	}
	item.ImageID, item.ToDo = c.ImageID, ToDo{}
	return item, s.observeExports(&item, c), unfit
}

// applyDeclared returns a declared container as it was created.
func applyDeclared(known, made manifest.Container) manifest.Container {
	if sameCreation(known, made) {
		return known
	}
	c := known
	c.Image, c.Packages, c.InitHooks, c.PreInitHooks = made.Image, made.Packages, made.InitHooks, made.PreInitHooks
	c.Volume, c.Home, c.Init, c.Nvidia, c.Unshare, c.Root = made.Volume, made.Home, made.Init, made.Nvidia, made.Unshare, made.Root
	c.Path, c.Env, c.AdditionalFlags = made.Path, made.Env, made.AdditionalFlags
	return c
}

// isHome reports whether a folder is the user's home, by any path.
func (d Domain) isHome(dir string) bool { return sameFolder(dir, d.Home) }

// sameFolder reports whether two paths lead to the same folder of the host.
func sameFolder(a, b string) bool {
	return a == b || reconcile.FolderIdentity(a) == reconcile.FolderIdentity(b) && reconcile.FolderIdentity(a) != "none"
}

// resolve returns a declared container with the facts of this system: the id of its image,
// and its missing exports.
func (s *snapshot) resolve(c Container) Container {
	_, there := s.containers[c.Name]
	c.ImageID = s.images.ID(c.Image)
	_, c.ToDo.Finish = s.backups[c.Name]
	if there {
		c.ToDo.Export, c.ToDo.Remove = s.missingAndStaleExports(c)
	}
	return c
}

// storage identifies the storage of containers. A new storage in the same place has
// another identity.
func (d Domain) storage() string {
	var all []string
	for _, dir := range d.Storage {
		all = append(all, reconcile.FolderIdentity(dir))
	}
	return strings.Join(all, " ")
}

func (d Domain) cacheFile() string { return filepath.Join(d.Cache, "containers.json") }

// remember writes the answers to the cache for the next Observe.
func (s *snapshot) remember(stamp string, containers []manager.Container, before []byte) {
	containers = slices.Clone(containers)
	for n, c := range containers {
		if now, ok := s.containers[c.Name]; ok {
			containers[n] = now
		}
	}
	text, err := json.Marshal(manager.NewCache(stamp, containers))
	if err == nil && !bytes.Equal(text, before) {
		s.Remember(plan.Overwrite{Path: s.cacheFile(), Text: text, Private: s.Cache, Cache: true})
	}
}
