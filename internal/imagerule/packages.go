package imagerule

import (
	"slices"
	"strings"
)

// hostOnly are packages that make a machine boot, which a container does not
// need.
var hostOnly = []string{
	"kernel", "kernel-core", "kernel-modules*", "kernel-rt*", "kernel-64k*", "kmod-*", "akmod-*", "linux-firmware",
	"grub2*", "shim-*", "systemd-boot*", "bootupd", "dracut*", "bootc", "rpm-ostree",
}

// kernels are kernel packages. A bootable image has exactly one kernel.
var kernels = []string{
	"kernel", "kernel-core", "kernel-rt", "kernel-rt-core", "kernel-64k", "kernel-64k-core", "kernel-automotive", "kernel-automotive-core",
}

// PackageName returns the name in a spec of dnf, without version and
// architecture.
func PackageName(spec string) string {
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

// IsHostOnly reports whether a package, named by a spec of dnf, is for a machine that
// boots, and useless in a container.
func IsHostOnly(spec string) bool { return matches(hostOnly, PackageName(spec)) }

// IsKernel reports whether a spec names a kernel package.
func IsKernel(spec string) bool { return matches(kernels, PackageName(spec)) }

// RemovesKernel reports whether one of the specs to remove is the kernel of the
// base image.
func RemovesKernel(removed []string) bool {
	return slices.ContainsFunc(removed, func(spec string) bool {
		return strings.HasPrefix(spec, "kernel*") || IsKernel(spec)
	})
}

// matches reports whether a name matches one of patterns; a * at the end of a pattern
// matches any text.
func matches(patterns []string, name string) bool {
	for _, p := range patterns {
		beginning, more := strings.CutSuffix(p, "*")
		if name == beginning || more && strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}
