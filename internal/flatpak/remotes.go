package flatpak

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/keyfile"
	"bkt/internal/manifest"
	"bkt/internal/plainfile"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// Remotes is the domain of the remotes that apps come from.
type Remotes struct {
	Installations
	Cache string // a folder for files that flatpak reads
}

// Observe returns the remotes, except undeclared ones that flatpak created for a single
// app: no user added these, and flatpak removes them with the app.
func (r Remotes) Observe(_ context.Context, _ reconcile.System, known []manifest.FlatpakRemote) (reconcile.Snapshot[manifest.FlatpakRemote], error) {
	r.Installations = r.read()
	var items []manifest.FlatpakRemote
	var left []reconcile.LeftOut
	unread, err := r.each(repository, func(scope manifest.Scope, dir string, u *unread) error {
		config, err := readConfig(dir)
		for _, g := range config {
			name, ok := remoteName(g.Name)
			if !ok {
				continue
			}
			remote, errRead := readRemote(dir, config, name)
			remote.Scope = scope
			k, isKnown := declaredRemote(remote, known)
			switch {
			case errRead != nil:
				u.addItem(remote.Key(), errRead)
			case !isKnown && isOrigin(config, name):
				left = append(left, reconcile.LeftOut{Reason: "remotes that flatpak made for a single app", What: remote.Key()})
				continue
			case isKnown:
				remote = rewordedRemote(remote, k)
				fallthrough
			default:
				items = append(items, remote)
			}
			left = append(left, otherSettings(remote.Key(), g)...)
		}
		return err
	})
	if err != nil {
		return reconcile.Snapshot[manifest.FlatpakRemote]{}, err
	}
	identity := func(x manifest.FlatpakRemote) string { return r.identity(repository, x.Scope) }
	hidden := func(x manifest.FlatpakRemote) bool { return unread.hides(x.Scope, x.Key()) }
	return reconcile.Snapshot[manifest.FlatpakRemote]{Items: items, Plan: r.Plan, Identity: identity, Hidden: hidden, Unread: unread.parts, LeftOut: left}, nil
}

// isOrigin reports whether flatpak created a remote for an app from a file.
func isOrigin(config keyfile.File, name string) bool {
	return config.Get(remoteGroup(name), "xa.noenumerate") == "true" && isOriginName(name)
}

func isOriginName(name string) bool { return strings.HasSuffix(name, "-origin") }

func readRemote(dir string, config keyfile.File, name string) (manifest.FlatpakRemote, error) {
	group := remoteGroup(name)
	remote := manifest.FlatpakRemote{
		Name:        name,
		URL:         config.Get(group, "url"),
		Disabled:    config.Get(group, "xa.disable") == "true",
		NoGPGVerify: config.Get(group, "gpg-verify") == "false",
	}
	readSettings(&remote, config)
	key, err := readIfExists(keyRing(dir, name))
	remote.GPGKey = base64.StdEncoding.EncodeToString(withoutTrust(key))
	if err == nil && config.Get(group, "xa.filter") != "" {
		var filter []byte
		filter, err = readIfExists(filepath.Join(dir, "repo", name+".filter"))
		remote.Filter = withoutHead(string(filter))
	}
	return remote, err
}

// withoutHead returns the text of a filter without the line that flatpak adds at the start
// of its copy.
func withoutHead(filter string) string {
	if head, rest, ok := strings.Cut(filter, "\n"); ok && strings.HasPrefix(head, "# backup copy of ") {
		return rest
	}
	return filter
}

func readIfExists(path string) ([]byte, error) {
	text, err := plainfile.Read(path, plainfile.MaxText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// declaredRemote returns the declaration of a remote, and whether it is declared.
func declaredRemote(live manifest.FlatpakRemote, known []manifest.FlatpakRemote) (manifest.FlatpakRemote, bool) {
	i := slices.IndexFunc(known, func(k manifest.FlatpakRemote) bool { return k.Key() == live.Key() })
	if i < 0 {
		return manifest.FlatpakRemote{}, false
	}
	return known[i], true
}

// rewordedRemote returns a remote in the words of its declaration where they mean the same.
func rewordedRemote(live, k manifest.FlatpakRemote) manifest.FlatpakRemote {
	live.Hosts, live.Comment, live.Filtered = k.Hosts, k.Comment, k.Filtered
	if sameURL(live.URL, k.URL) {
		live.URL = k.URL
	}
	// A manifest without a key accepts that of the .flatpakrepo, or of the user.
	if k.GPGKey == "" || sameKey(k.GPGKey, live.GPGKey) {
		live.GPGKey = k.GPGKey
	}
	if sameFilter(k.Filter, live.Filter) {
		live.Filter = k.Filter
	}
	if k.Priority != nil && priority(k) == priority(live) {
		live.Priority = k.Priority
	}
	if isRepoFile(k.URL) && !k.NoUseForDeps { // the file may say so
		live.NoUseForDeps = false
	}
	if isOriginName(live.Name) { // flatpak sets these for a remote of a single app
		live.NoEnumerate = k.NoEnumerate
		if k.Priority == nil && priority(live) == 0 {
			live.Priority = nil
		}
	}
	return live
}

// sameURL reports whether a remote with the URL live may have the URL declared. That may be
// the URL of a .flatpakrepo, which has the URL of the remote in it: on the same host or,
// for a file, in the same folder or below.
func sameURL(live, declared string) bool {
	l, errLive := url.Parse(live)
	d, errDeclared := url.Parse(declared)
	switch {
	case strings.TrimSuffix(live, "/") == strings.TrimSuffix(declared, "/"):
		return true
	case errLive != nil || errDeclared != nil || !isRepoFile(declared):
		return false
	case d.Scheme == "file":
		return strings.HasPrefix(l.Path, path.Dir(d.Path)+"/")
	}
	return l.Host == d.Host
}

func isRepoFile(u string) bool { return strings.HasSuffix(u, ".flatpakrepo") }

// Same implements [reconcile.Domain].
func (r Remotes) Same(a, b manifest.FlatpakRemote) bool {
	return (sameURL(a.URL, b.URL) || sameURL(b.URL, a.URL)) && a.Subset == b.Subset && a.Disabled == b.Disabled &&
		a.NoGPGVerify == b.NoGPGVerify && sameFilter(a.Filter, b.Filter) && sameSettings(a, b) &&
		(a.GPGKey == "" || b.GPGKey == "" || sameKey(a.GPGKey, b.GPGKey))
}

// Plan adds, modifies and deletes remotes.
func (r Remotes) Plan(diffs []reconcile.Diff[manifest.FlatpakRemote]) []plan.Change {
	var p []plan.Change
	for _, d := range diffs {
		switch {
		case d.Want == nil:
			p = append(p, deleteRemote(*d.Have))
		case d.Have == nil:
			p = append(p, r.addRemote(*d.Want))
		case isRepoFile(d.Want.URL) && !sameURL(d.Have.URL, d.Want.URL):
			p = append(p, notReplaced(*d.Have, *d.Want))
		default:
			p = append(p, r.modifyRemote(*d.Have, *d.Want))
		}
	}
	return p
}

// deleteRemote returns the change that deletes a remote. It does not use --force, because
// apps from the remote would get no updates.
func deleteRemote(have manifest.FlatpakRemote) plan.Change {
	return plan.Change{
		Op: plan.Remove, Targets: []string{have.Key()},
		Steps: []plan.Step{plan.Run{Argv: []string{"flatpak", "remote-delete", option(have.Scope), have.Name}}},
		Hint:  fmt.Sprintf("runtimes of removed apps stay installed: \"flatpak uninstall %s --unused\" removes them", option(have.Scope)),
	}
}

// addRemote returns the change that adds a remote. If it fails, it deletes the remote,
// because flatpak keeps a remote whose summary cannot be fetched. It does not use --force,
// because apps may be installed from a remote that existed before.
func (r Remotes) addRemote(want manifest.FlatpakRemote) plan.Change {
	argv := []string{"flatpak", "remote-add", option(want.Scope)}
	steps, flags := r.settings(manifest.FlatpakRemote{}, want)
	argv = append(argv, flags...)
	argv = append(argv, settingOptions(manifest.FlatpakRemote{}, want)...)
	if want.Disabled { // flatpak does not fetch the summary of a disabled remote
		argv = append(argv, "--disable")
	}
	if isRepoFile(want.URL) {
		argv = append(argv, "--from")
	}
	steps = append(steps, plan.Run{Argv: append(argv, want.Name, want.URL)})
	if isRepoFile(want.URL) && !want.NoGPGVerify {
		// If the file has no key, flatpak turns verification off.
		steps = append(steps, plan.Run{Argv: []string{"flatpak", "remote-modify", option(want.Scope), "--gpg-verify", want.Name}})
	}
	return plan.Change{Op: plan.Add, Targets: []string{want.Key()}, Steps: steps, Undo: []plan.Step{
		plan.Run{Argv: []string{"flatpak", "remote-delete", option(want.Scope), want.Name}},
	}}
}

// notReplaced returns a change that fails: an existing remote cannot get the URL of a
// .flatpakrepo. flatpak has no command for it, and deleting the remote first would leave
// apps without a remote if the file does not exist.
func notReplaced(have, want manifest.FlatpakRemote) plan.Change {
	err := fmt.Errorf("flatpak cannot change the URL of an existing remote, %s, to that of a .flatpakrepo", have.URL)
	err = hint.Add(err, `declare the URL of the repository, or delete the remote: "flatpak remote-delete --force %s %s"`, option(have.Scope), have.Name)
	return plan.Change{Op: plan.Modify, Targets: []string{want.Key()}, Steps: []plan.Step{plan.Fail{Reason: err}}}
}

func (r Remotes) modifyRemote(have, want manifest.FlatpakRemote) plan.Change {
	argv := []string{"flatpak", "remote-modify", option(want.Scope)}
	steps, flags := r.settings(have, want)
	argv = append(argv, flags...)
	if !sameURL(have.URL, want.URL) {
		argv = append(argv, "--url="+want.URL)
	}
	argv = append(argv, settingOptions(have, want)...)
	if have.Subset != "" && want.Subset == "" {
		argv = append(argv, "--subset=")
	}
	if have.Filter != "" && want.Filter == "" {
		argv = append(argv, "--no-filter")
	}
	if have.NoGPGVerify && !want.NoGPGVerify {
		argv = append(argv, "--gpg-verify")
	}
	if have.Disabled != want.Disabled {
		argv = append(argv, map[bool]string{true: "--disable", false: "--enable"}[want.Disabled])
	}
	steps = append(steps, plan.Run{Argv: append(argv, want.Name)})
	change := plan.Change{Op: plan.Modify, Targets: []string{want.Key()}, Steps: steps}
	if ring := keyRing(r.dir(want.Scope), want.Name); slices.Contains(steps, plan.Step(plan.Delete{Path: ring})) {
		change.Undo = []plan.Step{plan.Overwrite{Path: ring, Text: keyBytes(have.GPGKey)}}
	}
	return change
}

// settings returns the options that adding and modifying have in common, and the steps
// that write the files in these options.
func (r Remotes) settings(have, want manifest.FlatpakRemote) (before []plan.Step, flags []string) {
	dir := r.dir(want.Scope)
	if dir == "" && (want.GPGKey != "" || want.Filter != "") {
		return []plan.Step{plan.Fail{Reason: errNoInstallation(want.Scope)}}, nil
	}
	if want.Subset != "" && want.Subset != have.Subset {
		flags = append(flags, "--subset="+want.Subset)
	}
	if want.NoGPGVerify && !have.NoGPGVerify {
		flags = append(flags, "--no-gpg-verify")
	}
	if want.GPGKey != "" && !sameKey(want.GPGKey, have.GPGKey) {
		file := filepath.Join(r.Cache, want.Name+".gpg") // flatpak does not read a key from a pipe
		before = append(before, plan.Overwrite{Path: file, Text: keyBytes(want.GPGKey)})
		if have.GPGKey != "" { // importing keeps the present keys
			before = append(before, plan.Delete{Path: keyRing(dir, want.Name)})
		}
		flags = append(flags, "--gpg-import="+file)
	}
	if want.Filter != "" && !sameFilter(want.Filter, have.Filter) {
		// Flatpak reads the file again at each update, so it has to stay.
		file := filepath.Join(dir, "filters", want.Name)
		before = append(before, plan.Overwrite{Path: file, Text: []byte(want.Filter)})
		flags = append(flags, "--filter="+file)
	}
	return before, flags
}

func keyRing(dir, remote string) string {
	return filepath.Join(dir, "repo", remote+".trustedkeys.gpg")
}

func sameFilter(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }

// keyBytes returns an armoured key, or one in base64, in a form that flatpak accepts.
func keyBytes(key string) []byte {
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(key), "")); err == nil {
		return decoded
	}
	return []byte(key)
}

// sameKey reports whether two key rings have the same primary keys.
func sameKey(a, b string) bool {
	x, errX := fingerprints(keyBytes(a))
	y, errY := fingerprints(keyBytes(b))
	if errX != nil || errY != nil {
		return a == b
	}
	return slices.Equal(x, y)
}
