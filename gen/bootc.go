package gen

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// A place is a folder that a bootable image has its own rules for
// (https://bootc-dev.github.io/bootc/filesystem.html, and what "bootc container
// lint" asks for).
type imagePlace struct {
	dir    string
	rule   string
	what   string // is the matter with files there
	advice string
	fatal  bool // bootc's own lint refuses the image
}

// imagePlaces has the places, those that lie in others first.
var imagePlaces = []imagePlace{
	{"/usr/etc", "bootc/usr-etc", "/usr/etc is bootc's own copy of /etc, and an image may not have both", "put the file below /etc", true},
	{"/var/run", "bootc/var-run", "/var/run must be a link to /run", "let tmpfiles.d make the file at boot", true},
	{"/var/log", "bootc/var", "files below /var are unpacked when the machine is installed, and never updated", "let the program make the file, or tmpfiles.d", false},
	{"/var", "bootc/var", "files below /var are unpacked when the machine is installed, and never updated", "put the file below /usr and let tmpfiles.d copy or link it", false},
	{"/run", "bootc/run-tmp", "/run is empty when the machine has booted", "let tmpfiles.d make the file at boot", false},
	{"/tmp", "bootc/run-tmp", "/tmp is empty when the machine has booted", "let tmpfiles.d make the file at boot", false},
	{"/boot", "bootc/boot", "/boot is the machine's, and files of the image do not get there", "the kernel belongs below /usr/lib/modules", false},
	{"/opt", "bootc/opt", "/opt leads to /var or cannot be written to on the machine", "put the file below /usr/lib/opt and let tmpfiles.d link it", false},
	{"/usr/local", "bootc/usr-local", "/usr/local leads to /var on older bases, where files are never updated", "put the file below /usr", false},
	{"/home", "bootc/home", "homes are the machine's, and files of the image do not get there", "put the file into /etc/skel", false},
	{"/root", "bootc/home", "homes are the machine's, and files of the image do not get there", "put the file below /usr or /etc", false},
	{"/dev", "bootc/dev", "/dev is the running kernel's", "write a rule for udev, below /usr/lib/udev/rules.d", false},
	{"/proc", "bootc/dev", "/proc is the running kernel's", "write a setting below /usr/lib/sysctl.d", false},
	{"/sys", "bootc/dev", "/sys is the running kernel's", "write a rule for udev, below /usr/lib/udev/rules.d", false},
	{"/sysroot", "bootc/sysroot", "/sysroot is the machine's own file system", "put the file below /usr", true},
	{"/ostree", "bootc/sysroot", "/ostree is ostree's own", "put the file below /usr", true},
}

// kargsDir is the folder of which bootc reads the files that end in .toml.
const kargsDir = "/usr/lib/bootc/kargs.d"

// users are the files that useradd changes.
var users = []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}

// judge returns what is the matter with a file at dest in a bootable image, and
// what to do instead, or nil.
func judge(dest string) *imagePlace {
	dest = path.Clean(dest)
	for _, p := range imagePlaces {
		if dest == p.dir || strings.HasPrefix(dest, p.dir+"/") {
			return &p
		}
	}
	if path.Dir(dest) == kargsDir && path.Ext(dest) != ".toml" {
		return &imagePlace{kargsDir, "bootc/kargs", "bootc reads only the files here that end in .toml, and skips this one", "name it " + strings.TrimSuffix(path.Base(dest), path.Ext(dest)) + ".toml", false}
	}
	for _, file := range users {
		if dest == file {
			return &imagePlace{file, "bootc/sysusers", "the machine has its own " + file + ", and a change of the image's does not get there", "declare users below /usr/lib/sysusers.d", false}
		}
	}
	return nil
}

// checkDest looks at where a file of the manifest goes: what bootc refuses is an
// error, what it ignores or merges badly a warning.
func (in input) checkDest(dest string, e manifest.Entry) error {
	p := judge(dest)
	if p == nil {
		return nil
	}
	if p.fatal {
		return hint.Add(fmt.Errorf("%s: %s: %s", e, dest, p.what), "%s", p.advice)
	}
	in.warn(hint.Add(Finding{p.rule, e, dest + ": " + p.what}, "%s", p.advice))
	return nil
}

// hostOnly are packages that make a machine boot. A container has no use for
// them, and an image has one kernel.
var hostOnly = []string{
	"kernel", "kernel-core", "kernel-modules*", "kernel-rt*", "kernel-64k*", "kmod-*", "akmod-*", "linux-firmware",
	"grub2*", "shim-*", "systemd-boot*", "bootupd", "dracut*", "bootc", "rpm-ostree",
}

// kernels are packages of which a bootable image has exactly one version.
var kernels = []string{
	"kernel", "kernel-core", "kernel-rt", "kernel-rt-core", "kernel-64k", "kernel-64k-core", "kernel-automotive", "kernel-automotive-core",
}

// packageName returns the name in a spec of dnf, without what it says of
// version and architecture.
func packageName(spec string) string {
	name, _, _ := strings.Cut(spec, " ")
	for _, arch := range []string{".x86_64", ".aarch64", ".noarch"} {
		name = strings.TrimSuffix(name, arch)
	}
	for i := range len(name) - 1 {
		if name[i] == '-' && '0' <= name[i+1] && name[i+1] <= '9' && !strings.HasPrefix(name[i:], "-64k") {
			return name[:i]
		}
	}
	return name
}

// checkTier looks for packages that belong in the other image.
func (in input) checkTier(p manifest.Packages, at func(i int) manifest.Entry) error {
	replaced := slices.ContainsFunc(p.Removed, func(spec string) bool {
		return strings.HasPrefix(spec, "kernel*") || matches(kernels, packageName(spec))
	})
	var errs []error
	for i, spec := range p.Packages {
		name := packageName(spec)
		switch {
		case in.kind == Toolbox && matches(hostOnly, name):
			err := fmt.Errorf("%s: package %s is for a machine that boots, and the toolbox is a container", at(i), spec)
			errs = append(errs, hint.Add(err, "put it into %s", manifest.SystemPackagesPath))
		case in.kind == System && !replaced && matches(kernels, name):
			in.warn(hint.Add(Finding{"bootc/kernel", at(i), "package " + spec + ": the base image has a kernel, and bootc refuses an image with two"},
				"remove the kernel of the base, with \"removed\" in %s", manifest.SystemPackagesPath))
		}
	}
	return errors.Join(errs...)
}

// matches reports whether a name is one of patterns, or begins with one that
// ends with *.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		beginning, more := strings.CutSuffix(p, "*")
		if name == beginning || more && strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}
