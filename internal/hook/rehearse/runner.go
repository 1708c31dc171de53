package rehearse

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"bkt/internal/buildkit"
	"bkt/internal/hook"
)

// The user of the container.
const (
	homes = "/home"
	user  = "user"
	home  = homes + "/" + user
	uid   = "1000"
)

// setUp creates the user of the container, as distrobox does, with the files that
// new users get.
const setUp = `set -eu
umask 022
if ! grep -q '^[^:]*:[^:]*:` + uid + `:' /etc/passwd; then
	echo '` + user + `:x:` + uid + `:` + uid + `::` + home + `:/bin/sh' >>/etc/passwd
	echo '` + user + `:x:` + uid + `:' >>/etc/group
fi
mkdir -p ` + home + `
if test -d /bkt-old; then cp -a /bkt-old/. ` + home + `; elif test -d /etc/skel; then cp -a /etc/skel/. ` + home + `; fi
chown -R ` + uid + `:` + uid + ` ` + home + `
chmod 0700 ` + home

// A container is the state of a container: its files, and its user's.
type container struct {
	root, home *buildkit.Tree
}

// A runner runs hooks.
type runner struct {
	env   map[string]string
	hooks []*hook.Declared
	old   OldHome
	id    string // see [buildkit.Inspection.CopyID]
}

// bootstrap returns a container before hooks run for the first time.
func (r runner) bootstrap(image, old *buildkit.Tree) container {
	mounts := map[string]*buildkit.Tree{homes: image.Empty()}
	if old != nil {
		mounts["/bkt-old"] = old
	}
	root, after := image.Run(buildkit.Command{Name: "[hooks] set up the container", Args: r.shell(setUp), Env: r.env, Mounts: mounts, Offline: true})
	return container{root, after[homes]}
}

// withOldHome returns a new container with an old home.
func (r runner) withOldHome(ctx context.Context, in buildkit.Inspection) (container, []hook.Finding, error) {
	if r.old.From == Home {
		return r.bootstrap(in.Root, in.Extra), nil, nil
	}
	after, failed, err := r.run(ctx, r.bootstrap(in.Extra, nil), stage{name: "run in the earlier image", rule: runs})
	if err != nil || failed != nil {
		return container{}, failed, err
	}
	return container{r.bootstrap(in.Root, nil).root, after[len(after)-1].home}, nil, nil
}

// A stage is a run of all hooks.
type stage struct {
	name string
	rule hook.Rule // that a hook breaks if it fails
	copy bool      // hooks can read the copy of a home
}

// run runs all hooks, one after the other, as distrobox does: as root, with the user's
// home, in a shell that exits at the first error and at an unset variable. It returns
// the container after each hook. The first hook that fails is a finding.
func (r runner) run(ctx context.Context, c container, s stage) (after []container, failed []hook.Finding, err error) {
	for _, h := range r.hooks {
		root, mounts := c.root.Run(buildkit.Command{
			Name:    fmt.Sprintf("[hooks] %s of %s", s.name, short(h.Title())),
			Args:    r.shell("umask 022; set -o errexit; set -o nounset; hook=$BKT_HOOK; unset BKT_HOOK; eval $hook"),
			Env:     r.with("BKT_HOOK", hook.Wrap(h.Hook)),
			Dir:     "/",
			Mounts:  map[string]*buildkit.Tree{homes: c.home},
			Offline: s.copy && r.old.isOffline(),
		})
		c = container{root, mounts[homes]}
		if err := root.Make(ctx); err != nil {
			code, ok := buildkit.ExitCode(err)
			if !ok {
				return nil, nil, err
			}
			return nil, []hook.Finding{r.failure(s, h, code)}, nil
		}
		after = append(after, c)
	}
	return after, nil, nil
}

// failure returns the finding for a hook that ends with an exit code other than 0.
func (r runner) failure(s stage, h *hook.Declared, code int) hook.Finding {
	reason := fmt.Sprintf("its %s ends with exit code %d", s.name, code)
	if !s.copy {
		return s.rule.At(h, 0, h.Run, reason)
	}
	if r.old.isOffline() {
		reason += "; it has no network there, because it can read your files"
	}
	lacks := r.old.Copy.Named(h.Run)
	if len(lacks) > 0 {
		reason += "; the copy of the home lacks " + strings.Join(lacks, ", ")
	}
	return r.advise(s.rule.At(h, 0, h.Run, reason), lacks...)
}

// advise adds to a finding in the copy of a home how to give hooks what they lack there.
func (r runner) advise(f hook.Finding, lacks ...string) hook.Finding {
	if r.old.isOffline() {
		f.Fix = append(f.Fix, "if it needs a network: run it again with --network=default")
	}
	for _, name := range lacks {
		f.Fix = append(f.Fix, "if it needs ~/"+name+": run it again with --old-home-with="+name)
	}
	return f
}

// shell returns the arguments that run a script. They contain the ID of the copy of a
// home, in a comment.
func (r runner) shell(script string) []string {
	if r.id != "" {
		script += "\n# " + r.id
	}
	return []string{"/bin/sh", "-c", script}
}

func (r runner) with(name, value string) map[string]string {
	env := maps.Clone(r.env)
	env[name] = value
	return env
}

// changes returns how a container differs from before. The path of the home in
// it is that in the container.
func changes(ctx context.Context, before, after container) ([]buildkit.Change, error) {
	root, err := after.root.Changes(ctx, before.root)
	if err != nil {
		return nil, err
	}
	inHome, err := after.home.Changes(ctx, before.home)
	if err != nil {
		return nil, err
	}
	for _, c := range inHome {
		root = append(root, buildkit.Change{Path: homes + c.Path, What: c.What})
	}
	return root, nil
}

// short returns the beginning of a hook.
func short(run string) string {
	const longest = 50
	if r := []rune(run); len(r) > longest {
		return string(r[:longest]) + "…"
	}
	return run
}
