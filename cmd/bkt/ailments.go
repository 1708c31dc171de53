package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/githook"
	"bkt/internal/hint"
	"bkt/internal/host"
	"bkt/internal/live"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
	"bkt/internal/repo"
	"bkt/internal/strictjson"
	"bkt/internal/workspace"
	"bkt/schemas"
)

// An ailment is something that is wrong on this machine or in the repository.
type ailment struct {
	name string    // of the check that found it
	err  error     // what is wrong; its hints say what to do
	mend plan.Plan // what mends it, and loses nothing; nil: the user has to

	unchecked bool // the check could not look
}

// hinted returns what is wrong, with what is to be done about it.
func (a ailment) hinted() error {
	if a.mend == nil {
		return a.err
	}
	return hint.Add(a.err, `"bkt doctor --fix" mends it`)
}

// A patient is what the doctor looks at.
type patient struct {
	system       // without a repository, Root is ""
	unfit  error // what is wrong with the repository as a whole
	looked []*live.Domain
}

// A checkup looks for ailments of one kind. What it cannot read it has no findings
// about: it returns the error.
type checkup struct {
	name string
	find func(context.Context, *patient) ([]ailment, error)
}

// errNoRepository is that of a check that asks what a repository declares, where
// bkt is in none.
var errNoRepository = errors.New("there is no repository here")

// checkups returns all, in the order in which one mends what they find.
func checkups() []checkup {
	return []checkup{
		{"place", inBox},                // where bkt runs
		{"repository", lostRepository},  // what it reads
		{"manifests", brokenManifests},  //
		{"schemas", missingSchemas},     //
		{"ignored", uselessPatterns},    //
		{"git", missingHook},            // what keeps the repository in step
		{"domains", unavailableDomains}, // what the running system lacks
		{"flatpak", undeclaredRemotes},  //
		{"path", exportsOutOfPath},      // what boxes export
		{"exports", strayWrappers},      //
		{"engine", staleSocket},         // what bkt has left behind
		{"leftovers", leftovers},        //
		{"base", strayBases},            //
	}
}

// examine returns all that is wrong, in the order of the checkups.
func examine(ctx context.Context) ([]ailment, error) {
	p, err := newPatient(ctx)
	if err != nil {
		return nil, err
	}
	var all []ailment
	for _, c := range checkups() {
		found, err := c.find(ctx, p)
		if err != nil && !errors.Is(err, errNoRepository) {
			found = append(found, unchecked(err)...)
		}
		for _, a := range found {
			a.name = c.name
			all = append(all, a)
		}
	}
	return all, context.Cause(ctx)
}

// newPatient looks at the system, and at the repository if there is one.
func newPatient(ctx context.Context) (*patient, error) {
	p := &patient{}
	p.system, p.unfit = thisSystem()
	var err error
	switch {
	case p.Repo.Root == "":
		p.Folders, err = workspace.FindFolders()
	case workspace.CheckDesktop() == nil:
		p.looked, err = p.Look(ctx, nil)
	}
	return p, err
}

// unchecked returns what a check says that could not look.
func unchecked(err error) []ailment {
	var all []ailment
	for _, e := range hint.Split(err) {
		all = append(all, ailment{err: fmt.Errorf("not checked: %w", e), unchecked: true})
	}
	return all
}

// ailing returns an ailment for each of joined errors, none of which bkt mends.
func ailing(err error) []ailment {
	var all []ailment
	for _, e := range hint.Split(err) {
		all = append(all, ailment{err: e})
	}
	return all
}

// inBox is about bkt in a box, where it sees the box's apps and settings.
func inBox(context.Context, *patient) ([]ailment, error) {
	if !runsInBox() {
		return nil, nil
	}
	return ailing(hint.Add(errors.New("bkt runs in a box: what it captures and applies is the box's, not the host's"),
		`run it on the host, as in "distrobox-host-exec bkt status"`)), nil
}

func runsInBox() bool { return os.Getenv("CONTAINER_ID") != "" || os.Getenv("TOOLBOX_PATH") != "" }

// lostRepository is about a repository that may be here, and cannot be looked at.
func lostRepository(_ context.Context, p *patient) ([]ailment, error) {
	if p.Repo.Root != "" || errors.Is(p.unfit, repo.ErrNone) {
		return nil, nil
	}
	return nil, p.unfit
}

// brokenManifests is about manifests that cannot be read, and files that were
// meant to be one.
func brokenManifests(_ context.Context, p *patient) ([]ailment, error) {
	if p.Repo.Root == "" {
		return nil, errNoRepository
	}
	var all []ailment
	var names []string
	for _, f := range manifest.All() {
		names = append(names, f.Name)
		text, err := fs.ReadFile(p.Repo.FS(), f.Path)
		if err == nil {
			_, err = f.Format(f.Path, text)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = append(all, ailing(patherr.Trim(err))...)
		}
	}
	wrong, err := misspelt(p, names)
	return append(all, wrong...), err
}

// misspelt is about files beside the manifests that no one reads.
func misspelt(p *patient, names []string) ([]ailment, error) {
	entries, err := fs.ReadDir(p.Repo.FS(), manifest.Folder)
	var all []ailment
	for _, e := range entries {
		name := e.Name()
		near, ok := strictjson.Nearest(name, names)
		if ok && path.Ext(name) == ".json" && !slices.Contains(names, name) {
			all = append(all, ailing(hint.Add(fmt.Errorf("%s/%s is no manifest, and nothing reads it", manifest.Folder, name), "did you mean %q?", near))...)
		}
	}
	return all, patherr.Trim(err)
}

// missingSchemas is about manifests that name a schema beside them that is not
// there, which has editors check nothing.
func missingSchemas(_ context.Context, p *patient) ([]ailment, error) {
	if p.Repo.Root == "" {
		return nil, errNoRepository
	}
	var all []ailment
	mended := map[string]bool{}
	for _, f := range manifest.All() {
		at, ok := schemaOf(p.Repo.FS(), f.Path)
		if !ok || p.Repo.Has(at) || mended[at] {
			continue
		}
		a := ailment{err: fmt.Errorf("%s: its $schema is %s, which is not there", f.Path, at)}
		text, err := schemas.FS.ReadFile(path.Base(at))
		if err == nil {
			a.mend, mended[at] = plan.Rewrite(p.Repo.Path(at), at, nil, text), true
		} else {
			a.err = hint.Add(a.err, "name the file that %q prints, or take it out", "bkt schema "+strings.TrimSuffix(f.Name, ".json"))
		}
		all = append(all, a)
	}
	return all, nil
}

// schemaOf returns which file of the repository a manifest names as its schema.
// What is wrong with the manifest another check says.
func schemaOf(repo fs.FS, name string) (string, bool) {
	var content struct {
		Schema string `json:"$schema"`
	}
	text, err := fs.ReadFile(repo, name)
	if err != nil || json.Unmarshal(text, &content) != nil || content.Schema == "" || strings.Contains(content.Schema, ":") {
		return "", false
	}
	at := path.Join(manifest.Folder, content.Schema)
	return at, filepath.IsLocal(at)
}

// uselessPatterns is about the file of what is to be ignored.
func uselessPatterns(_ context.Context, p *patient) ([]ailment, error) {
	if p.Repo.Root == "" {
		return nil, errNoRepository
	}
	if p.unfit != nil {
		return ailing(p.unfit), nil
	}
	text, err := fs.ReadFile(p.Repo.FS(), workspace.IgnoreFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, patherr.Trim(err)
	}
	n := 0
	var all []ailment
	for line := range strings.Lines(string(text)) {
		n++
		if ignored, err := reconcile.ParseIgnore(workspace.IgnoreFile, []byte(line), p.DomainNames()); err == nil && p.matchesNothing(ignored) {
			err := fmt.Errorf("%s:%d:1: %q matches nothing", workspace.IgnoreFile, n, strings.TrimSpace(line))
			all = append(all, ailing(hint.Add(err, "look at how the item is spelt, or take the line out"))...)
		}
	}
	return all, nil
}

// matchesNothing reports whether there is nothing that is ignored by patterns. Of
// a domain that cannot be looked at that is not known.
func (p *patient) matchesNothing(ignored map[string]reconcile.Ignore) bool {
	if len(p.looked) == 0 {
		return false
	}
	for _, d := range p.looked {
		patterns, ok := ignored[d.Name()]
		if ok && (d.Comparison == nil || slices.ContainsFunc(d.Comparison.Ignored(), patterns.Has)) {
			return false
		}
	}
	return len(ignored) > 0
}

// missingHook is about git, which should render what is committed.
func missingHook(ctx context.Context, p *patient) ([]ailment, error) {
	if p.Repo.Root == "" {
		return nil, errNoRepository
	}
	if !host.Installed("git") {
		return nil, nil
	}
	if _, err := (host.Query{}).Git(ctx, p.Repo.Root, nil, "rev-parse", "--git-dir"); err != nil {
		return nil, p.Repo.NoGit(err)
	}
	mend, err := githook.Plan(ctx, p.Repo.Root)
	switch {
	case err != nil && p.rendersOtherwise():
		return nil, nil
	case err != nil:
		return ailing(err), nil
	case len(mend) == 0:
		return nil, nil
	}
	return []ailment{{err: errors.New("git does not render the sections of what is committed"), mend: mend}}, nil
}

// rendersOtherwise reports whether another hook seems to run bkt, or a program that
// is told to.
func (p *patient) rendersOtherwise() bool {
	for _, name := range []string{".git/hooks/pre-commit", ".pre-commit-config.yaml", "lefthook.yml", ".husky/pre-commit"} {
		text, err := os.ReadFile(p.Repo.Path(name))
		if err == nil && strings.Contains(string(text), "bkt") {
			return true
		}
	}
	return false
}

// unavailableDomains is about what is declared and cannot be looked at.
func unavailableDomains(_ context.Context, p *patient) ([]ailment, error) {
	var all []ailment
	if err := workspace.CheckDesktop(); err != nil {
		return nil, err
	}
	for _, d := range p.looked {
		if d.IsUnavailable() && d.Needed {
			all = append(all, ailing(d.Problem())...)
		}
	}
	return all, nil
}

// undeclaredRemotes is about apps that a new machine could not get.
func undeclaredRemotes(_ context.Context, p *patient) ([]ailment, error) {
	if p.Repo.Root == "" {
		return nil, errNoRepository
	}
	apps, err := manifest.Read[manifest.FlatpakApps](p.Repo.FS(), manifest.FlatpakAppsPath)
	remotes, errRemotes := manifest.Read[manifest.FlatpakRemotes](p.Repo.FS(), manifest.FlatpakRemotesPath)
	if err := errors.Join(unreadable(err), unreadable(errRemotes)); err != nil {
		return nil, err
	}
	declared := map[string]bool{}
	for _, r := range remotes.Content.Remotes {
		declared[r.Key()] = true
	}
	var all []ailment
	for _, app := range apps.Content.Apps {
		remote := manifest.FlatpakRemote{Name: app.Remote, Scope: app.Scope}.Key()
		if declared[remote] {
			continue
		}
		declared[remote] = true // said once
		err := fmt.Errorf("apps are from the remote %s, which is declared nowhere: a new machine cannot install them", remote)
		all = append(all, ailing(hint.Add(err, `run "bkt capture flatpak-remotes" where it is set up`))...)
	}
	return all, nil
}

// boxes returns the boxes that are declared. Where that cannot be read, none is
// known not to be.
func (p *patient) boxes() (map[string]manifest.Box, error) {
	if p.Repo.Root == "" {
		return nil, errNoRepository
	}
	boxes, err := manifest.Read[manifest.Boxes](p.Repo.FS(), manifest.DistroboxPath)
	return boxes.Content.Containers, unreadable(err)
}

// unreadable says of a manifest only where it cannot be read: what is wrong there,
// the check of manifests says.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(firstOf(err))
}
