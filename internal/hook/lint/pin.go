package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"

	"mvdan.cc/sh/v3/syntax"
)

// checkPinnedVersion reports commands that install a certain version, not the newest.
func (l *linter) checkPinnedVersion(c command.Call, sc scope) {
	c = ofModule(c)
	if c.Is("echo", "printf", "grep", "test", "[", "logger", "cd", "export") {
		return
	}
	installs := installs(c)
	if (installs || c.Is("curl", "wget", "aria2c", "rpm", "pacman")) && pinsURL(c) || installs && pinsArgument(c) || pinsRust(c) ||
		pinsRevision(c) || pinsPackage(c, installs) || l.pinsDownloaded(c, sc) {
		l.report("pinned-version", sc)
	}
}

// ofModule returns the module that python -m runs.
func ofModule(c command.Call) command.Call {
	if strings.HasPrefix(c.Name, "python") && len(c.Args) > 2 && c.Args[0] == "-m" {
		return command.Call{Name: c.Args[1], Args: c.Args[2:], Words: c.Words[2:], At: c.At}
	}
	return c
}

// dotted finds a version with a dot that begins a part of a path or a name: two numbers
// there or after v, three anywhere.
var dotted = lazy(`(^|[-/_@=:~^<v])[0-9]+\.[0-9]+|[0-9]+\.[0-9]+\.[0-9]+`)

// hasDotted reports whether a text has a version with a dot in it.
func hasDotted(text string) bool { return dotted().MatchString(text) }

// releases finds the release of a distribution in the path of a URL: packages for the
// image have it.
var releases = lazy(`(?i)(^|[-_/])x?(ubuntu|debian|fedora|rhel|centos|el|alpine|opensuse|leap|sles)[-_/]v?[0-9.]+`)

// pinsURL reports whether a command downloads a URL that names a version.
func pinsURL(c command.Call) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool {
		_, rest, ok := strings.Cut(a, "://")
		host, p, found := strings.Cut(rest, "/")
		if !ok || !found || strings.HasPrefix(host, "localhost") || strings.HasPrefix(host, "127.") {
			return false
		}
		p, _, _ = strings.Cut(p, "?")
		p = releases().ReplaceAllString(strings.ReplaceAll(p, "x86_64", ""), "")
		return hasDotted(p) || isDated(p)
	})
}

// dated finds a date, as nightly builds have.
var dated = lazy(`(^|[-/_])20[0-9]{2}-[0-9]{2}-[0-9]{2}`)

func isDated(s string) bool { return dated().MatchString(s) }

// installing are words of commands that install, or choose, a version.
const installing = `install i add use global local default pin prepare update upgrade install-plugin binstall require get
	download create exec dlx --install-extension --install alias switch env`

// installs reports whether a command installs something, by one of its words.
func installs(c command.Call) bool {
	return c.Is("npx", "bunx", "uvx", "pnpx", "nix") || hasAny(c.Args, installing)
}

// versionOptions take the version of what a command installs.
const versionOptions = "--version --vers --tag --rev --ref --pin --release --channel -v --python --default-toolchain --toolchain"

// pinsArgument reports whether a command that installs has an argument with a version:
// NAME@1.2, NAME==1.2, NAME=1.2, --version 1.2, or 1.2 alone.
func pinsArgument(c command.Call) bool {
	if c.Is("git", "podman", "docker", "systemctl", "cp", "install", "make", "useradd", "ssh", "firewall-cmd", "gsettings", "update-alternatives", "alternatives") {
		return false
	}
	valued := versionOptions
	if !c.Is("gem") {
		valued = strings.Replace(valued, " -v ", " ", 1)
	}
	o := command.ParseOptions(c.Args, valued)
	if slices.ContainsFunc(o.Values(strings.Fields(valued)...), func(v string) bool { return isVersion(strings.TrimLeft(v, "~^=<> ")) }) {
		return true
	}
	if c.Is("cargo") && o.Has("--tag", "--rev") {
		return true
	}
	for i, a := range c.Args {
		afterOption := i > 0 && strings.HasPrefix(c.Args[i-1], "-") && !strings.Contains(c.Args[i-1], "=") && len(c.Args[i-1]) > 2
		if !strings.HasPrefix(a, "-") && pinsOperand(c, a, afterOption) {
			return true
		}
	}
	return false
}

// These find a version that is joined to a name.
var (
	joinedVersion = lazy(`^[^@/~][^@]*@[v^~=]*[0-9]|^@[^@]+@[v^~=]*[0-9]|[/:]@?[^/@]+@[v^~=]*[0-9]`)
	equalVersion  = lazy(`^[A-Za-z0-9][A-Za-z0-9._+-]*(\[[^]]*\])?(==|===|~=) *v?[0-9]|^[a-z0-9][a-z0-9._+-]*=[v~]?[0-9]`)
	colonVersion  = lazy(`^[A-Za-z][A-Za-z0-9._/-]*:v?[0-9]+\.[0-9]`)
	flakeVersion  = lazy(`^[a-z]+[:/]([A-Za-z0-9/._-]*[/-])?v?[0-9]+\.[0-9.]+(#|$)`)
)

// pinsOperand reports whether an operand of a command that installs has a version.
// afterOption: it can be the value of an option.
func pinsOperand(c command.Call, a string, afterOption bool) bool {
	switch {
	case joinedVersion().MatchString(a):
		version := after(a, "@")
		return !c.Is("go") || strings.Contains(version, ".") // the newest of a major version
	case equalVersion().MatchString(a):
		return true
	case colonVersion().MatchString(a), c.Is("nix") && flakeVersion().MatchString(a):
		return !c.Is("apt", "apt-get", "dnf", "flatpak")
	}
	plain := strings.TrimLeft(a, "v^~=<>")
	if strings.Trim(plain, "0123456789") == "" {
		return plain != "" && !afterOption && !c.Is("dnf", "apt", "apt-get", "pip", "pip3", "flatpak")
	}
	return !afterOption && aloneVersion().MatchString(plain)
}

// aloneVersion finds a version that is an argument of its own.
var aloneVersion = lazy(`^[0-9]+\.[0-9x*]+(\.[0-9x*]+)*([-+.][A-Za-z0-9.+-]*)?$|^[0-9]+\.x$`)

// pinsRevision reports whether git takes a tag or a commit.
func pinsRevision(c command.Call) bool {
	if !c.Is("git") {
		return false
	}
	n := command.FirstOperand(c.Args, gitValued)
	if n >= len(c.Args) {
		return false
	}
	o := command.ParseOptions(c.Args[n+1:], "-b --branch --depth --revision")
	switch c.Args[n] {
	case "clone":
		return slices.ContainsFunc(o.Values("-b", "--branch", "--revision"), isTag)
	case "checkout", "switch", "reset":
		return !o.Has("-b", "-B", "-c", "-C") && slices.ContainsFunc(o.Operands, isTag)
	}
	return false
}

var tags = lazy(`^(refs/tags/|tags/|release[-/])?v?[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$|^[0-9a-f]{7,40}$`)

func isTag(s string) bool { return tags().MatchString(s) }

// pinsRust reports whether a toolchain of Rust is named by its version or date.
func pinsRust(c command.Call) bool {
	if c.Is("cargo", "rustc") && len(c.Args) > 0 && strings.HasPrefix(c.Args[0], "+") {
		return isToolchain(c.Args[0][1:])
	}
	if !c.Is("rustup", "rustup-init") {
		return false
	}
	o := command.ParseOptions(c.Args, "--profile -c --component -t --target --default-toolchain --toolchain")
	return slices.ContainsFunc(append(o.Values("--default-toolchain", "--toolchain"), o.Operands...), isToolchain)
}

// isToolchain reports whether the name of a Rust toolchain has a version or a date.
func isToolchain(name string) bool {
	channel, rest, _ := strings.Cut(name, "-")
	return isVersion(channel) || slices.Contains([]string{"stable", "beta", "nightly"}, channel) && isVersion(rest)
}

// pinsPackage reports whether a package manager installs a version of a package. Numbers
// within a name are none, such as those of dotnet-sdk-10.0 and java-1.8.0-openjdk.
func pinsPackage(c command.Call, installs bool) bool {
	if c.Is("dnf", "dnf5", "yum") && slices.Contains(c.Args, "module") {
		return slices.ContainsFunc(c.Args, func(a string) bool { return isVersion(after(a, ":")) }) // a stream
	}
	return c.Is("dnf", "dnf5", "yum", "microdnf", "zypper") && installs &&
		slices.ContainsFunc(c.Args, func(a string) bool { return !strings.HasPrefix(a, "-") && !strings.Contains(a, "://") && hasRelease(a) })
}

// withVersion finds NAME-VERSION-RELEASE, NAME-EPOCH:VERSION-RELEASE, a version of three
// numbers, and a pattern of versions, at the end of the spec of a package.
var withVersion = lazy(`-[0-9]+:[0-9]|-v?[0-9][0-9A-Za-z.+~^]*\.[0-9A-Za-z.+~^]*-[0-9][0-9A-Za-z.+~^]*$|-[0-9]+\.[0-9]+\.[0-9][0-9A-Za-z.+~^]*$|-[0-9]+\.[0-9.]*\*$`)

func hasRelease(spec string) bool {
	spec = spec[strings.LastIndex(spec, "/")+1:]
	spec = strings.TrimSuffix(spec, ".rpm")
	for _, arch := range []string{".x86_64", ".noarch", ".aarch64", ".i686", ".src"} {
		spec = strings.TrimSuffix(spec, arch)
	}
	return withVersion().MatchString(spec)
}

// pinsDownloaded reports whether what was downloaded runs with a version among its
// arguments or in its environment.
func (l *linter) pinsDownloaded(c command.Call, sc scope) bool {
	if !l.runsDownload(c, sc) {
		return false
	}
	skip := -1
	if i, ok := c.Script(); ok {
		skip = i
	}
	if l.pinned != "" {
		return true
	}
	for i, a := range c.Args {
		if i != skip && !strings.Contains(a, "$(") && !strings.Contains(a, "://") && !strings.HasPrefix(a, "<(") &&
			!slices.Contains(l.downloads, l.absolute(a)) && (hasDotted(a) || isToolchain(a) && strings.Contains(a, "-") || isDated(a)) {
			return true
		}
	}
	return false
}

// runsDownload reports whether a command runs something that was downloaded: a file, the
// value of a variable, or its input.
func (l *linter) runsDownload(c command.Call, sc scope) bool {
	if sc.fromNet && c.RunsInput() || slices.ContainsFunc(l.downloads, func(d string) bool { return d != "" && d == l.absolute(c.Path) }) {
		return true
	}
	if !c.IsShell() && !c.Is("eval", "source", ".") && !strings.HasPrefix(c.Name, "python") && !c.Is("perl", "node") {
		return false
	}
	for i, w := range c.Words {
		if l.substitutesDownload(w) || slices.Contains(l.downloads, l.absolute(c.Args[i])) || l.namesFetched(w) {
			return true
		}
	}
	return false
}

// namesFetched reports whether a word has a variable whose value was downloaded.
func (l *linter) namesFetched(w *syntax.Word) bool {
	found := false
	syntax.Walk(w, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil {
			found = found || slices.Contains(l.fetched, p.Param.Value)
		}
		return true
	})
	return found
}

// checkAssigned reports a version in the environment of a command that runs a download.
func (l *linter) checkAssigned(call *syntax.CallExpr, c command.Call, sc scope) {
	if len(call.Assigns) == 0 && len(c.Env) == 0 || !l.runsDownload(c, sc) {
		return
	}
	pins := slices.ContainsFunc(c.Env, func(e string) bool { return hasDotted(after(e, "=")) })
	for _, a := range call.Assigns {
		if a.Value != nil && a.Name != nil && hasDotted(l.text(a.Value)) && !strings.Contains(l.text(a.Value), "/") {
			pins = true
		}
	}
	if pins {
		l.report("pinned-version", sc)
	}
}

// isVersion reports whether s is a version, not the name of a channel.
func isVersion(s string) bool {
	s = strings.TrimLeft(s, "^~=<>v")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// after returns the text after the last separator in s, "" without one.
func after(s, separator string) string {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return ""
	}
	return s[i+len(separator):]
}
