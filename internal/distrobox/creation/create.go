// Package creation writes the definition of a container for distrobox: the arguments of
// "distrobox create", the label by which bkt recognizes a container, and the ini file of
// "distrobox assemble". It also reads an entry of the manifest back from a container.
package creation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/shell"
)

// standardPath is the default PATH of an image. distrobox adds these folders to every
// other PATH.
var standardPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// A Creator defines the containers of one user.
type Creator struct {
	Home string
	UID  int
}

// Args returns the command that creates a container. distrobox is a shell script, and
// passes some of the arguments to a shell again.
func (c Creator) Args(name string, entry manifest.Container) ([]string, error) {
	argv := []string{"distrobox", "create", "--yes", "--no-entry", "--name", name, "--image", entry.Image}
	if err := harmless("image", entry.Image); err != nil {
		return nil, err
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{entry.Pull, "--pull"}, {entry.Init, "--init"}, {entry.Nvidia, "--nvidia"}, {entry.Root && c.UID != 0, "--root"}} {
		if flag.set {
			argv = append(argv, flag.name)
		}
	}
	for _, part := range entry.Unshare {
		argv = append(argv, "--unshare-"+part)
	}
	if entry.Home != "" {
		home := c.expand(entry.Home)
		if err := harmless("home", home); err != nil {
			return nil, err
		}
		argv = append(argv, "--home", home)
	}
	if len(entry.Packages) > 0 {
		argv = append(argv, "--additional-packages", strings.Join(slices.Sorted(slices.Values(entry.Packages)), " "))
	}
	if len(entry.PreInitHooks) > 0 {
		argv = append(argv, "--pre-init-hooks", joinedPre(entry.PreInitHooks)[0])
	}
	if len(entry.InitHooks) > 0 {
		argv = append(argv, "--init-hooks", joined(entry.InitHooks)[0])
	}
	for _, v := range entry.Volume {
		v = c.expand(v)
		if err := harmless("volume", v); err != nil {
			return nil, err
		}
		argv = append(argv, "--volume", v)
	}
	flags, err := c.flags(name, entry)
	for _, flag := range flags {
		argv = append(argv, "--additional-flags", flag)
	}
	return argv, err
}

// flags returns the options for the manager, with the label.
func (c Creator) flags(name string, b manifest.Container) ([]string, error) {
	flags, err := c.options(b)
	if err != nil {
		return nil, err
	}
	entry, err := label(name, b)
	return append(flags, entry), err
}

// options returns the options that the manifest declares.
func (c Creator) options(entry manifest.Container) ([]string, error) {
	flags := slices.Clone(entry.AdditionalFlags)
	for _, name := range slices.Sorted(maps.Keys(entry.Env)) {
		flag, err := variable(name, c.expandAll(entry.Env[name]))
		if err != nil {
			return nil, err
		}
		flags = append(flags, flag)
	}
	if len(entry.Path) > 0 {
		flag, err := variable("PATH", c.pathOf(entry.Path))
		if err != nil {
			return nil, err
		}
		flags = append(flags, flag)
	}
	return flags, nil
}

// pathOf returns PATH in a container. The standard folders come last, unless the
// manifest has $PATH elsewhere.
func (c Creator) pathOf(folders []string) string {
	var all []string
	if !slices.Contains(folders, "$PATH") {
		folders = append(slices.Clone(folders), "$PATH")
	}
	for _, dir := range folders {
		if dir == "$PATH" {
			all = append(all, standardPath...)
			continue
		}
		all = append(all, c.expand(dir))
	}
	return strings.Join(all, ":")
}

// expandAll expands ~ in a value, or in the items of a list with colons.
func (c Creator) expandAll(value string) string {
	parts := strings.Split(value, ":")
	for i := range parts {
		parts[i] = c.expand(parts[i])
	}
	return strings.Join(parts, ":")
}

// variable returns the option that sets a variable.
func variable(name, value string) (string, error) {
	quoted, err := shell.Quote(value)
	if err != nil {
		return "", fmt.Errorf("variable %s: %w", name, err)
	}
	return "--env=" + name + "=" + apart(quoted), nil
}

// apart inserts a pair of quotes where distrobox, a shell script, would merge blanks or
// expand a pattern of file names.
func apart(quoted string) string {
	if !strings.HasPrefix(quoted, "'") && !strings.HasPrefix(quoted, `"`) {
		return quoted
	}
	pair := strings.Repeat(quoted[:1], 2)
	return strings.NewReplacer(" ", " "+pair, "*", "*"+pair, "?", "?"+pair, "[", "["+pair).Replace(quoted)
}

// harmless returns an error if distrobox would change a value.
func harmless(what, value string) error {
	i := strings.IndexFunc(value, func(r rune) bool {
		return strings.ContainsRune(" \t\"'`$\\;&|<>(){}*?[]#!,", r) || r < ' '
	})
	if i < 0 {
		return nil
	}
	err := fmt.Errorf("%s %s: distrobox does not accept %q in it", what, value, value[i:i+1])
	return hint.Add(err, "rename it, to a name without this character")
}

func (c Creator) expand(p string) string { return paths.Expand(p, c.Home) }
