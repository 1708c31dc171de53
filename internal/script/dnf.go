package script

import (
	"slices"
	"strings"
)

// idleOptions are options of dnf without an effect on the image.
var idleOptions = []string{
	"-y", "--assumeyes", "--setopt=clean_requirements_on_remove", "-q", "--quiet", "-v", "--verbose", "--refresh",
	"--setopt=keepcache", "--setopt=max_parallel_downloads", "--setopt=fastestmirror",
	"--idempotent", "--apply-live", "--allow-inactive",
}

// valuedOptions are options of dnf whose value may be the next argument.
var valuedOptions = []string{
	"--enablerepo", "--enable-repo", "--disablerepo", "--disable-repo", "--repo", "--repoid", "--from-repo",
	"--exclude", "-x", "--setopt", "--releasever", "--installroot", "-c", "--config", "--forcearch", "--advisory", "--comment",
	"--repofrompath", "--enableplugin", "--disableplugin", "--downloaddir", "--destdir", "-d", "--debuglevel", "-e", "--errorlevel", "-R", "--randomwait",
	// Options of rpm-ostree. dnf has none of these names.
	"--append", "--append-if-missing", "--delete", "--delete-if-present", "--replace", "--install", "--uninstall",
}

// A dnfCall is a command of dnf.
type dnfCall struct {
	operands []word // including the command
	excluded []word
	enabled  []word
	options  []word // other options with an effect
}

// parseDNF parses the arguments of dnf.
func parseDNF(args []word) dnfCall {
	var c dnfCall
	for len(args) > 0 {
		w := args[0]
		args = args[1:]
		if !strings.HasPrefix(w.text, "-") {
			c.operands = append(c.operands, w)
			continue
		}
		name, value, hasValue := strings.Cut(w.text, "=")
		if !hasValue && slices.Contains(valuedOptions, name) && len(args) > 0 {
			value, w.known, args = args[0].text, w.known && args[0].known, args[1:]
			w.text += "=" + value
		}
		c.option(name, value, w)
	}
	return c
}

func (c *dnfCall) option(name, value string, w word) {
	setting, _, _ := strings.Cut(value, "=")
	switch {
	case !w.known:
		c.options = append(c.options, w)
	case slices.Contains(idleOptions, name), slices.Contains(idleOptions, name+"="+setting):
	case name == "--exclude", name == "-x":
		c.excluded = append(c.excluded, listed(value, w.line)...)
	case name == "--enablerepo", name == "--enable-repo":
		c.enabled = append(c.enabled, listed(value, w.line)...)
	default:
		c.options = append(c.options, w)
	}
}

// listed returns the items of a comma-separated list.
func listed(list string, line int) []word {
	var words []word
	for item := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		words = append(words, word{item, true, line})
	}
	return words
}

// dnf reads dnf install, remove and copr.
func (r *reader) dnf(program string, args []word) bool {
	c := parseDNF(args)
	if len(c.operands) == 0 || !c.operands[0].known {
		return false
	}
	verb, operands := c.operands[0].text, c.operands[1:]
	prefix := ""
	if slices.Contains([]string{"group", "groups", "grp"}, verb) && len(operands) > 0 {
		verb, operands, prefix = operands[0].text, operands[1:], "@"
	}
	switch verb {
	case "groupinstall", "groupremove", "grouperase":
		verb, prefix = strings.TrimPrefix(verb, "group"), "@"
	}
	switch verb {
	case "install", "in":
		r.installs(program, c, prefix, operands)
	case "remove", "rm", "erase", "uninstall":
		r.removes(program, c, prefix, operands)
	case "copr":
		return len(c.options)+len(c.enabled) == 0 && r.copr(operands)
	case "clean", "makecache", "mc":
	default:
		return false
	}
	return true
}

// installs reads an install. Each word that manifests cannot express is a separate
// statement, so that they can still take the other words.
func (r *reader) installs(program string, c dnfCall, prefix string, operands []word) {
	packages := names(prefix, operands)
	for _, w := range c.enabled {
		r.found = append(r.found, Statement{Kind: EnabledFor, Name: w.text, Of: packages, Line: w.line})
	}
	for _, w := range c.excluded {
		r.add(Excluded, w)
	}
	r.specs(program+" install", Package, prefix, operands)
	for _, w := range c.options {
		if text, ok := packageOption(w.text); ok && w.known && program != "rpm-ostree" {
			r.found = append(r.found, Statement{Kind: Other, Name: "dnf install " + text, Of: packages, Line: w.line})
			continue
		}
		r.inexpressible(program+" install", []word{w})
	}
}

// names returns the names of the packages among operands.
func names(prefix string, operands []word) []string {
	var all []string
	for _, w := range operands {
		if w.known {
			all = append(all, withPrefix(prefix, w.text))
		}
	}
	return all
}

func withPrefix(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + strings.TrimPrefix(name, prefix)
}

// packageOption returns an option of dnf install in the words that bkt uses for it. It
// is not ok if no package in a manifest can have the option.
func packageOption(text string) (string, bool) {
	name, value, _ := strings.Cut(text, "=")
	setting, state, isSetting := strings.Cut(value, "=")
	switch {
	case name == "--setopt" && setting == "install_weak_deps":
		for word, states := range map[string][]string{"True": {"1", "yes", "true", "on"}, "False": {"0", "no", "false", "off"}} {
			if slices.Contains(states, strings.ToLower(state)) {
				return "--setopt=install_weak_deps=" + word, true
			}
		}
		return text, false
	case name == "--setopt":
		return text, isSetting
	}
	return text, text == "--allowerasing" || name == "--from-repo" && value != ""
}

func (r *reader) removes(program string, c dnfCall, prefix string, operands []word) {
	r.specs(program+" remove", Removed, prefix, operands)
	r.inexpressible(program+" remove", slices.Concat(c.options, c.enabled, c.excluded))
}

// specs reads packages, or groups if there is a prefix.
func (r *reader) specs(call string, k Kind, prefix string, operands []word) {
	for _, w := range operands {
		if !w.known {
			r.other(call+" "+w.text, w.line)
			continue
		}
		w.text = withPrefix(prefix, w.text)
		r.add(k, w)
	}
}

// inexpressible adds options that no manifest can express.
func (r *reader) inexpressible(call string, options []word) {
	for _, w := range options {
		r.other(call+" "+w.text, w.line)
	}
}

// copr reads dnf copr. A repository that the same script disables again still counts:
// manifests enable repositories for an install only.
func (r *reader) copr(operands []word) bool {
	if len(operands) != 2 || !operands[0].known || !operands[1].known {
		return false // with a chroot
	}
	project := operands[1]
	project.text = strings.TrimPrefix(project.text, "copr.fedorainfracloud.org/")
	switch operands[0].text {
	case "enable":
		r.add(Copr, project)
		return true
	case "disable":
		return slices.ContainsFunc(r.found, func(s Statement) bool { return s.Kind == Copr && s.Name == project.text })
	}
	return false
}

// rpmOSTree reads a command of rpm-ostree.
func (r *reader) rpmOSTree(args []word) bool {
	c := parseDNF(args)
	if len(c.operands) == 0 || !c.operands[0].known {
		return false
	}
	verb, operands := c.operands[0].text, c.operands[1:]
	if verb == "override" && len(operands) > 0 && operands[0].text == "remove" {
		verb, operands = "uninstall", operands[1:]
	}
	switch verb {
	case "install":
		r.installs("rpm-ostree", c, "", operands)
	case "uninstall", "remove":
		r.removes("rpm-ostree", c, "", operands)
	case "kargs":
		r.kernelArguments(c)
	case "cleanup":
	default:
		return false
	}
	return true
}

// kernelArguments reads rpm-ostree kargs.
func (r *reader) kernelArguments(c dnfCall) {
	for _, w := range c.options {
		name, value, _ := strings.Cut(w.text, "=")
		if w.known && value != "" && (name == "--append" || name == "--append-if-missing") {
			r.add(Argument, word{value, true, w.line})
			continue
		}
		r.other("rpm-ostree kargs "+w.text, w.line)
	}
	for _, w := range c.operands[1:] {
		r.other("rpm-ostree kargs "+w.text, w.line)
	}
}
