// Package imagerule has the rules about images: where a bootable image must not
// have files, which packages and instructions do not belong in it, and the checks
// that follow from the manifests for an image that has been built.
//
// It computes and reads manifests; package imagetest runs the checks.
package imagerule

import (
	"path"
	"slices"
	"strings"
)

// A Problem is a broken rule.
type Problem struct {
	Rule   string // its short name, such as "bootc/var"
	What   string // is wrong
	Advice string // what to do instead
	Fatal  bool   // bootc's own lint refuses the image
}

// A pathRule describes the problem with files in a folder of a bootable image
// (https://bootc-dev.github.io/bootc/filesystem.html, and "bootc container lint").
type pathRule struct {
	folder string
	Problem
}

// pathRules has the rules of nested folders before those of the folders around them.
var pathRules = []pathRule{
	{"/usr/etc", Problem{"bootc/usr-etc", "/usr/etc is bootc's own copy of /etc, and an image may not have both", "put the file below /etc", true}},
	{"/var/run", Problem{"bootc/var-run", "/var/run must be a link to /run", "let tmpfiles.d make the file at boot", true}},
	{"/var/log", Problem{"bootc/var", "files below /var are unpacked when the machine is installed, and never updated", "let the program make the file, or tmpfiles.d", false}},
	{"/var", Problem{"bootc/var", "files below /var are unpacked when the machine is installed, and never updated", "put the file below /usr and let tmpfiles.d copy or link it", false}},
	{"/run", Problem{"bootc/run-tmp", "/run is empty when the machine has booted", "let tmpfiles.d make the file at boot", false}},
	{"/tmp", Problem{"bootc/run-tmp", "/tmp is empty when the machine has booted", "let tmpfiles.d make the file at boot", false}},
	{"/boot", Problem{"bootc/boot", "/boot is the machine's, and files of the image do not get there", "the kernel belongs below /usr/lib/modules", false}},
	{"/opt", Problem{"bootc/opt", "/opt leads to /var or cannot be written to on the machine", "put the file below /usr/lib/opt and let tmpfiles.d link it", false}},
	{"/usr/local", Problem{"bootc/usr-local", "/usr/local leads to /var on older bases, where files are never updated", "put the file below /usr", false}},
	{"/home", Problem{"bootc/home", "homes are the machine's, and files of the image do not get there", "put the file into /etc/skel", false}},
	{"/root", Problem{"bootc/home", "homes are the machine's, and files of the image do not get there", "put the file below /usr or /etc", false}},
	{"/dev", Problem{"bootc/dev", "/dev is the running kernel's", "write a rule for udev, below /usr/lib/udev/rules.d", false}},
	{"/proc", Problem{"bootc/dev", "/proc is the running kernel's", "write a setting below /usr/lib/sysctl.d", false}},
	{"/sys", Problem{"bootc/dev", "/sys is the running kernel's", "write a rule for udev, below /usr/lib/udev/rules.d", false}},
	{"/sysroot", Problem{"bootc/sysroot", "/sysroot is the machine's own file system", "put the file below /usr", true}},
	{"/ostree", Problem{"bootc/sysroot", "/ostree is ostree's own", "put the file below /usr", true}},
}

// kargsFolder is the folder in which bootc reads the files that end in .toml.
const kargsFolder = "/usr/lib/bootc/kargs.d"

// KargsFile is the file of an image that has the declared kernel arguments.
const KargsFile = kargsFolder + "/10-bkt.toml"

// KargsFileOf returns the file of an image that has the declared kernel arguments for one
// architecture.
func KargsFileOf(arch string) string { return kargsFolder + "/11-bkt-" + arch + ".toml" }

// IsOwnKargs reports whether a file of an image has declared kernel arguments.
func IsOwnKargs(dest string) bool {
	return dest == KargsFile || strings.HasPrefix(dest, kargsFolder+"/11-bkt-") && path.Ext(dest) == ".toml"
}

// userFiles are the files that useradd changes.
var userFiles = []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"}

// CheckPath returns the problem with a file at the absolute path dest in a bootable
// image, or nil if the file is fine.
func CheckPath(dest string) *Problem {
	if rule := ruleFor(dest); rule != nil {
		return &rule.Problem
	}
	return nil
}

func ruleFor(dest string) *pathRule {
	dest = path.Clean(dest)
	for _, r := range pathRules {
		if dest == r.folder || strings.HasPrefix(dest, r.folder+"/") {
			return &r
		}
	}
	if path.Dir(dest) == kargsFolder && path.Ext(dest) != ".toml" {
		return &pathRule{kargsFolder, Problem{"bootc/kargs", "bootc reads only the files here that end in .toml, and skips this one", "name it " + strings.TrimSuffix(path.Base(dest), path.Ext(dest)) + ".toml", false}}
	}
	if slices.Contains(userFiles, dest) {
		return &pathRule{dest, Problem{"bootc/sysusers", "the machine has its own " + dest + ", and changes made by the image do not reach it", "declare users below /usr/lib/sysusers.d", false}}
	}
	return nil
}
