// Package extension keeps the extensions of GNOME Shell up to date with their
// manifest.
//
// It reads the folders of extensions and the shell's settings, whether or not a shell
// is running. An extension of the system can only be switched on and off; one of the
// user is downloaded from extensions.gnome.org or from the URL in the manifest. The
// settings of extensions belong to package gsettings. The shell switches all
// extensions off after a crash: that is reported, and never captured.
package extension

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Domain is the domain of extensions. Its fields are folders, except Settings and the URL
// of extensions.gnome.org.
type Domain struct {
	Data     string   // of the user: $XDG_DATA_HOME
	DataDirs []string // of the system: $XDG_DATA_DIRS
	Config   string   // of the user: $XDG_CONFIG_HOME
	Cache    string   // for downloads
	Settings Settings
	Site     string
}

// A snapshot has the facts about the system that Plan needs.
type snapshot struct {
	Domain
	folders
	shell     string          // the version of GNOME Shell
	shellErr  error           // why the version is unknown
	anyShell  bool            // the shell accepts extensions for other versions
	checkouts map[string]bool // extensions of the user whose folder may be a git checkout
}

// Settings returns the values of the settings of a schema now, and the values below the
// user's own.
type Settings interface {
	Values(schema string) (now, below map[string]gvariant.Value, err error)
}

type extension = manifest.Extension

// Observe implements [reconcile.Domain]. It starts at most one process, which prints
// the version of the shell if an extension has to be downloaded.
func (d Domain) Observe(ctx context.Context, sys reconcile.System, declared []extension) (reconcile.Snapshot[extension], error) {
	var o reconcile.Snapshot[extension]
	folders, err := d.folders()
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	values, defaults, err := d.Settings.Values(schema)
	if err != nil && len(folders.user) > 0 {
		return o, reconcile.Unavailablef("%w", err) // not absent
	}
	if err != nil {
		return o, err
	}
	now, err := newLists(values)
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	below, err := newLists(defaults)
	if err != nil {
		return o, reconcile.Unavailablef("%w", err)
	}
	s := snapshot{Domain: d, folders: folders, anyShell: now.anyShell}
	if folders.lack(declared) {
		s.shell, s.shellErr = shellVersion(ctx, sys)
	}
	o.Items = items(folders, now, below, index(declared))
	o.Unread = slices.Collect(maps.Values(folders.unread))
	o.Hidden = func(e extension) bool { _, unread := folders.unread[e.ID]; return unread }
	s.checkouts = d.checkouts(o.Items, declared)
	o.Plan, o.Identity = s.plan, s.identity()
	if now.off {
		o.Notes = []string{noteOff}
	}
	return o, nil
}

const noteOff = `all extensions of the user are switched off, by the user or by GNOME Shell after a crash: to switch them on, run "gsettings set org.gnome.shell disable-user-extensions false"`

func index(known []extension) map[string]extension {
	m := make(map[string]extension, len(known))
	for _, e := range known {
		m[e.ID] = e
	}
	return m
}

func shellVersion(ctx context.Context, sys reconcile.System) (string, error) {
	text, err := sys.Output(ctx, plan.Run{Argv: []string{"gnome-shell", "--version"}})
	if err != nil {
		return "", err
	}
	version, ok := strings.CutPrefix(strings.TrimSpace(string(text)), "GNOME Shell ")
	if !ok || version == "" {
		return "", fmt.Errorf("gnome-shell --version says %q", text)
	}
	return version, nil
}

// items returns the extensions of the user, and those of the system that differ from
// their default or match their declaration.
func items(f folders, now, below lists, known map[string]extension) []extension {
	var all []extension
	for id, installed := range f.user {
		was, ok := known[id]
		if !ok {
			was = extension{ID: id, Source: installed.source()}
		}
		all = append(all, observed(was, now.enabled(id), installed))
	}
	for id, installed := range f.system {
		_, users := f.user[id]
		was, ok := known[id]
		asDeclared := ok && was.Enabled() == now.enabled(id)
		switch {
		case users, !asDeclared && now.names(id) == below.names(id):
			continue
		case !ok:
			was = extension{ID: id, Source: "system"}
		}
		installed.Version = version(was.Version) // the version of the system does not count
		all = append(all, observed(was, now.enabled(id), installed))
	}
	return all
}

// observed returns a known extension with its state on the system. Its version counts only
// if a version is declared.
func observed(e extension, enabled bool, m metadata) extension {
	e.Disabled = manifest.DefaultTrue(!enabled)
	e.Installed = manifest.Installed{There: true, Version: uint(m.Version)}
	if e.Version != 0 {
		e.Version = uint(m.Version)
	}
	return e
}

// Same implements [reconcile.Domain]. A version counts only if it is declared.
func (Domain) Same(a, b extension) bool {
	return a.Disabled == b.Disabled && (a.Version == b.Version || fits(a, b) || fits(b, a))
}

func fits(system, declared extension) bool {
	return system.Installed.There && (declared.Version == 0 || declared.Version == system.Installed.Version)
}

// plan implements Plan of [reconcile.Snapshot]: downloads first, and then one edit of
// the shell's settings. An extension is switched off before it is removed.
func (s snapshot) plan(diffs []reconcile.Diff[extension]) []plan.Change {
	var install, remove []plan.Change
	var ids []string
	edit := edit{needs: map[string]string{}}
	for _, diff := range diffs {
		have, want := diff.Have, diff.Want
		if want == nil {
			edit.forget = append(edit.forget, have.ID)
			ids = append(ids, have.ID)
			remove = append(remove, s.remove(have.ID)...)
			continue
		}
		change, needed := s.install(have, *want)
		if needed {
			install = append(install, change)
			edit.needs[want.ID] = s.place(want.ID)
		}
		if have == nil || have.Disabled != want.Disabled {
			edit.set(*want)
			ids = append(ids, want.ID)
		}
	}
	if len(ids) > 0 {
		install = append(install, plan.Change{Op: plan.Modify, Targets: ids, Steps: []plan.Step{edit.step()}})
	}
	return append(install, remove...)
}

// remove returns the changes that remove an extension, none for an extension of the system.
func (s snapshot) remove(id string) []plan.Change {
	if _, ok := s.user[id]; !ok {
		return nil
	}
	if err := s.checkedOut(id); err != nil {
		return []plan.Change{{Op: plan.Remove, Targets: []string{id}, Steps: []plan.Step{plan.Fail{Reason: err}}}}
	}
	return []plan.Change{{Op: plan.Remove, Targets: []string{id}, Steps: []plan.Step{
		plan.Delete{Path: s.updates(id)}, plan.Delete{Path: s.place(id)},
	}}}
}

// install returns the change that installs an extension, and whether it is needed.
func (s snapshot) install(have *extension, want extension) (plan.Change, bool) {
	if s.has(want) {
		return plan.Change{}, false
	}
	op := plan.Add
	if have != nil {
		op = plan.Modify
	}
	steps := s.steps(want)
	return plan.Change{Op: op, Targets: []string{want.ID}, Steps: steps}, true
}

const (
	maxArchive = 64 << 20
	maxFolder  = 256 << 20
)

func (s snapshot) steps(want extension) []plan.Step {
	fetch, err := s.fetch(want)
	if err == nil && s.odd[want.ID] {
		err = hint.Add(fmt.Errorf("%s exists and is not this extension", s.place(want.ID)), "move it away")
	}
	if err == nil {
		err = s.checkedOut(want.ID)
	}
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	unzip := plan.Unzip{
		Archive: fetch.Path,
		Dir:     s.place(want.ID),
		Limit:   maxFolder,
		Expect:  s.expected(want),
		Pattern: "schemas/*.gschema.xml",
		Command: []string{"glib-compile-schemas", "--strict", "."},
	}
	steps := []plan.Step{fetch, unzip}
	if s.staged[want.ID] {
		// At the next login, the update would replace this version.
		steps = append(steps, plan.Delete{Path: s.updates(want.ID)})
	}
	return steps
}

// checkedOut returns an error if the folder of an extension may be a git checkout: unpushed
// work would be lost with it.
func (s snapshot) checkedOut(id string) error {
	if !s.checkouts[id] {
		return nil
	}
	return hint.Add(fmt.Errorf("%s is a git checkout: bkt leaves it alone", s.place(id)), "move it away, or add the extension to .bktignore")
}

// checkouts returns the extensions whose folder may be a git checkout: it has .git, or
// cannot be read.
func (d Domain) checkouts(lists ...[]extension) map[string]bool {
	all := map[string]bool{}
	for _, e := range slices.Concat(lists...) {
		_, err := os.Lstat(filepath.Join(d.place(e.ID), ".git"))
		all[e.ID] = !patherr.IsMissing(err)
	}
	return all
}

var (
	errSystem  = hint.Add(errors.New("it is declared as part of the system, and does not exist"), "install the package that has it, or remove the extension from the manifest")
	errUnknown = hint.Add(errors.New("its source is unknown"), `add its "source" to the manifest: "ego" for extensions.gnome.org, or the URL of an archive with its sha256`)
	errNoSum   = hint.Add(errors.New("its archive has no sha256 in the manifest"), `add "sha256" to it, as sha256sum prints it`)
)

// fetch returns the step that downloads an extension.
func (s snapshot) fetch(want extension) (plan.Fetch, error) {
	f := plan.Fetch{URL: want.Source, Path: s.archive(want.ID), SHA256: strings.ToLower(want.SHA256), Limit: maxArchive}
	switch want.Source {
	case "system":
		return f, errSystem
	case "unknown":
		return f, errUnknown
	case "", "ego":
		f.URL, f.Missing = s.release(want)
		return f, s.shellErr
	}
	if want.SHA256 == "" {
		return f, errNoSum
	}
	return f, nil
}
