package rehearse

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strings"

	"bkt/internal/buildkit"
)

// The user of the container.
const (
	homes = "/home"
	user  = "user"
	home  = homes + "/" + user
	uid   = "1000"
)

// Places that commands of the rehearsal use in a container.
const (
	oldDir      = "/bkt-old"
	commandsDir = "/bkt-commands"
)

// setUpHome creates the home of the user, with the files of an old one, or those that new
// users get. Its arguments are the absolute paths of the old one, which lead to the home:
// files and links in it name them.
const setUpHome = `set -eu
umask 022
mkdir -p ` + home + `
if test -d ` + oldDir + `; then cp -a ` + oldDir + `/. ` + home + `; elif test -d /etc/skel; then cp -a /etc/skel/. ` + home + `; fi
chown -R ` + uid + `:` + uid + ` ` + home + `
chmod 0700 ` + home + `
for place in "$@"; do
	if test -e "$place"; then continue; fi
	parent=$(dirname "$place")
	mkdir -p "$parent"
	if test "$parent" = ` + homes + `; then ln -s ` + user + ` "$place"; else ln -s ` + home + ` "$place"; fi
done
`

// setUpAccount makes the image a container, as the init of distrobox does before init_hooks:
// with the user, who may use sudo without a password, and with distrobox's commands.
const setUpAccount = `set -eu
umask 022
if ! grep -q '^[^:]*:[^:]*:` + uid + `:' /etc/passwd; then
	echo '` + user + `:x:` + uid + `:` + uid + `::` + home + `:/bin/sh' >>/etc/passwd
	echo '` + user + `:x:` + uid + `:' >>/etc/group
	if test -e /etc/shadow; then echo '` + user + `:*:20000:0:99999:7:::' >>/etc/shadow; fi
fi
if command -v sudo >/dev/null; then
	mkdir -p /etc/sudoers.d
	printf 'Defaults !fqdn\n#` + uid + ` ALL = (ALL:ALL) NOPASSWD: ALL\n' >/etc/sudoers.d/distrobox
	chmod 0440 /etc/sudoers.d/distrobox
fi
for command in ` + commandsDir + `/*; do
	rm -f "/usr/bin/${command##*/}" # a link of the image to a host's command
	cp "$command" /usr/bin/
	chmod 0755 "/usr/bin/${command##*/}"
done
printf 'engine="podman"\nname="%s"\n' "$CONTAINER_ID" >/run/.containerenv
test -e /run/host || ln -s / /run/host # the files of the host, among them the home
`

// The commands of distrobox that are in every container. A missing one gets a stand-in
// that says so, and no hook can pass by it. No program of the host can run here.
var commands = map[string]string{
	"distrobox-export":    "it needs distrobox-export, and distrobox is not installed on this machine",
	"distrobox-host-exec": "it runs a program of the host",
}

// standIn is a command whose user is not run.
const standIn = `#!/bin/sh
echo '%[1]s' >>` + reasonFile + `
echo 'bkt: %[1]s' >&2
exit 127
`

// commandFiles returns the files of distrobox's commands, by their names in a folder.
func (o Options) commandFiles() map[string]string {
	files := map[string]string{}
	for name, reason := range commands {
		files["/"+name] = fmt.Sprintf(standIn, reason)
		if text, ok := o.Commands[name]; ok && name != "distrobox-host-exec" {
			files["/"+name] = text
		}
	}
	return files
}

// A container is the state of a container: its files, and its user's.
type container struct {
	root, home *buildkit.Tree
	incomplete bool // only pre-init hooks can run in it
}

// in returns the tree that has a path of the container, and the path in it.
func (c container) in(name string) (*buildkit.Tree, string) {
	if below, ok := strings.CutPrefix(name, homes+"/"); ok {
		return c.home, "/" + below
	}
	return c.root, name
}

// A file is a path that is no folder, or an empty folder.
type file = buildkit.Entry

// files returns what is at or below a changed path of the container.
func (c container) files(ctx context.Context, change buildkit.Change) ([]file, error) {
	if !change.After.IsDir() {
		return []file{{Path: change.Path, Mode: change.After}}, nil
	}
	tree, name := c.in(change.Path)
	found, err := tree.Entries(ctx, name)
	if err != nil {
		return nil, err
	}
	if tree == c.home {
		for i := range found {
			found[i].Path = path.Join(homes, found[i].Path)
		}
	}
	if len(found) == 0 {
		found = []file{{Path: change.Path, Mode: change.After}}
	}
	return found, nil
}

// changes returns how a container differs from before. Paths are those in the container.
func changes(ctx context.Context, before, after container) ([]buildkit.Change, error) {
	root, err := after.root.Changes(ctx, before.root)
	if err != nil {
		return nil, err
	}
	inHome, err := after.home.Changes(ctx, before.home)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", homes, err)
	}
	for _, c := range inHome {
		c.Path = homes + c.Path
		root = append(root, c)
	}
	return root, nil
}

// start returns a container before any hook has run, with a home of a new user, or with
// the files of an old one. With pre-init hooks, its set-up is not complete; see
// [runner.complete].
func (r *runner) start(image, old *buildkit.Tree) container {
	mounts := map[string]*buildkit.Tree{homes: image.Empty()}
	var places []string
	if old != nil {
		mounts[oldDir], places = old, r.Old.Copy.Places
	}
	if len(r.hooks) > 0 && r.hooks[0].Pre {
		c := r.setUp(image, setUpHome, mounts, places...)
		c.incomplete = true
		return c
	}
	mounts[commandsDir] = image.Empty().With(r.commandFiles())
	return r.setUp(image, setUpHome+setUpAccount, mounts, places...)
}

// complete completes the set-up of a container in which pre-init hooks have run.
func (r *runner) complete(c container) container {
	files := c.root.Empty().With(r.commandFiles())
	return r.setUp(c.root, setUpAccount, map[string]*buildkit.Tree{homes: c.home, commandsDir: files})
}

func (r *runner) setUp(root *buildkit.Tree, script string, mounts map[string]*buildkit.Tree, places ...string) container {
	args := append(r.shell(script), append([]string{"sh"}, places...)...)
	root, after := root.Run(buildkit.Command{Name: fmt.Sprintf("[%s] set up the container", r.container), Args: args, Env: r.env, Mounts: mounts, Offline: true})
	return container{root: root, home: after[homes]}
}

// shell returns the arguments that run a script. They contain the ID of the copy of a
// home, in a comment.
func (r *runner) shell(script string) []string {
	if r.in.CopyID != "" {
		script += "\n# " + r.in.CopyID
	}
	return []string{"/bin/sh", "-c", script}
}

func (r *runner) with(values map[string]string) map[string]string {
	env := maps.Clone(r.env)
	maps.Copy(env, values)
	return env
}

// isTemporary reports whether a path is in a place where nothing should stay.
func isTemporary(name string) bool {
	return strings.HasPrefix(name, "/tmp/") || strings.HasPrefix(name, "/var/tmp/")
}

// tilde returns a path as its user writes it.
func tilde(name string) string {
	if below, ok := strings.CutPrefix(name, home+"/"); ok {
		return "~/" + below
	}
	return name
}
