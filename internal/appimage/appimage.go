// Package appimage keeps AppImages up to date with their manifest.
//
// It reads the files in the folders of AppImages, and does not run them: the program at
// the start of a file has its update information, and the image after it the desktop
// entry. For each app that bkt installs, it writes a record with the release next to its
// other state; the record is valid until the file changes. A file is the app in its
// record, or else the app with the name of the file. bkt captures the sources that Gear
// Lever knows, and keeps them up to date.
//
// Observing asks no server: if no version is declared, any version is up to date.
package appimage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/appimage/squashfs"
	"bkt/internal/hint"
	"bkt/internal/homepath"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Domain is the domain of AppImages.
type Domain struct {
	Folders   []string // of AppImages
	Home      string   // of the user
	Data      string   // of the user: $XDG_DATA_HOME
	Cache     string   // a folder for downloads, and for facts about files
	Records   string   // a folder for the records of installed apps
	GearLever string   // Gear Lever's gearlever.conf
	GitHub    GitHub
	Arch      string // of this computer, in Go's words
	NoEntries bool   // the user wants no desktop entries of AppImages

	// Remember keeps facts about files for later commands. Recall returns them, even
	// before they are written to their file.
	Remember func(plan.Overwrite)
	Recall   func(path string) ([]byte, error)
}

// A snapshot has the facts about the system that Plan needs.
type snapshot struct {
	Domain
	folder    string                 // of new apps
	files     map[string]*file       // by the name of the app
	others    map[string]bool        // paths of other files in the folders
	entries   map[string]desktopFile // by the name of the app
	lost      map[string]record      // of apps without the desktop entry that bkt wrote, by name
	gearLever bool                   // Gear Lever is used
	home      homepath.Names
}

// Observe implements [reconcile.Domain]. It starts no process. A file that cannot be read
// does not hide the others.
func (d Domain) Observe(_ context.Context, _ reconcile.System, declared []app) (reconcile.Snapshot[app], error) {
	var o reconcile.Snapshot[app]
	memory, text := recall(d.Recall(d.memory()))
	records, err := d.records()
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	files, others, unread, err := d.scan(memory, records)
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	lever, errLever := readGearLever(d.GearLever)
	if errLever != nil {
		o.Unread = append(o.Unread, reconcile.Unread{What: "the list of AppImages of Gear Lever", Err: errLever})
	}
	names, left := named(files, declared, records)
	s := snapshot{d, d.newFolder(lever.used), names, others, map[string]desktopFile{}, map[string]record{}, lever.used, homepath.Of(d.Home)}
	hidden := unread.names(declared, records)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		item, err := s.observed(name, names[name], declared, records, lever)
		switch {
		case err != nil:
			unread[names[name].path], hidden[name] = err, true
		case errLever == nil || isDeclared(declared, name): // otherwise, its source may be in that list
			o.Items = append(o.Items, item)
		}
	}
	o.Unread = append(o.Unread, unread.parts()...)
	o.Hidden = func(a app) bool { return hidden[a.Name] }
	if now := remember(files, memory, unread); len(files)+len(memory) > 0 && string(now) != string(text) {
		d.Remember(plan.Overwrite{Path: d.memory(), Text: now, Private: d.Cache, Cache: true})
	}
	o.Notes = append(o.Notes, notes(o.Items, names, left)...)
	o.LeftOut = s.otherCommands()
	o.Plan, o.Identity, o.Broken = s.plan, d.identity(), s.broken
	return o, nil
}

func (d Domain) memory() string { return filepath.Join(d.Cache, "files.json") }

// observed returns an app with its state on the system.
func (s snapshot) observed(name string, f *file, declared []app, records map[string]record, g gearLever) (app, error) {
	entry, err := s.readEntry(name, f.path)
	if err != nil {
		return app{}, err
	}
	s.entries[name] = entry
	item, err := s.installed(name, f, declared, records, g)
	if r := records[f.path]; r.Entry && !entry.there && !s.NoEntries && err == nil {
		var holds bool
		if holds, err = r.fits(f); holds {
			s.lost[name] = r
		}
	}
	if added, known, _ := entry.launch(f); known && !added.mapped(s.home.Usual).equal(s.launchOf(item)) {
		item.Env, item.Args = s.encoded(added)
	}
	return item, err
}

// installed returns an app with the state of its file.
func (s snapshot) installed(name string, f *file, known []app, records map[string]record, g gearLever) (app, error) {
	n := slices.IndexFunc(known, func(a app) bool { return a.Name == name })
	if n < 0 {
		return s.unknown(name, f, g)
	}
	a, r := known[n], records[f.path]
	holds, err := r.fits(f)
	if err != nil {
		return a, err
	}
	there := manifest.InstalledAppImage{There: true, Source: r.Path != "", Versions: versions(f, r, holds)}
	if holds {
		there.File = r.From
	}
	if there.Source && !r.isFrom(a, there.File) {
		a.Repo, a.Asset, a.URL = r.Repo, r.Asset, r.URL
	}
	if a.Version != "" {
		a.Version = version(a.Version, there.Versions)
	}
	if a.SHA256 != "" {
		a.SHA256, err = f.sum()
	}
	there.SHA256 = f.SHA256
	a.Installed = there
	return a, err
}

func isDeclared(declared []app, name string) bool {
	return slices.ContainsFunc(declared, func(a app) bool { return a.Name == name })
}

// versions returns the names of the version of a file: from its valid record, or else from
// the file.
func versions(f *file, r record, holds bool) []string {
	if holds && r.Version != "" {
		return []string{r.Version}
	}
	all := []string{f.Version}
	if a, ok := updates(f.Update); ok {
		all = append(all, a.Version)
	}
	return slices.DeleteFunc(all, func(v string) bool { return v == "" })
}

// version returns the declared version if the file may have it, or else the version of the
// file.
func version(declared string, there []string) string {
	if mayBe(declared, there) {
		return declared
	}
	return there[0]
}

// mayBe reports whether a file may have a version. A file without one may have any.
func mayBe(version string, there []string) bool {
	return len(there) == 0 || slices.ContainsFunc(there, func(v string) bool { return sameVersion(v, version) })
}

// sameVersion reports whether two versions are the same: a tag may have a letter
// before the number.
func sameVersion(a, b string) bool { return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v") }

// unknown returns an app that is not declared, with its source from Gear Lever or from the
// file if they have one.
func (d Domain) unknown(name string, f *file, g gearLever) (app, error) {
	there := manifest.InstalledAppImage{There: true, Versions: versions(f, record{}, false)}
	sources := make([]app, 2)
	sources[0], _ = g.source(f.path)
	sources[1], _ = updates(f.Update)
	for _, a := range sources {
		a.Name = name
		if a.URL != "" && !isZsync(a.URL) {
			sum, err := f.sum()
			if err != nil {
				return a, err
			}
			a.SHA256 = sum
		}
		if sourced(a) && manifest.Check(a) == nil {
			a.Installed = there
			a.Installed.Source = true
			return a, nil
		}
	}
	return app{Name: name, Installed: there}, nil
}

// notes returns notes on apps that manifests cannot express.
func notes(items []app, files map[string]*file, left []*file) []string {
	var lost, all []string
	for _, a := range items {
		if !sourced(a) {
			lost = append(lost, a.Name)
		}
	}
	if len(lost) > 0 {
		all = append(all, fmt.Sprintf("%s: unresolvable: bkt does not know where %s from, and cannot install %s on another computer: %s",
			strings.Join(lost, ", "), comes(lost), them(lost), hintSource))
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if closed := files[name].Closed; closed != "" {
			all = append(all, fmt.Sprintf("%s: not readable: %s", name, closed))
		}
	}
	for _, f := range left {
		all = append(all, fmt.Sprintf("bkt leaves %s alone: another file has its name", f.path))
	}
	return all
}

func comes(names []string) string {
	if len(names) == 1 {
		return "it comes"
	}
	return "they come"
}

func them(names []string) string {
	if len(names) == 1 {
		return "it"
	}
	return "them"
}

// identity identifies the folders, so that new folders in the same place have another
// identity.
func (d Domain) identity() func(app) string {
	var identities []string
	for _, dir := range d.Folders {
		identities = append(identities, reconcile.FolderIdentity(dir))
	}
	all := strings.Join(identities, " ")
	return func(app) string { return all }
}

// Same implements [reconcile.Domain]. A declared app equals an observed one if all facts
// that both have are equal.
func (Domain) Same(a, b app) bool {
	return declaredLaunch(a).equal(declaredLaunch(b)) && sameFile(a, b)
}

// Merge implements [reconcile.Merger]: one side may have changed how an app is started,
// and the other its file.
func (Domain) Merge(base, ours, theirs app) (app, bool) {
	merged, ok := ours, true
	switch {
	case sameFile(theirs, base), sameFile(ours, theirs):
	case sameFile(ours, base):
		merged = theirs
		merged.Hosts, merged.Comment = ours.Hosts, ours.Comment
	default:
		ok = false
	}
	started, was := declaredLaunch(ours), declaredLaunch(base)
	switch {
	case declaredLaunch(theirs).equal(was), started.equal(declaredLaunch(theirs)):
	case started.equal(was):
		started = declaredLaunch(theirs)
	default:
		ok = false
	}
	merged.Env, merged.Args = started.env, started.args
	return merged, ok
}

// sameFile reports whether two apps have the same file.
func sameFile(a, b app) bool {
	return fits(a, b) || fits(b, a) ||
		sameSource(a, b) && a.Asset == b.Asset && a.Prereleases == b.Prereleases && sameVersion(a.Version, b.Version) && a.SHA256 == b.SHA256
}

// fits reports whether an observed app may be the declared one.
func fits(system, declared app) bool {
	i := system.Installed
	return i.There &&
		(!i.Source || sameSource(system, declared) && fitsAsset(declared, i.File)) &&
		(declared.Version == "" || mayBe(declared.Version, i.Versions)) &&
		(declared.SHA256 == "" || i.SHA256 == "" || declared.SHA256 == i.SHA256)
}

func sameSource(a, b app) bool { return a.Repo == b.Repo && a.URL == b.URL }

// fitsAsset reports whether a file of a release may be the declared one.
func fitsAsset(a app, file string) bool {
	matches, err := path.Match(a.Asset, file)
	return a.Repo == "" || a.Asset == "" || file == "" || err == nil && matches
}

// plan implements Plan of [reconcile.Snapshot].
func (s snapshot) plan(diffs []reconcile.Diff[app]) []plan.Change {
	var changes []plan.Change
	for _, diff := range diffs {
		var change plan.Change
		switch have, want := diff.Have, diff.Want; {
		case want == nil:
			change = plan.Change{Op: plan.Remove, Targets: []string{have.Name}, Steps: s.remove(have.Name)}
		case have == nil:
			change = plan.Change{Op: plan.Add, Targets: []string{want.Name}, Steps: s.install(*want)}
		case sameFile(*have, *want):
			change = plan.Change{Op: plan.Modify, Targets: []string{want.Name}, Steps: s.relaunch(*want)}
		default:
			change = plan.Change{Op: plan.Modify, Targets: []string{want.Name}, Steps: s.install(*want)}
		}
		changes = append(changes, change)
	}
	return changes
}

// relaunch returns the steps that give the desktop entry of an app the declared command.
func (s snapshot) relaunch(want app) []plan.Step {
	if r, ok := s.lost[want.Name]; ok {
		return s.integrateAgain(want, r)
	}
	path, entry := s.entryOf(want.Name), s.entries[want.Name]
	if !entry.byBkt {
		return []plan.Step{plan.Fail{Reason: hint.Add(fmt.Errorf("%s belongs to the user, not to bkt", path),
			`run "bkt capture" to keep its command, or remove the file and install the app again`)}}
	}
	file := s.files[want.Name]
	text := entry.keepCommand(withLaunch(entry.entry, file.Exec, file.path, s.launchOf(want)), file).String()
	return []plan.Step{plan.Overwrite{Path: path, Text: []byte(text)}}
}

// integrateAgain returns the steps that write the desktop entry of an installed app again.
// It is in the image, so they install the file in its own place.
func (s snapshot) integrateAgain(want app, r record) []plan.Step {
	from := url.URL{Scheme: "file", Path: r.Path}
	return []plan.Step{plan.Install{
		Name:   want.Name,
		Source: plan.Source{URL: from.String(), SHA256: r.SHA256, Version: r.Version},
		Path:   r.Path,
		Cache:  s.partOf(want.Name),
		Limit:  maxFile,
		Finish: finish{s, want, r.Path, &r},
	}}
}

// broken implements Broken of [reconcile.Snapshot].
func (s snapshot) broken(a app) error {
	if gone := s.entries[a.Name].broken; gone != "" {
		return fmt.Errorf("its desktop entry starts %s, which does not exist", gone)
	}
	if _, ok := s.lost[a.Name]; ok {
		return fmt.Errorf("its desktop entry, %s, does not exist", s.entryOf(a.Name))
	}
	return nil
}

// otherCommands names the desktop entries with commands that a manifest cannot express.
func (s snapshot) otherCommands() []reconcile.LeftOut {
	var all []reconcile.LeftOut
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		if _, _, err := s.entries[name].launch(s.files[name]); err != nil {
			all = append(all, reconcile.LeftOut{Reason: "commands of desktop entries", What: fmt.Sprintf("%s: %v", s.entryOf(name), err)})
		}
	}
	return all
}

// maxFile is the maximum size of an AppImage, in bytes.
const maxFile = 4 << 30

func (s snapshot) install(want app) []plan.Step {
	source, err := s.source(want)
	path := s.place(want.Name)
	if err == nil && s.others[path] {
		err = hint.Add(fmt.Errorf("%s exists and is not an AppImage", path), "remove it, or rename the app in the manifest")
	}
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	return []plan.Step{plan.Install{
		Name:   want.Name,
		Source: source,
		Path:   path,
		Cache:  s.partOf(want.Name),
		Limit:  maxFile,
		Finish: finish{s, want, path, nil},
	}}
}

// place returns the present or future path of the file of an app.
func (s snapshot) place(name string) string {
	if f := s.files[name]; f != nil {
		return f.path
	}
	return filepath.Join(s.folder, name+".AppImage")
}

// newFolder returns the folder of new apps: the first that exists, or that of Gear Lever
// if it is used.
func (d Domain) newFolder(gearLever bool) string {
	folders := slices.Clone(d.Folders)
	if gearLever {
		slices.Reverse(folders)
	}
	for _, f := range folders {
		if _, err := os.Stat(f); err == nil {
			return f
		}
	}
	return folders[0]
}

// remove returns the steps that remove an app and its own files.
func (s snapshot) remove(name string) []plan.Step {
	path := s.place(name)
	var steps []plan.Step
	if s.entries[name].byBkt {
		steps = append(steps, plan.Delete{Path: s.entryOf(name)})
	}
	steps = append(steps, s.clean(name)...)
	steps = append(steps, plan.Delete{Path: path}, plan.Delete{Path: s.recordOf(name)})
	return append(steps, s.updateGearLever(path, nil)...)
}

func (s snapshot) updateGearLever(path string, a *app) []plan.Step {
	if !s.gearLever {
		return nil
	}
	return []plan.Step{gearLeverEdit(s.GearLever, path, a)}
}

// finish computes the steps after the download of an AppImage.
type finish struct {
	d    snapshot
	app  app
	path string
	was  *record // of the same file; nil: it is a new one
}

// Finish implements [plan.Finisher]. An image with unreadable files is installed without a
// desktop entry; a damaged or unsafe image is refused.
func (f finish) Finish(downloaded string, from plan.Source) ([]plan.Step, error) {
	i, err := readImage(downloaded)
	switch {
	case err != nil:
		return nil, err
	case errors.Is(i.closed, squashfs.ErrHostile), errors.Is(i.closed, squashfs.ErrDamaged), errors.Is(i.closed, squashfs.ErrCostly):
		return nil, i.closed
	}
	steps, err := f.integrate(i, from)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(downloaded)
	if err != nil {
		return nil, err
	}
	steps = append(steps, plan.Overwrite{Path: f.d.recordOf(f.app.Name), Text: f.record(from, info.Size(), hasWrite(steps, f.d.entryOf(f.app.Name))), Private: f.d.Records})
	return append(steps, f.d.updateGearLever(f.path, &f.app)...), nil
}

// integrate returns the steps that add the app to the desktop, or remove it. An entry for
// the same file that bkt did not write stays.
func (f finish) integrate(i image, from plan.Source) ([]plan.Step, error) {
	d, name := f.d, f.app.Name
	now, err := d.readEntry(name, f.path)
	wanted := integrates(i.entry) && !d.NoEntries
	steps := d.clean(name)
	switch {
	case err != nil:
		return nil, err
	case !wanted && now.byBkt:
		return append(steps, plan.Delete{Path: d.entryOf(name)}), nil
	case !wanted, now.starts && !now.byBkt:
		return steps, nil
	case now.there && !now.byBkt:
		return nil, hint.Add(fmt.Errorf("%s exists and belongs to another app", d.entryOf(name)), "remove it, or rename the app in the manifest")
	}
	icon := ""
	if i.icon != nil {
		icon = d.iconOf(name, i.iconExt)
		steps = append(steps, plan.Overwrite{Path: icon, Text: i.icon})
	}
	entry, err := desktopEntry(i.entry, name, f.path, icon, from.Version, d.launchOf(f.app))
	if old := d.files[name]; now.byBkt && old != nil {
		entry = now.keepCommand(entry, old)
	}
	return append(steps, plan.Overwrite{Path: d.entryOf(name), Text: []byte(entry.String())}), err
}

// hasWrite reports whether one of the steps writes a file.
func hasWrite(steps []plan.Step, file string) bool {
	return slices.ContainsFunc(steps, func(s plan.Step) bool {
		write, ok := s.(plan.Overwrite)
		return ok && write.Path == file
	})
}

// record returns the record of an installed app. entry is whether bkt has written a desktop
// entry for it.
func (f finish) record(from plan.Source, size int64, entry bool) []byte {
	r := record{
		Name: f.app.Name, Path: f.path, Size: size, SHA256: from.SHA256, Version: from.Version, Entry: entry,
		Repo: f.app.Repo, Asset: f.app.Asset, URL: f.app.URL,
	}
	if u, err := url.Parse(from.URL); err == nil {
		r.From = path.Base(u.Path)
	}
	if f.was != nil {
		r.From, r.Repo, r.Asset, r.URL = f.was.From, f.was.Repo, f.was.Asset, f.was.URL
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // strings and a number can be encoded
	}
	return append(text, '\n')
}
