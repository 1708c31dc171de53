package imagerule

import (
	"path"
	"slices"
	"strings"

	"bkt/internal/hook/command"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/script/call"
)

// dnfValued are options of dnf whose value may be the next argument.
const dnfValued = "--enablerepo --enable-repo --disablerepo --disable-repo --repo --repoid --from-repo --exclude -x --setopt --releasever " +
	"--installroot -c --config --forcearch --advisory --comment --repofrompath --downloaddir --destdir -d --debuglevel -e --errorlevel -R --randomwait " +
	"--from-repofile --add-repo --id --set --save-filename"

// asking are the commands of dnf that ask before they change anything.
var asking = []string{
	"install", "in", "remove", "rm", "erase", "upgrade", "update", "up", "downgrade", "dg", "reinstall", "rei", "swap",
	"distro-sync", "dsync", "dist-upgrade", "dup", "autoremove", "group", "groupinstall", "groupremove",
}

// packages judges commands of package managers.
func (r *reader) packages(c call.Call, cmd command.Call) {
	switch cmd.Name {
	case "dnf", "dnf5", "dnf-3", "dnf4", "yum", "microdnf":
		r.dnf(c, cmd.Name, command.ParseOptions(cmd.Args, dnfValued))
	case "yum-config-manager", "dnf-config-manager":
		r.configManager(command.ParseOptions(cmd.Args, dnfValued), 0)
	case "rpm":
		o := command.ParseOptions(cmd.Args, "--root --dbpath")
		if o.Has("-e", "--erase") {
			r.removes(o.Operands)
		}
	case "rpm-ostree":
		o := command.ParseOptions(cmd.Args, "--install --uninstall --replace")
		switch {
		case len(o.Operands) > 1 && o.Operands[0] == "override":
			r.removes(append(o.Operands[2:], "kernel")) // override replaces what it installs
		case len(o.Operands) > 0 && o.Operands[0] == "install":
			r.installs(o.Operands[1:])
		}
	}
}

// dnf judges a command of dnf. One for another root is about another image.
func (r *reader) dnf(c call.Call, program string, o command.Options) {
	if len(o.Operands) == 0 || o.Has("--installroot", "--root") {
		return
	}
	verb, operands := o.Operands[0], o.Operands[1:]
	r.asks(c, o, program, verb)
	switch verb {
	case "install", "in", "upgrade", "update":
		if !o.Has("--downloadonly") {
			r.installs(operands)
		}
	case "remove", "rm", "erase":
		r.removes(operands)
	case "swap":
		r.removes(operands[:min(1, len(operands))])
		r.installs(operands[min(1, len(operands)):])
	case "copr":
		r.copr(operands)
	case "config-manager":
		r.configManager(o, 1)
	}
}

// asks reports a command that asks, and that nobody answers during a build. A variable may
// hold the option that answers.
func (r *reader) asks(c call.Call, o command.Options, program, verb string) {
	isVariable := func(arg string) bool { return strings.HasPrefix(arg, call.Unknown) }
	switch {
	case !slices.Contains(asking, verb), c.HasInput, r.answersIt, o.Has("-y", "--assumeyes", "--assumeno", "--downloadonly"):
		return
	case verb == "group" && (len(o.Operands) < 2 || !slices.Contains(asking, o.Operands[1])):
		return
	case slices.ContainsFunc(o.Operands, isVariable):
		return
	}
	r.report(candidate{Found: Found{Problem: Problem{
		Rule: "dnf-asks", What: program + " " + verb + " asks before it changes anything, and nobody answers during a build",
		Advice: "write " + program + " " + verb + " -y",
	}}})
}

// bootable are packages of an image that boots: a build that installs one has a base
// without a kernel.
var bootable = []string{"bootc", "ostree", "rpm-ostree"}

// installs judges the packages of an install.
func (r *reader) installs(specs []string) {
	if slices.ContainsFunc(specs, func(spec string) bool { return slices.Contains(bootable, PackageName(spec)) }) {
		r.bare = true
		r.drop(func(c candidate) bool { return c.Rule == "bootc/kernel" })
	}
	i := slices.IndexFunc(specs, IsKernel)
	if i < 0 {
		return
	}
	r.makesInitramfs() // the scripts of the package do
	if r.noKernel || r.bare {
		return
	}
	r.report(candidate{Found: Found{Problem: Problem{
		Rule: "bootc/kernel", What: "package " + specs[i] + ": the base image has a kernel, and bootc refuses an image with two",
		Advice: "remove the kernel of the base image first, with dnf remove",
	}}})
}

// removes records that the kernel of the base image is removed.
func (r *reader) removes(specs []string) {
	if RemovesKernel(specs) || slices.ContainsFunc(specs, func(spec string) bool { return strings.HasPrefix(spec, call.Unknown) }) {
		r.noKernel = true
	}
}

// A repository is one that an instruction enables.
type repository struct {
	ids  []string // the beginnings of its ids
	file string   // the name of its file in /etc/yum.repos.d; empty if it is not known
}

// repoFolder is the folder of files of repositories.
const repoFolder = "/etc/yum.repos.d"

// enable reports that a repository stays enabled, unless it is disabled later.
func (r *reader) enable(repo repository, name, where string) {
	r.report(candidate{repo: &repo, Found: Found{Problem: Problem{
		Rule: "repo-enabled", What: name + " stays enabled on the machine, and any package of it may replace one of the base image",
		Advice: "declare it in " + where + ", or disable it in the same RUN",
	}}})
}

// disable takes back the findings about repositories.
func (r *reader) disable(isMeant func(repository) bool) {
	r.drop(func(c candidate) bool { return c.repo != nil && isMeant(*c.repo) })
}

// isInFile reports whether a path, which may be a pattern, is the file of the repository or
// a folder above it.
func (repo repository) isInFile(pattern string) bool {
	if repo.file == "" {
		return paths.Within(pattern, repoFolder)
	}
	return matchesAbove(pattern, path.Join(repoFolder, repo.file))
}

// hasID reports whether an id, which may be a pattern, is one of the repository. A file
// such as docker-ce.repo has repositories whose ids begin with its name.
func (repo repository) hasID(id string) bool {
	return len(repo.ids) == 0 || strings.Contains(id, call.Unknown) || slices.ContainsFunc(repo.ids, func(own string) bool {
		ok, err := path.Match(id, own)
		return ok && err == nil || strings.HasPrefix(strings.Trim(id, "*"), own)
	})
}

// copr judges dnf copr.
func (r *reader) copr(operands []string) {
	if len(operands) < 2 {
		return
	}
	project := strings.TrimPrefix(operands[1], "copr.fedorainfracloud.org/")
	id := "copr.fedorainfracloud.org:" + strings.ReplaceAll(strings.Replace(project, "@", "group_", 1), "/", ":")
	switch operands[0] {
	case "enable":
		repo := repository{ids: []string{"copr:" + id}, file: "_copr:" + id + ".repo"}
		if strings.Contains(project, call.Unknown) {
			repo.ids = nil
		}
		r.enable(repo, "the COPR repository "+project, "copr_repos of "+manifest.SystemPackagesPath)
	case "disable", "remove":
		r.disable(func(repo repository) bool { return strings.HasPrefix(repo.file, "_copr:") && repo.hasID("copr:"+id) })
	}
}

// configManager judges dnf config-manager of dnf 4 and dnf 5, whose n first operands name
// the command.
func (r *reader) configManager(o command.Options, n int) {
	operands := o.Operands[n:]
	for _, url := range o.Values("--add-repo") {
		r.addRepo(url, nil)
	}
	switch {
	case o.Has("--set-disabled", "--disable"):
		r.disableAll(operands)
	case len(operands) == 0:
	case operands[0] == "addrepo":
		isOff := slices.ContainsFunc(o.Values("--set"), func(s string) bool { return isDisabled(s) && strings.HasPrefix(s, "enabled") })
		for _, url := range o.Values("--from-repofile") {
			if !isOff {
				r.addRepo(url, o.Values("--id"))
			}
		}
	case operands[0] == "disable":
		r.disableAll(operands[1:])
	case operands[0] == "setopt":
		for _, setting := range operands[1:] {
			if id, rest, ok := cutLast(setting, ".enabled"); ok && isDisabled(rest) {
				r.disableAll([]string{id})
			}
		}
	}
}

// cutLast cuts s around the last occurrence of sep.
func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func isDisabled(setting string) bool {
	_, value, ok := strings.Cut(setting, "=")
	return ok && slices.Contains([]string{"0", "false", "no", "False"}, value)
}

func (r *reader) disableAll(ids []string) {
	r.disable(func(repo repository) bool { return slices.ContainsFunc(ids, repo.hasID) })
}

// addRepo reports a repository that is added from the URL of its file.
func (r *reader) addRepo(url string, ids []string) {
	name := path.Base(url)
	repo := repository{ids: append(ids, strings.TrimSuffix(name, ".repo")), file: name}
	if strings.Contains(name, call.Unknown) || path.Ext(name) != ".repo" {
		repo.ids, repo.file = ids, ""
	}
	r.enable(repo, "the repository of "+url, manifest.ExternalReposPath)
}

// edited takes back the findings about repositories whose files sed disables.
func (r *reader) edited(c call.Call, cmd command.Call) {
	if !slices.ContainsFunc(cmd.Args, func(a string) bool { return strings.Contains(a, "enabled") && strings.Contains(a, "0") }) {
		return
	}
	for _, name := range command.ParseOptions(cmd.Args, "-e --expression -f --file").Operands {
		name = c.Path(name)
		r.disable(func(repo repository) bool {
			return strings.HasPrefix(name, repoFolder) && (strings.Contains(name, call.Unknown) || repo.isInFile(name))
		})
	}
}
