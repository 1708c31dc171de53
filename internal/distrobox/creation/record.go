package creation

import (
	"maps"
	"path"
	"slices"
	"strings"

	"bkt/internal/distrobox/manager"
	"bkt/internal/homepath"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/shell"
)

// An option is an option of "podman create".
type option struct {
	name, value string
	bare        bool // has no value
}

// String returns the option as one word.
func (o option) String() string {
	if o.bare {
		return o.name
	}
	return o.name + "=" + o.value
}

// withoutValue are the options of "podman create" that take no value, or only after an
// equals sign (podman-create(1)).
var withoutValue = []string{
	"--env-host", "--help", "--http-proxy", "--init", "--interactive", "--no-healthcheck", "--no-hostname", "--no-hosts", "--oom-kill-disable", "--passwd",
	"--privileged", "--publish-all", "--quiet", "--read-only", "--read-only-tmpfs", "--replace", "--rm", "--rmi", "--rootfs", "--tls-verify", "--tty", "--unsetenv-all",
}

// short are the short options of "podman create".
var short = map[byte]string{
	'a': "--attach", 'c': "--cpu-shares", 'e': "--env", 'h': "--hostname", 'i': "--interactive", 'l': "--label", 'm': "--memory", 'p': "--publish",
	'P': "--publish-all", 'q': "--quiet", 't': "--tty", 'u': "--user", 'v': "--volume", 'w': "--workdir",
}

// synonyms are other names of options.
var synonyms = map[string]string{"--net": "--network", "--dns-option": "--dns-opt"}

// parseOptions returns the options in the arguments of "podman create", up to the name of the
// image.
func parseOptions(args []string) []option {
	var all []option
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && len(args[0]) > 1 {
		word := args[0]
		args = args[1:]
		if !strings.HasPrefix(word, "--") {
			word, args = longOption(word, args)
		}
		name, value, ok := strings.Cut(word, "=")
		if other := synonyms[name]; other != "" {
			name = other
		}
		o := option{name: name, value: value}
		switch {
		case ok:
		case slices.Contains(withoutValue, name):
			o.bare = true
		case len(args) > 0:
			o.value, args = args[0], args[1:]
		}
		all = append(all, o)
	}
	return all
}

// longOption returns a short option, or several in one word, as a long one and the
// arguments that follow.
func longOption(word string, args []string) (string, []string) {
	name := short[word[1]]
	switch rest := word[2:]; {
	case name == "":
		return word, args
	case rest == "":
		return name, args
	case slices.Contains(withoutValue, name):
		return name, append([]string{"-" + rest}, args...)
	default:
		return name + "=" + strings.TrimPrefix(rest, "="), args
	}
}

// A record is what the manager recorded of the creation of a container, without what
// distrobox adds to each.
type record struct {
	home    string   // of the container, "" for the home of the host
	unshare []string // namespaces and devices that it does not share with the host
	env     map[string]string
	volumes []string
	flags   []option // all others
}

// unshared are the words for "unshare" in the order of a manifest, except groups, which
// are in a label.
var unshared = []struct {
	word  string
	share option // is there unless it is unshared
}{
	{"devsys", option{name: "--volume", value: "/dev:/dev:rslave"}},
	{"ipc", option{name: "--ipc", value: "host"}},
	{"netns", option{name: "--network", value: "host"}},
	{"process", option{name: "--pid", value: "host"}},
}

// readRecord reads the command that created a container. It reports whether there is one
// that distrobox ran: a container of another program, or of podman's API, has no such
// record.
func (c Creator) readRecord(of manager.Container) (record, bool) {
	r := record{env: map[string]string{}}
	_, args, ok := cutArgs(of.CreateCommand, "create")
	if !ok {
		return r, false
	}
	options := parseOptions(args)
	if !slices.Contains(options, option{name: "--entrypoint", value: "/usr/bin/entrypoint"}) {
		return r, false
	}
	in, _ := SplitArgs(of.Args)
	r.readShared(options, in["--init"] == "1")
	own := c.ownOptions(of.Name, options, in["--home"])
	for _, o := range options {
		if i := slices.IndexFunc(own, func(is func(option) bool) bool { return is(o) }); i >= 0 {
			own = slices.Delete(own, i, i+1) // the next one with this value is the user's
			continue
		}
		if !isOwn(o) {
			r.add(o)
		}
	}
	r.home = c.ownHome(options, in["--home"])
	r.useUsual(homepath.Of(c.Home))
	return r, true
}

// useUsual replaces other names of the home in variables.
func (r record) useUsual(names homepath.Names) {
	for name, value := range r.env {
		parts := strings.Split(value, ":")
		for i := range parts {
			if path.IsAbs(parts[i]) {
				parts[i] = names.Usual(parts[i])
			}
		}
		r.env[name] = strings.Join(parts, ":")
	}
}

// cutArgs returns the arguments before and after a word.
func cutArgs(args []string, word string) (before, after []string, ok bool) {
	i := slices.Index(args, word)
	if i < 0 {
		return args, nil, false
	}
	return args[:i], args[i+1:], true
}

// readShared reads what a container does not share with the host. Containers with an init
// system have processes and groups of their own.
func (r *record) readShared(options []option, init bool) {
	for _, u := range unshared {
		implied := init && u.word == "process"
		if !slices.Contains(options, u.share) && !implied {
			r.unshare = append(r.unshare, u.word)
		}
	}
	if slices.Contains(options, option{name: "--label", value: "distrobox.unshare_groups=1"}) && !init {
		r.unshare = append(r.unshare, "groups")
	}
	slices.Sort(r.unshare)
}

func (r *record) add(o option) {
	name, value, isSet := strings.Cut(o.value, "=")
	switch {
	case o.name == "--env" && isSet:
		r.env[name] = value
	case o.name == "--volume":
		r.volumes = append(r.volumes, o.value)
	default:
		r.flags = append(r.flags, o)
	}
}

// ownHome returns the home of a container, "" if it is that of the host. The last HOME
// counts: release 1.4 has no argument for the homes below DBX_CONTAINER_HOME_PREFIX.
func (c Creator) ownHome(options []option, home string) string {
	for _, o := range options {
		if value, ok := strings.CutPrefix(o.value, "HOME="); ok && o.name == "--env" {
			home = value
		}
	}
	if path.Clean(home) == path.Clean(c.Home) || home == "" || homepath.Of(c.Home).Usual(home) == c.Home {
		return ""
	}
	return home
}

// isOwn reports whether only distrobox adds an option, with any value, as seen in its releases
// 1.4 to 2.0.
func isOwn(o option) bool {
	label, _, _ := strings.Cut(o.value, "=")
	source, target, _ := strings.Cut(o.value, ":")
	target, _, _ = strings.Cut(target, ":")
	switch o.name {
	case "--name", "--entrypoint", "--log-level":
		return true
	case "--label":
		return o.value == "manager=distrobox" || strings.HasPrefix(label, "distrobox.") || label == LabelName
	case "--env":
		return label == "HOME" || label == "DISTROBOX_HOST_HOME"
	case "--userns":
		return o.value == "keep-id" || strings.HasPrefix(o.value, "keep-id:size=")
	case "--mount":
		return slices.Contains([]string{
			"type=devpts,destination=/dev/pts", "type=tmpfs,destination=/run", "type=tmpfs,destination=/run/lock", "type=tmpfs,destination=/var/lib/journal",
		}, o.value)
	case "--volume":
		fixed := []string{
			"/usr/bin/entrypoint", "/usr/bin/distrobox-export", "/usr/bin/distrobox-host-exec", "/run/.distrobox.rootless",
			"/run/secrets/etc-pki-entitlement", "/run/secrets/rhsm", "/run/secrets/redhat.repo",
		}
		return slices.Contains(fixed, target) || paths.Within(target, "/run/host") || target == source && path.Dir(source) == "/run/user"
	}
	return false
}

// ownOptions returns the options that distrobox adds to a container, each once. A second
// one is the user's.
func (c Creator) ownOptions(name string, options []option, home string) []func(option) bool {
	var all []func(option) bool
	add := func(name string, values ...string) {
		for _, value := range values {
			all = append(all, func(o option) bool { return o.name == name && o.value == value })
		}
	}
	add("--privileged", "")
	add("--security-opt", "label=disable", "apparmor=unconfined")
	add("--pids-limit", "-1")
	add("--user", "root:root")
	add("--ipc", "host")
	add("--network", "host")
	add("--pid", "host")
	add("--ulimit", "host")
	add("--annotation", "run.oci.keep_original_groups=1")
	add("--systemd", "always")
	add("--runtime", "crun")
	add("--cgroupns", "host")
	add("--stop-signal", "SIGRTMIN+3")
	for _, variable := range []string{"SHELL=", "container=", "TERMINFO_DIRS=", "CONTAINER_ID="} {
		all = append(all, func(o option) bool { return o.name == "--env" && strings.HasPrefix(o.value, variable) })
	}
	for _, dir := range []string{"/tmp", "/dev", "/sys", c.Home, "/var/home/" + path.Base(c.Home), "/run/shm", "/dev/shm"} {
		add("--volume", dir+":"+dir+":rslave", dir+":"+dir)
	}
	add("--volume", home+":"+home+":rslave", "/nix:/nix", "/gnu:/gnu", "/run/current-system/sw:/run/current-system/sw")
	add("--volume", "/dev/pts", "/dev/null:/dev/ptmx", "/var/log/journal", "/sys/fs/selinux")
	for _, file := range []string{"/etc/hosts", "/etc/localtime", "/etc/resolv.conf", "/etc/hostname"} {
		add("--volume", file+":"+file+":ro")
	}
	if hostname, ok := firstValue(options, "--hostname"); ok && isOwnHostname(name, hostname, options) {
		add("--hostname", hostname)
	}
	return all
}

func firstValue(options []option, name string) (string, bool) {
	i := slices.IndexFunc(options, func(o option) bool { return o.name == name })
	if i < 0 {
		return "", false
	}
	return options[i].value, true
}

// isOwnHostname reports whether distrobox has chosen the name of a container as a host:
// with the container's name before that of this computer, as 1.4 does, or with that of this
// computer, whose file the container then has, too.
func isOwnHostname(container, hostname string, options []option) bool {
	return strings.HasPrefix(hostname, container+".") || slices.Contains(options, option{name: "--volume", value: "/etc/hostname:/etc/hostname:ro"})
}

// fromRecord gives the entry of a container what the manager has recorded of its creation.
// It returns what a manifest cannot express. declared is the entry of the manifest: its
// words stay where they mean the same.
func (c Creator) fromRecord(entry *manifest.Container, of manager.Container, declared manifest.Container, envInImage bool) []string {
	r, ok := c.readRecord(of)
	if !ok {
		in, _ := SplitArgs(of.Args)
		entry.Home = c.homeWords(c.ownHome(nil, in["--home"]), declared.Home)
		return []string{"its options: there is no record of the command that created it"}
	}
	entry.Home, entry.Unshare = c.homeWords(r.home, declared.Home), inOrder(r.unshare, declared.Unshare)
	if envInImage {
		clear(r.env)
	}
	d := c.declaredOptions(declared)
	if sameOptions(r, d) {
		others := c.withoutVolumes(r.volumes, d.volumes)
		entry.Volume = c.recordedVolumes(others, declared.Volume)
		return nil
	}
	entry.Volume = c.recordedVolumes(r.volumes, declared.Volume)
	return c.setOptions(entry, r)
}

// homeWords returns a home in the words of the declaration, if that has the same one.
func (c Creator) homeWords(home, declared string) string {
	if home != "" && declared != "" && path.Clean(c.expand(declared)) == path.Clean(home) {
		return declared
	}
	return paths.Shorten(home, c.Home)
}

// recordedVolumes returns volumes in the words of the declaration.
func (c Creator) recordedVolumes(volumes, declared []string) []string {
	var all []string
	names := homepath.Of(c.Home)
	for _, v := range volumes {
		source, rest, ok := strings.Cut(v, ":")
		if ok && path.IsAbs(source) {
			v = paths.Shorten(names.Usual(source), c.Home) + ":" + rest
		}
		all = append(all, c.asDeclared(v, declared, names))
	}
	slices.Sort(all)
	return inOrder(slices.Compact(all), declared)
}

// setOptions gives an entry the variables and flags of a record, and returns those that a
// manifest cannot express.
func (c Creator) setOptions(entry *manifest.Container, r record) (out []string) {
	entry.Env, entry.Path, entry.AdditionalFlags = nil, nil, nil
	for name, value := range r.env {
		short, ok := c.shortenAll(value)
		switch {
		case name == "PATH":
			if entry.Path, ok = c.splitPath(value); !ok {
				out = append(out, "PATH="+value)
			}
		case manifest.CheckVariable(name, value) != nil || !ok:
			out = append(out, "variable "+name)
		default:
			if entry.Env == nil {
				entry.Env = map[string]string{}
			}
			entry.Env[name] = short
		}
	}
	for _, o := range r.flags {
		flag, err := o.flag()
		if err != nil || manifest.CheckFlag(flag) != nil {
			out = append(out, o.name)
			continue
		}
		entry.AdditionalFlags = append(entry.AdditionalFlags, flag)
	}
	slices.Sort(out)
	return out
}

// flag returns an option as distrobox takes it, which passes it to a shell.
func (o option) flag() (string, error) {
	plain := !strings.ContainsFunc(o.value, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-", r)
	})
	if o.bare || plain {
		return o.String(), nil
	}
	quoted, err := shell.Quote(o.value)
	return o.name + "=" + apart(quoted), err
}

// shortenAll is the opposite of expandAll. ok reports whether expandAll returns the value.
func (c Creator) shortenAll(value string) (short string, ok bool) {
	parts := strings.Split(value, ":")
	for i := range parts {
		if parts[i] = paths.Shorten(parts[i], c.Home); parts[i] == c.Home {
			parts[i] = "~"
		}
	}
	short = strings.Join(parts, ":")
	return short, c.expandAll(short) == value
}

// splitPath returns the folders of a PATH. ok reports whether they have the standard ones,
// without which a manifest has no PATH.
func (c Creator) splitPath(value string) (folders []string, ok bool) {
	standard := strings.Join(standardPath, ":")
	before, after, ok := strings.Cut(":"+value+":", ":"+standard+":")
	if !ok {
		return nil, false
	}
	list := func(text string) []string {
		var all []string
		for dir := range strings.SplitSeq(strings.Trim(text, ":"), ":") {
			if dir != "" {
				all = append(all, paths.Shorten(dir, c.Home))
			}
		}
		return all
	}
	folders = list(before)
	if rest := list(after); len(rest) > 0 {
		folders = append(append(folders, "$PATH"), rest...)
	}
	return folders, c.pathOf(folders) == value
}

// declaredOptions returns the variables and flags of a declaration. Its volumes are those
// in the flags.
func (c Creator) declaredOptions(declared manifest.Container) record {
	d := record{env: map[string]string{}}
	for _, flag := range declared.AdditionalFlags {
		for _, o := range parseOptions(shell.Texts(shell.Split(flag))) {
			d.add(o)
		}
	}
	for name, value := range declared.Env {
		d.env[name] = c.expandAll(value)
	}
	if len(declared.Path) > 0 {
		d.env["PATH"] = c.pathOf(declared.Path)
	}
	d.useUsual(homepath.Of(c.Home))
	return d
}

// sameOptions reports whether two records have the same variables and flags, in any order.
func sameOptions(a, b record) bool {
	return maps.Equal(a.env, b.env) && slices.Equal(sortedWords(a.flags), sortedWords(b.flags))
}

// withoutVolumes returns volumes without others.
func (c Creator) withoutVolumes(volumes, others []string) []string {
	names := homepath.Of(c.Home)
	return slices.DeleteFunc(slices.Clone(volumes), func(v string) bool { return slices.Contains(others, c.asDeclared(v, others, names)) })
}

// sortedWords returns options as sorted words.
func sortedWords(options []option) []string {
	var all []string
	for _, o := range options {
		all = append(all, o.String())
	}
	slices.Sort(all)
	return all
}
