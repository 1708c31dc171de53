package lint

import (
	"slices"
	"strings"

	"bkt/internal/hook/command"
)

// checkPinnedVersion reports installers with a version among their arguments.
func (l *linter) checkPinnedVersion(c command.Call, sc scope) {
	if pins(c) {
		l.report("pinned-version", sc)
	}
}

// pins reports whether a command installs a certain version, not the newest.
func pins(c command.Call) bool {
	switch c.Name {
	case "rustup":
		return pinsRust(c)
	case "rustup-init":
		return pinsDefault(c.Args)
	case "proto", "fnm", "asdf", "pyenv", "rbenv", "sdk", "volta", "mise", "rtx", "nodenv", "goenv":
		return pinsTool(c)
	case "nvm":
		s, ok := c.Sub("install", "alias")
		return ok && slices.ContainsFunc(s.Args, isVersion)
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
	if strings.HasPrefix(c.Name, "python") && len(c.Args) > 2 && c.Args[0] == "-m" {
		return pins(command.Call{Name: c.Args[1], Args: c.Args[2:]})
	}
	return c.IsShell() && pinsDefault(c.Args)
}

func pinsPython(c command.Call) bool {
	interpreter := c.Is("uv") && slices.Contains(c.Args, "python")
	return slices.Contains(c.Args, "install") && slices.ContainsFunc(c.Args, func(a string) bool {
		return strings.Contains(a, "==") || interpreter && isVersion(a)
	})
}

// pinsGo reports whether a module has a version. One without a dot is the newest
// of a major version, which is part of the module's path as well.
func pinsGo(c command.Call) bool {
	s, ok := c.Sub("install", "get")
	return ok && slices.ContainsFunc(s.Args, func(a string) bool {
		version := after(a, "@")
		return isVersion(version) && strings.Contains(version, ".")
	})
}

func pinsGem(c command.Call) bool {
	s, ok := c.Sub("install")
	o := command.ParseOptions(s.Args, "-v --version")
	return ok && (slices.ContainsFunc(o.Values("-v", "--version"), isVersion) ||
		slices.ContainsFunc(o.Operands, func(a string) bool { return isVersion(after(a, ":")) }))
}

// pinsDefault reports whether the arguments of rustup's installer have a version.
func pinsDefault(args []string) bool {
	return slices.ContainsFunc(command.ParseOptions(args, "--default-toolchain").Values("--default-toolchain"), isToolchain)
}

func pinsRust(c command.Call) bool {
	s, ok := c.Sub("install", "update", "default", "toolchain")
	if !ok {
		return false
	}
	if s.Name == "toolchain" {
		if s, ok = s.Sub("install", "add", "update"); !ok {
			return false
		}
	}
	o := command.ParseOptions(s.Args, "--profile -c --component -t --target")
	return slices.ContainsFunc(o.Operands, isToolchain)
}

// isToolchain reports whether the name of a Rust toolchain has a version or a date.
func isToolchain(name string) bool {
	channel, rest, _ := strings.Cut(name, "-")
	return isVersion(channel) || slices.Contains([]string{"stable", "beta", "nightly"}, channel) && isVersion(rest)
}

// pinsTool is for managers whose arguments are a tool and its version, as two words
// or joined by an @.
func pinsTool(c command.Call) bool {
	s, ok := c.Sub("install", "use", "global", "default", "i", "pin")
	if !ok {
		return false
	}
	o := command.ParseOptions(s.Args, "-j --jobs")
	return slices.ContainsFunc(o.Operands, func(a string) bool { return isVersion(a) || isVersion(after(a, "@")) })
}

func pinsNode(c command.Call) bool {
	installs := slices.ContainsFunc(c.Args, func(a string) bool { return slices.Contains([]string{"install", "i", "add", "prepare"}, a) })
	return installs && slices.ContainsFunc(c.Args, func(a string) bool {
		return isVersion(after(strings.TrimPrefix(a, "@"), "@"))
	})
}

func pinsCargo(c command.Call) bool {
	s, ok := c.Sub("install", "binstall")
	if !ok {
		return false
	}
	o := command.ParseOptions(s.Args, "--version --vers --git --branch --tag --rev --path --root --features -F --profile --target --index --registry -j --jobs")
	return o.Has("--tag", "--rev") || slices.ContainsFunc(o.Values("--version", "--vers"), isVersion) ||
		slices.ContainsFunc(o.Operands, func(a string) bool { return isVersion(after(a, "@")) })
}

func pinsPackage(c command.Call) bool {
	if !slices.ContainsFunc(c.Args, func(a string) bool { return a == "install" || a == "add" }) {
		return false
	}
	return slices.ContainsFunc(c.Args, func(a string) bool {
		if strings.HasPrefix(a, "-") {
			return false
		}
		if c.Is("apt", "apt-get", "apk") {
			return isVersion(after(a, "="))
		}
		return hasVersion(strings.TrimSuffix(a, ".rpm"))
	})
}

// hasVersion reports whether a spec of dnf ends with a version, as in gcc-13.2*
// and gcc-13.2.1-7.fc40. A version elsewhere can be part of the name, as in
// java-1.8.0-openjdk.
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

// after returns the text after the last separator in s, "" without one.
func after(s, separator string) string {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return ""
	}
	return s[i+len(separator):]
}
