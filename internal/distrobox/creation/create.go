// Package creation has the words that make distrobox create a container:
// the arguments of "distrobox create", the label by which bkt knows a container again,
// and the ini file of "distrobox assemble". It also reads an entry of the manifest back
// from a container.
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

// standardPath is what PATH is in an image that says nothing of it, and what
// distrobox adds to any other.
var standardPath = []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// A Creator says how containers are created for one user.
type Creator struct {
	Home string
	UID  int
}

// Args returns the command that creates a container. distrobox, which is a shell script,
// has a shell read some of it once more.
func (c Creator) Args(name string, b manifest.Container) ([]string, error) {
	argv := []string{"distrobox", "create", "--yes", "--no-entry", "--name", name, "--image", b.Image}
	if err := harmless("image", b.Image); err != nil {
		return nil, err
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{b.Pull, "--pull"}, {b.Init, "--init"}, {b.Root && c.UID != 0, "--root"}} {
		if flag.set {
			argv = append(argv, flag.name)
		}
	}
	if len(b.Packages) > 0 {
		argv = append(argv, "--additional-packages", strings.Join(slices.Sorted(slices.Values(b.Packages)), " "))
	}
	if len(b.PreInitHooks) > 0 {
		argv = append(argv, "--pre-init-hooks", joinedPre(b.PreInitHooks)[0])
	}
	if len(b.InitHooks) > 0 {
		argv = append(argv, "--init-hooks", joined(b.InitHooks)[0])
	}
	for _, v := range b.Volume {
		v = c.expand(v)
		if err := harmless("volume", v); err != nil {
			return nil, err
		}
		argv = append(argv, "--volume", v)
	}
	flags, err := c.flags(name, b)
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

// options returns those that the manifest gives.
func (c Creator) options(b manifest.Container) ([]string, error) {
	flags := slices.Clone(b.AdditionalFlags)
	for _, name := range slices.Sorted(maps.Keys(b.Env)) {
		flag, err := variable(name, c.expandAll(b.Env[name]))
		if err != nil {
			return nil, err
		}
		flags = append(flags, flag)
	}
	if len(b.Path) > 0 {
		flag, err := variable("PATH", c.pathOf(b.Path))
		if err != nil {
			return nil, err
		}
		flags = append(flags, flag)
	}
	return flags, nil
}

// pathOf returns PATH in a container. The standard folders come last, unless the
// manifest says where they come.
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

// apart inserts a pair of quotes where distrobox, a shell script, would merge several
// blanks, or expand a pattern of file names.
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
	err := fmt.Errorf("%s %s: distrobox does not take %q in it", what, value, value[i:i+1])
	return hint.Add(err, "give what it names another name")
}

func (c Creator) expand(p string) string { return paths.Expand(p, c.Home) }
