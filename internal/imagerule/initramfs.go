package imagerule

import (
	"strings"

	"bkt/internal/paths"
)

// initramfsFolders are folders of files that dracut copies into an initramfs, or reads
// when it makes one.
var initramfsFolders = []string{"/usr/lib/dracut", "/etc/dracut.conf", "/etc/dracut.conf.d", "/usr/lib/modprobe.d", "/etc/modprobe.d"}

// needsInitramfs reports whether a file has its full effect only in a new initramfs.
func needsInitramfs(name string) bool {
	for _, dir := range initramfsFolders {
		if paths.Within(name, dir) && (name != dir || strings.HasSuffix(dir, ".conf")) {
			return true
		}
	}
	return false
}

// CheckInitramfs returns the problem with a file at the absolute path dest in an image
// whose initramfs is that of the base image, or nil if the file is fine.
func CheckInitramfs(dest string) *Problem {
	if !needsInitramfs(dest) {
		return nil
	}
	p := initramfsProblem(dest)
	return &p
}

func initramfsProblem(dest string) Problem {
	p := Problem{
		Rule:   "bootc/initramfs",
		What:   dest + ": the initramfs of the base image is made without this file",
		Advice: "make a new one in a RUN below: kver=$(cd /usr/lib/modules && echo *) && dracut --no-hostonly --add ostree -f /usr/lib/modules/$kver/initramfs.img $kver",
	}
	if strings.Contains(dest, "/modprobe.d") {
		p.What = dest + ": the initramfs of the base image does not have this file, so the modules that it loads, such as graphics drivers, ignore it"
	}
	return p
}

// makesInitramfs records that the instruction may make a new initramfs.
func (r *reader) makesInitramfs() {
	r.initramfs = r.line
	r.drop(func(c candidate) bool { return c.Rule == "bootc/initramfs" })
}
