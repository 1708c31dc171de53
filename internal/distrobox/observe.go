package distrobox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/crash"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// seen is what Resolve and Plan have to know of the system, beside what differs.
type seen struct {
	containers map[string]container // by name
	aside      map[string]container // that are being made anew, by the name that they had
	images     images
	wrappers   []wrapper
	apps       []app
	folders    map[string][]manifest.Found // what is in those of a box, by its name
	loses      map[string][]string         // what a box that is made anew loses
	path       pathFile
	learned    learned
	kept       []string // notes on exports that are not bkt's to change
}

// asideSuffix is what a box is called, after its name, while it is made anew.
const asideSuffix = ".bkt-old"

// Observe implements [reconcile.Domain]. Where nothing has changed since it last
// asked, and all is as is known, it asks nothing. Else it asks the manager for its
// containers and, where they cannot be read, its images, and for more only of boxes
// that bkt has not made, or that would be made anew.
func (d *Domain) Observe(ctx context.Context, sys reconcile.System, known []Box) (reconcile.Observation[Box], error) {
	if err := d.usable(); err != nil {
		return reconcile.Observation[Box]{}, err
	}
	memory, text := d.recall()
	stamp := d.stamp()
	images := d.readImages()
	if containers, ok := memory.containers(stamp); ok && images != nil && images.has(containers) {
		o, err := d.observe(ctx, silence{}, containers, images, known)
		if err == nil && d.settled(o, known) {
			o.Notes = append(o.Notes, d.seen.kept...)
			return o, nil
		}
	}
	containers, images, err := d.look(ctx, sys, images)
	if err != nil {
		return reconcile.Observation[Box]{}, err
	}
	for n, c := range containers {
		containers[n].mounts, containers[n].inspected = memory.mounts(c)
	}
	o, err := d.observe(ctx, sys, containers, images, known)
	if err == nil {
		d.remember(stamp, containers, text)
	}
	o.Notes = append(o.Notes, d.seen.kept...)
	return o, err
}

// silence is a system that answers nothing.
type silence struct{}

func (silence) Output(context.Context, plan.Run) ([]byte, error) {
	return nil, errors.New("nothing is asked")
}

// settled reports whether what was observed is all that is known, and nothing else.
func (d *Domain) settled(o reconcile.Observation[Box], known []Box) bool {
	byName := index(known)
	if len(o.Notes) > 0 || len(o.Items) != len(byName) {
		return false
	}
	for _, b := range o.Items {
		if k, ok := byName[b.Name]; !ok || !d.Same(b, d.resolve(k)) {
			return false
		}
	}
	return true
}

// observe returns what the boxes among containers are.
func (d *Domain) observe(ctx context.Context, sys reconcile.System, containers []container, images images, known []Box) (o reconcile.Observation[Box], err error) {
	learned, err := d.learned()
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	d.seen = seen{images: images, folders: map[string][]manifest.Found{}, loses: map[string][]string{}, learned: learned}
	byName := index(known)
	o.Notes = d.sort(containers, byName)
	if err := d.inspectForeign(ctx, sys); err != nil {
		return o, err
	}
	notes, err := d.readExports(known)
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	o.Notes = append(o.Notes, notes...)
	o.Notes = append(o.Notes, d.path(known)...)
	for _, name := range sortedKeys(d.all()) {
		if k, ok := byName[name]; ok && d.rootful(k) {
			continue
		}
		b, notes := d.observed(d.all()[name], name, byName)
		o.Items, o.Notes = append(o.Items, b), append(o.Notes, notes...)
		d.seen.kept = append(d.seen.kept, d.keptExports(b)...)
		d.tell(ctx, sys, b, byName)
	}
	for _, k := range known {
		if d.rootful(k) {
			o.Notes = append(o.Notes, k.Name+` belongs to root: whether it is there, bkt does not ask without root's rights`)
		}
	}
	storage := d.storage()
	o.Identity = func(Box) string { return storage }
	o.Hidden, o.Resolve = d.rootful, d.resolve
	return o, nil
}

func (d *Domain) usable() error {
	switch d.Manager {
	case "":
		return reconcile.Unavailablef("%w", hint.Add(fmt.Errorf("neither podman nor docker is installed"), "install podman"))
	case "podman", "docker":
	default:
		return reconcile.Unavailablef("bkt does not know the container manager %q", d.Manager)
	}
	if d.Missing {
		return reconcile.Unavailablef("%w", hint.Add(fmt.Errorf("distrobox is not installed"), "install distrobox"))
	}
	return nil
}

// rootful reports whether a box is one that bkt cannot look at.
func (d *Domain) rootful(b Box) bool { return b.Root && d.UID != 0 }

// look asks for containers and, unless those that were read have all of theirs, for
// images at once.
func (d *Domain) look(ctx context.Context, sys reconcile.System, read images) ([]container, images, error) {
	if d.Manager == "podman" && read != nil {
		containers, err := d.list(ctx, sys)
		if err != nil || read.has(containers) {
			return containers, read, err
		}
	}
	var images images
	var errImages error
	var wg crash.Group
	wg.Go(func() { images, errImages = d.askImages(ctx, sys) })
	containers, err := d.list(ctx, sys)
	wg.Wait()
	if err == nil {
		err = errImages
	}
	return containers, images, err
}

// sort tells boxes from those that were put aside, and from copies of a box, which
// have its label. One that is known by its name is a box, whatever the label says.
func (d *Domain) sort(containers []container, known map[string]Box) (notes []string) {
	d.seen.containers, d.seen.aside = map[string]container{}, map[string]container{}
	for _, c := range containers {
		made, ok := entryOf(c.labels[entryLabel])
		if !ok && c.labels[entryLabel] != "" {
			notes = append(notes, fmt.Sprintf("%s: its label %s, which says how bkt has made it, cannot be read: it is compared like one that bkt has not made", c.name, entryLabel))
		}
		before, aside := strings.CutSuffix(c.name, asideSuffix)
		aside = aside && (!ok || made.Name == before)
		_, isKnown := known[c.name]
		switch {
		case aside:
			d.seen.aside[before] = c
		case ok && made.Name != c.name && !isKnown:
			notes = append(notes, fmt.Sprintf("%s is the box %s, put aside or copied: it is left alone", c.name, made.Name))
		default:
			d.seen.containers[c.name] = c
		}
	}
	return notes
}

// all returns the boxes, by name. One that was being made anew is the old one, as
// long as there is no new one.
func (d *Domain) all() map[string]container {
	all := map[string]container{}
	for name, c := range d.seen.aside {
		all[name] = c
	}
	for name, c := range d.seen.containers {
		all[name] = c
	}
	return all
}

// inspectForeign asks for more about boxes that bkt has not made, all at once,
// unless it has asked before.
func (d *Domain) inspectForeign(ctx context.Context, sys reconcile.System) error {
	var ids []string
	for _, c := range d.seen.containers {
		if _, ok := entry(c, c.name); !ok && !c.inspected {
			ids = append(ids, c.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	all, err := d.inspect(ctx, sys, ids)
	if err != nil {
		return reconcile.Unavailablef("%w", err)
	}
	for _, c := range all {
		if old, ok := d.seen.containers[c.name]; ok {
			old.mounts, old.inspected = c.mounts, true
			d.seen.containers[c.name] = old
		}
	}
	return nil
}

func index(known []Box) map[string]Box {
	all := map[string]Box{}
	for _, b := range known {
		if _, ok := all[b.Name]; !ok {
			all[b.Name] = b
		}
	}
	return all
}

// observed returns a box in the words of what is known of it.
func (d *Domain) observed(c container, name string, known map[string]Box) (Box, []string) {
	k, isKnown := known[name]
	made, ok := entry(c, name)
	if !ok {
		made = Box{Name: name, Box: d.recovered(c, k.Box)}
	}
	if isKnown && c.imageID != "" && d.seen.images.id(k.Image) == c.imageID {
		made.Image = k.Image // the same, by whatever name, such as its digest
	}
	made.Packages = d.withLearned(c, made.Packages)
	b := Box{Name: name, Box: made.Box}
	if isKnown {
		b.Box = asMade(k.Box, made.Box)
	}
	b.ImageID, b.ToDo = c.imageID, ToDo{}
	notes := d.observeExports(&b, c)
	return b, append(notes, d.odd(c, name)...)
}

// asMade returns a box that is known as it was made.
func asMade(known, made manifest.Box) manifest.Box {
	if sameMade(known, made) {
		return known
	}
	b := known
	b.Image, b.Packages, b.InitHooks, b.PreInitHooks = made.Image, made.Packages, made.InitHooks, made.PreInitHooks
	b.Volume, b.Init, b.Root, b.Path, b.Env, b.AdditionalFlags = made.Volume, made.Init, made.Root, made.Path, made.Env, made.AdditionalFlags
	return b
}

// odd tells what a manifest cannot say of a box.
func (d *Domain) odd(c container, name string) []string {
	args, _ := splitArgs(c.args)
	if home := args["--home"]; home != "" && !d.isHome(home) {
		return []string{fmt.Sprintf("%s has a home of its own, %s, which the manifest cannot say", name, home)}
	}
	return nil
}

// isHome reports whether a folder is the user's home, by whatever path.
func (d *Domain) isHome(dir string) bool { return sameFolder(dir, d.Home) }

// sameFolder reports whether two paths lead to one folder of the host.
func sameFolder(a, b string) bool {
	return a == b || reconcile.Birth(a) == reconcile.Birth(b) && reconcile.Birth(a) != "none"
}

// resolve says what a box that is declared means here: which image that is, and
// what of its exports is missing.
func (d *Domain) resolve(b Box) Box {
	c, there := d.seen.containers[b.Name]
	b.ImageID = d.seen.images.id(b.Image)
	_, b.ToDo.Finish = d.seen.aside[b.Name]
	if there {
		b.ToDo.Export, b.ToDo.Remove = d.exportsToDo(b, c)
	}
	return b
}

// storage tells the storage of containers from an earlier one in its place.
func (d *Domain) storage() string {
	var all []string
	for _, dir := range d.Storage {
		all = append(all, reconcile.Birth(dir))
	}
	return strings.Join(all, " ")
}
