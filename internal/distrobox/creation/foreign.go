package creation

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/distrobox/manager"
	"bkt/internal/homepath"
	"bkt/internal/hook"
	"bkt/internal/manifest"
	"bkt/internal/paths"
)

// FromContainer returns the entry of a container that bkt did not create, as far as the
// manager knows it, and what a manifest cannot express. declared is the entry of the
// manifest. Its words stay where they mean the same. If the environment is part of the
// image, the entry has none.
func (c Creator) FromContainer(of manager.Container, declared manifest.Container, envInImage bool) (entry manifest.Container, out []string) {
	entry = declared
	entry.Image = of.Image
	if sameName(declared.Image, of.Image) {
		entry.Image = declared.Image
	}
	args, hooks := SplitArgs(of.Args)
	entry.Init, entry.Nvidia = args["--init"] == "1", args["--nvidia"] == "1"
	entry.Packages = strings.Fields(args["--additional-packages"])
	if !slices.Contains(joinedPre(declared.PreInitHooks), strings.TrimSpace(args["--pre-init-hooks"])) {
		entry.PreInitHooks = nil
		for _, run := range single(args["--pre-init-hooks"]) {
			entry.PreInitHooks = append(entry.PreInitHooks, manifest.PreHook{Run: run, Bare: true})
		}
	}
	if !slices.Contains(joined(declared.InitHooks), strings.TrimSpace(hooks)) {
		entry.InitHooks = nil
		for _, run := range single(hooks) {
			entry.InitHooks = append(entry.InitHooks, manifest.Hook{Run: run, As: "root"})
		}
	}
	if of.Inspected {
		entry.Volume = c.volumes(of, declared.Volume)
		out = c.fromRecord(&entry, of, declared, envInImage)
	}
	entry.Root = c.UID == 0 && declared.Root
	return entry, out
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

// SplitArgs returns the options of distrobox-init, and the hooks that follow.
func SplitArgs(args []string) (options map[string]string, hooks string) {
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

// joined returns the possible arguments of distrobox for hooks: as bkt wraps them, and
// unchanged, as another program passes them that reads the same manifest.
func joined(hooks []manifest.Hook) []string {
	var wrapped, bare []string
	for _, h := range hooks {
		wrapped, bare = append(wrapped, hook.Wrap(h)), append(bare, h.Run)
	}
	return []string{strings.Join(wrapped, " && "), strings.Join(bare, " && ")}
}

func joinedPre(hooks []manifest.PreHook) []string {
	var wrapped, bare []string
	for _, h := range hooks {
		wrapped, bare = append(wrapped, hook.WrapPre(h.Run)), append(bare, h.Run)
	}
	return []string{strings.Join(wrapped, " && "), strings.Join(bare, " && ")}
}

// standard are the folders of a container that distrobox mounts.
var standard = []string{
	"/dev", "/sys", "/tmp", "/run/host", "/usr/bin/entrypoint", "/usr/bin/distrobox-export", "/usr/bin/distrobox-host-exec",
	"/etc/hosts", "/etc/hostname", "/etc/localtime", "/etc/resolv.conf", "/run/.nopasswd", "/run/.distrobox.rootless",
	"/run/secrets", "/run/user", "/var/log/journal", "/nix", "/gnu", "/run/current-system/sw",
}

// volumes returns the mounts of a container without those that every container has, in
// the words of the declaration.
func (c Creator) volumes(of manager.Container, declared []string) []string {
	var all []string
	names := homepath.Of(c.Home)
	for _, m := range of.Mounts {
		if m.Type != "bind" || !path.IsAbs(m.Source) {
			continue
		}
		volume := paths.Shorten(names.Usual(m.Source), c.Home) + ":" + m.Destination
		if !m.RW {
			volume += ":ro"
		}
		volume = c.asDeclared(volume, declared, names)
		if slices.Contains(declared, volume) || !c.isStandard(m) {
			all = append(all, volume)
		}
	}
	slices.Sort(all)
	return inOrder(all, declared)
}

// isStandard reports whether every container has a mount.
func (c Creator) isStandard(m manager.Mount) bool {
	home := m.Source == m.Destination && (paths.Within(m.Source, c.Home) || paths.Within(m.Source, "/var/home"))
	return home || slices.ContainsFunc(standard, func(dir string) bool { return paths.Within(m.Destination, dir) })
}

// asDeclared returns a volume in the words of the declaration, if that has the volume. All
// names of the home are the same.
func (c Creator) asDeclared(volume string, declared []string, names homepath.Names) string {
	parts := func(v string) [3]string {
		f := append(strings.SplitN(c.expand(v), ":", 3), "", "")
		ro := ""
		if slices.Contains(strings.Split(f[2], ","), "ro") {
			ro = "ro"
		}
		return [3]string{path.Clean(names.Usual(f[0])), path.Clean(f[1]), ro}
	}
	for _, k := range declared {
		if parts(k) == parts(volume) {
			return k
		}
	}
	return volume
}

// inOrder returns declared if it has the same elements as all.
func inOrder(all, declared []string) []string {
	notIn := func(list []string) func(string) bool {
		return func(v string) bool { return !slices.Contains(list, v) }
	}
	if !slices.ContainsFunc(all, notIn(declared)) && !slices.ContainsFunc(declared, notIn(all)) {
		return declared
	}
	return all
}
