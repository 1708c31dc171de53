package lint

import (
	"slices"
	"strings"
)

// pinned looks for installers that are told a version.
func (l linter) pinned(c call, sc scope) {
	if pins(c) {
		l.report("pinned-version", sc)
	}
}

// pins reports whether a command installs a version, not what is newest.
func pins(c call) bool {
	switch c.name {
	case "rustup":
		return pinsRust(c)
	case "rustup-init":
		return pinsDefault(c.args)
	case "proto", "fnm", "asdf", "pyenv", "rbenv", "sdk", "volta", "mise", "rtx", "nodenv", "goenv":
		return pinsTool(c)
	case "nvm":
		s, ok := c.sub("install", "alias")
		return ok && slices.ContainsFunc(s.args, isVersion)
	case "npm", "pnpm", "yarn", "bun", "corepack":
		return pinsNode(c)
	case "pip", "pip3", "pipx", "uv":
		return pinsPython(c)
	case "cargo":
		return pinsCargo(c)
	case "go":
		return pinsGo(c)
	case "gem":
		return pinsGem(c)
	case "dnf", "dnf5", "yum", "microdnf", "apt", "apt-get", "apk":
		return pinsPackage(c)
	}
	if strings.HasPrefix(c.name, "python") && len(c.args) > 2 && c.args[0] == "-m" {
		return pins(call{name: c.args[1], args: c.args[2:]})
	}
	return c.isShell() && pinsDefault(c.args)
}

func pinsPython(c call) bool {
	interpreter := c.is("uv") && slices.Contains(c.args, "python")
	return slices.Contains(c.args, "install") && slices.ContainsFunc(c.args, func(a string) bool {
		return strings.Contains(a, "==") || interpreter && isVersion(a)
	})
}

// pinsGo looks for versions of modules. One without a dot is the newest of a
// line, which the path of the module names as well.
func pinsGo(c call) bool {
	s, ok := c.sub("install", "get")
	return ok && slices.ContainsFunc(s.args, func(a string) bool {
		version := after(a, "@")
		return isVersion(version) && strings.Contains(version, ".")
	})
}

func pinsGem(c call) bool {
	s, ok := c.sub("install")
	o := parseOptions(s.args, "-v --version")
	return ok && (slices.ContainsFunc(o.values("-v", "--version"), isVersion) ||
		slices.ContainsFunc(o.operands, func(a string) bool { return isVersion(after(a, ":")) }))
}

// pinsDefault looks for the toolchain in the arguments of rustup's installer.
func pinsDefault(args []string) bool {
	return slices.ContainsFunc(parseOptions(args, "--default-toolchain").values("--default-toolchain"), isToolchain)
}

func pinsRust(c call) bool {
	s, ok := c.sub("install", "update", "default", "toolchain")
	if !ok {
		return false
	}
	if s.name == "toolchain" {
		if s, ok = s.sub("install", "add", "update"); !ok {
			return false
		}
	}
	o := parseOptions(s.args, "--profile -c --component -t --target")
	return slices.ContainsFunc(o.operands, isToolchain)
}

// isToolchain reports whether the name of a Rust toolchain has a version or a
// day in it.
func isToolchain(name string) bool {
	channel, rest, _ := strings.Cut(name, "-")
	return isVersion(channel) || slices.Contains([]string{"stable", "beta", "nightly"}, channel) && isVersion(rest)
}

// pinsTool is for managers that are told a tool and its version, in two words
// or with an @ between them.
func pinsTool(c call) bool {
	s, ok := c.sub("install", "use", "global", "default", "i", "pin")
	if !ok {
		return false
	}
	o := parseOptions(s.args, "-j --jobs")
	return slices.ContainsFunc(o.operands, func(a string) bool { return isVersion(a) || isVersion(after(a, "@")) })
}

func pinsNode(c call) bool {
	installs := slices.ContainsFunc(c.args, func(a string) bool { return slices.Contains([]string{"install", "i", "add", "prepare"}, a) })
	return installs && slices.ContainsFunc(c.args, func(a string) bool {
		return isVersion(after(strings.TrimPrefix(a, "@"), "@"))
	})
}

func pinsCargo(c call) bool {
	s, ok := c.sub("install", "binstall")
	if !ok {
		return false
	}
	o := parseOptions(s.args, "--version --vers --git --branch --tag --rev --path --root --features -F --profile --target --index --registry -j --jobs")
	return o.has("--tag", "--rev") || slices.ContainsFunc(o.values("--version", "--vers"), isVersion) ||
		slices.ContainsFunc(o.operands, func(a string) bool { return isVersion(after(a, "@")) })
}

func pinsPackage(c call) bool {
	if !slices.ContainsFunc(c.args, func(a string) bool { return a == "install" || a == "add" }) {
		return false
	}
	return slices.ContainsFunc(c.args, func(a string) bool {
		if strings.HasPrefix(a, "-") {
			return false
		}
		if c.is("apt", "apt-get", "apk") {
			return isVersion(after(a, "="))
		}
		return hasVersion(strings.TrimSuffix(a, ".rpm"))
	})
}

// hasVersion reports whether a spec of dnf ends with a version, as in
// gcc-13.2* and gcc-13.2.1-7.fc40. There are names with a version within, such
// as java-1.8.0-openjdk.
func hasVersion(spec string) bool {
	spec = spec[strings.LastIndex(spec, "/")+1:]
	parts := strings.Split(spec, "-")
	for i, p := range parts[1:] {
		last := i == len(parts)-2
		release := !last && i == len(parts)-3 && isVersion(parts[i+2])
		if isVersion(p) && strings.Contains(p, ".") && (last || release) {
			return true
		}
	}
	return false
}

// isVersion reports whether s is a version, not the name of a channel.
func isVersion(s string) bool {
	s = strings.TrimLeft(s, "^~=<>v")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// after returns what follows the last separator in s, "" if there is none.
func after(s, separator string) string {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return ""
	}
	return s[i+len(separator):]
}
