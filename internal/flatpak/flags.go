package flatpak

import (
	"slices"
	"strings"
)

// A permission is one statement of an override: an element of a list, or the value of a
// key. Its subject, see subject, is unique in an override; state is the value of it.
type permission struct {
	group, key, element string
	state               string
}

func (p permission) subject() permission { p.state = ""; return p }

// name returns the option for p without the value of a variable, which may be secret.
func (p permission) name() string {
	if p.group == environment {
		return "--env=" + p.key
	}
	return p.flag()
}

const (
	contextGroup = "Context"
	sessionGroup = "Session Bus Policy"
	systemGroup  = "System Bus Policy"
	environment  = "Environment"
	usbGroup     = "USB Devices"
	policyPrefix = "Policy "

	unsetEnvironment = "unset-environment"
)

// States of elements of lists.
const (
	granted = ""
	denied  = "!"
)

// A listOption is an option of "flatpak override" and its meaning: an element of a
// list, which it grants or denies, or a value for a name.
type listOption struct {
	name, group, key string
	state            string
}

// listOptions are the options for elements of lists; see flatpak-override(1).
var listOptions = []listOption{
	{"share", contextGroup, "shared", granted},
	{"unshare", contextGroup, "shared", denied},
	{"socket", contextGroup, "sockets", granted},
	{"nosocket", contextGroup, "sockets", denied},
	{"device", contextGroup, "devices", granted},
	{"nodevice", contextGroup, "devices", denied},
	{"allow", contextGroup, "features", granted},
	{"disallow", contextGroup, "features", denied},
	{"filesystem", contextGroup, "filesystems", granted},
	{"nofilesystem", contextGroup, "filesystems", denied},
	{"persist", contextGroup, "persistent", granted},
	{"unset-env", contextGroup, unsetEnvironment, granted},
	{"usb", usbGroup, "enumerable-devices", granted},
	{"nousb", usbGroup, "hidden-devices", granted},
}

// busOptions are the options for names on a bus: the group and the policy.
var busOptions = []listOption{
	{"talk-name", sessionGroup, "", "talk"},
	{"own-name", sessionGroup, "", "own"},
	{"no-talk-name", sessionGroup, "", "none"},
	{"system-talk-name", systemGroup, "", "talk"},
	{"system-own-name", systemGroup, "", "own"},
	{"system-no-talk-name", systemGroup, "", "none"},
}

// entryOption is bkt's own option for entries for which Flatpak has no option:
// --entry=[GROUP]KEY=VALUE is an entry in the words of the file.
const entryOption = "entry"

// parseFlag returns the permission of an option.
func parseFlag(flag string) permission {
	name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
	for _, o := range listOptions {
		if o.name == name {
			return element(o.group, o.key, value, o.state)
		}
	}
	for _, o := range busOptions {
		if o.name == name {
			return permission{o.group, value, "", o.state}
		}
	}
	switch name {
	case "env":
		variable, text, _ := strings.Cut(value, "=")
		return permission{environment, variable, "", text}
	case "add-policy", "remove-policy":
		subsystem, rest, _ := strings.Cut(value, ".")
		key, text, _ := strings.Cut(rest, "=")
		return permission{policyPrefix + subsystem, key, text, map[string]string{"add-policy": granted, "remove-policy": denied}[name]}
	case entryOption:
		group, rest, _ := strings.Cut(strings.TrimPrefix(value, "["), "]")
		key, text, _ := strings.Cut(rest, "=")
		if isList(group, key) {
			return listed(group, key, text)
		}
		return permission{group, key, "", text}
	}
	return permission{"", name, "", value} // an option of a newer Flatpak, which bkt cannot write
}

// listed returns the permission for an element of a list in the words of the file.
func listed(group, key, word string) permission {
	if rest, ok := strings.CutPrefix(word, denied); ok {
		return element(group, key, rest, denied)
	}
	return element(group, key, word, granted)
}

// element returns the permission for an element of a list. The access to a folder is part
// of the state: "home" and "home:ro" contradict each other. A reset is another permission:
// it removes the app's own permissions, in addition to a statement about the folder.
func element(group, key, value, state string) permission {
	if key != "filesystems" {
		return permission{group, key, value, state}
	}
	for _, use := range []string{":ro", ":rw", ":create"} {
		if folder, ok := strings.CutSuffix(value, use); ok {
			if use == ":rw" {
				use = ""
			}
			return permission{group, key, folder, state + use}
		}
	}
	return permission{group, key, value, state}
}

// flag returns the option for p.
func (p permission) flag() string {
	if p.key == "filesystems" && p.group == contextGroup {
		if use, ok := strings.CutPrefix(p.state, denied); ok {
			return "--nofilesystem=" + p.element + use
		}
		return "--filesystem=" + p.element + p.state
	}
	for _, o := range listOptions {
		if o.group == p.group && o.key == p.key && o.state == p.state {
			return "--" + o.name + "=" + p.element
		}
	}
	for _, o := range busOptions {
		if o.group == p.group && o.state == p.state {
			return "--" + o.name + "=" + p.key
		}
	}
	subsystem, isPolicy := strings.CutPrefix(p.group, policyPrefix)
	switch {
	case !isPolicy && isList(p.group, p.key):
		return "--" + entryOption + "=[" + p.group + "]" + p.key + "=" + p.state + p.element
	case p.group == environment:
		return "--env=" + p.key + "=" + p.state
	case isPolicy && p.state == denied:
		return "--remove-policy=" + subsystem + "." + p.key + "=" + p.element
	case isPolicy:
		return "--add-policy=" + subsystem + "." + p.key + "=" + p.element
	}
	return "--" + entryOption + "=[" + p.group + "]" + p.key + "=" + p.state
}

// permissions returns the permissions of options. Of two with the same subject, the last
// one wins.
func permissions(flags []string) []permission {
	var all []permission
	for _, f := range flags {
		p := parseFlag(f)
		all = with(all, p)
		// Flatpak reads and writes a reset like this.
		if folder, ok := strings.CutSuffix(p.element, ":reset"); ok && p.key == "filesystems" && p.state == denied && !mentions(flags, p, folder) {
			p.element = folder
			all = with(all, p)
		}
	}
	return all
}

// mentions reports whether an option has an element of the list of p as its subject.
func mentions(flags []string, p permission, element string) bool {
	p.element = element
	return slices.ContainsFunc(flags, func(f string) bool { return parseFlag(f).subject() == p.subject() })
}

// with adds a permission, and removes another one with the same subject.
func with(all []permission, p permission) []permission {
	all = slices.DeleteFunc(all, func(o permission) bool { return o.subject() == p.subject() })
	return append(all, p)
}
