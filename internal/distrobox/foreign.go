package distrobox

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/distrobox/manager"
	"bkt/internal/hook"
	"bkt/internal/manifest"
	"bkt/internal/paths"
)

// recovered returns how a box was made that bkt has not made, as far as the
// manager knows: options of its own it does not tell from those of distrobox.
func (d Domain) recovered(c manager.Container, known manifest.Box) manifest.Box {
	b := known
	b.Image = c.Image
	if sameName(known.Image, c.Image) {
		b.Image = known.Image
	}
	args, hooks := splitArgs(c.Args)
	b.Init = args["--init"] == "1"
	b.Packages = strings.Fields(args["--additional-packages"])
	if !slices.Contains(joinedPre(known.PreInitHooks), strings.TrimSpace(args["--pre-init-hooks"])) {
		b.PreInitHooks = single(args["--pre-init-hooks"])
	}
	if !slices.Contains(joined(known.InitHooks), strings.TrimSpace(hooks)) {
		b.InitHooks = nil
		for _, run := range single(hooks) {
			b.InitHooks = append(b.InitHooks, manifest.Hook{Run: run, As: "root"})
		}
	}
	if c.Inspected {
		b.Volume = d.volumes(c, known.Volume)
	}
	b.Root = d.UID == 0 && known.Root
	return b
}

func single(text string) []string {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return []string{text}
}

// sameName reports whether a name of an image is short for another.
func sameName(name, full string) bool {
	return manager.Images{full: "x"}.ID(name) != ""
}

// splitArgs returns the options of distrobox-init, and the hooks that follow.
func splitArgs(args []string) (options map[string]string, hooks string) {
	options = map[string]string{}
	for i, arg := range args {
		if arg == "--" {
			return options, strings.Join(args[i+1:], " ")
		}
		if strings.HasPrefix(arg, "--") && i+1 < len(args) {
			options[arg] = args[i+1]
		}
	}
	return options, ""
}

// joined returns what distrobox may have been given for hooks: by bkt, or as they
// are, by whoever else made boxes of the same manifest.
func joined(hooks []manifest.Hook) []string {
	var wrapped, bare []string
	for _, h := range hooks {
		wrapped, bare = append(wrapped, hook.Wrap(h)), append(bare, h.Run)
	}
	return []string{strings.Join(wrapped, " && "), strings.Join(bare, " && ")}
}

func joinedPre(hooks []string) []string {
	var wrapped []string
	for _, h := range hooks {
		wrapped = append(wrapped, hook.WrapPre(h))
	}
	return []string{strings.Join(wrapped, " && "), strings.Join(hooks, " && ")}
}

// standard are the folders of a box that distrobox mounts.
var standard = []string{
	"/dev", "/sys", "/tmp", "/run/host", "/usr/bin/entrypoint", "/usr/bin/distrobox-export", "/usr/bin/distrobox-host-exec",
	"/etc/hosts", "/etc/hostname", "/etc/localtime", "/etc/resolv.conf", "/run/.nopasswd", "/run/.distrobox.rootless",
	"/run/secrets", "/run/user", "/var/log/journal", "/nix", "/gnu", "/run/current-system/sw",
}

// volumes returns the mounts of a box that are not those of every one, in the
// words in which they are known.
func (d Domain) volumes(c manager.Container, known []string) []string {
	var all []string
	for _, m := range c.Mounts {
		if m.Type != "bind" || !path.IsAbs(m.Source) {
			continue
		}
		volume := d.shorten(m.Source) + ":" + m.Destination
		if !m.RW {
			volume += ":ro"
		}
		volume = d.asKnown(volume, known)
		if slices.Contains(known, volume) || !d.isStandard(m) {
			all = append(all, volume)
		}
	}
	slices.Sort(all)
	return inOrder(all, known)
}

// isStandard reports whether every box has a mount.
func (d Domain) isStandard(m manager.Mount) bool {
	home := m.Source == m.Destination && (paths.Within(m.Source, d.Home) || paths.Within(m.Source, "/var/home"))
	return home || slices.ContainsFunc(standard, func(dir string) bool { return paths.Within(m.Destination, dir) })
}

// asKnown returns a volume as it is written already.
func (d Domain) asKnown(volume string, known []string) string {
	parts := func(v string) [3]string {
		f := append(strings.SplitN(d.expand(v), ":", 3), "", "")
		ro := ""
		if slices.Contains(strings.Split(f[2], ","), "ro") {
			ro = "ro"
		}
		return [3]string{path.Clean(f[0]), path.Clean(f[1]), ro}
	}
	for _, k := range known {
		if parts(k) == parts(volume) {
			return k
		}
	}
	return volume
}

// inOrder returns known if it has the same elements as all.
func inOrder(all, known []string) []string {
	if len(mergeLists(all, known, nil)) == 0 && len(mergeLists(known, all, nil)) == 0 {
		return known
	}
	return all
}
