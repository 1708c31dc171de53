package manager

import (
	"context"
	"slices"
	"strings"

	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// listPackagesScript prints the explicitly installed packages, one per line, on any
// distribution. The name of a package for another architecture ends in that
// architecture. The script fails if the package manager fails.
const listPackagesScript = `all() { test -z "$all" || printf '%s\n' "$all"; }
native() { all | sed "s/\.\($(uname -m)\|noarch\)\$//"; }
if command -v dnf5 >/dev/null; then all=$(dnf5 -q --disablerepo='*' repoquery --userinstalled --queryformat '%{name}.%{arch}\n') || exit; native
elif command -v dnf >/dev/null; then all=$(dnf -q --disablerepo='*' repoquery --userinstalled --queryformat '%{name}.%{arch}') || exit; native
elif command -v apt-mark >/dev/null; then apt-mark showmanual
elif command -v pacman >/dev/null; then pacman -Qeq
elif command -v xbps-query >/dev/null; then all=$(xbps-query -m) || exit; all | sed 's/-[^-]*$//'
elif test -e /etc/apk/world; then cat /etc/apk/world
else echo 'bkt knows no package manager of this container' >&2; exit 1
fi`

// Packages returns the explicitly installed packages of a running container, sorted. It
// runs a script in the container.
func (m Manager) Packages(ctx context.Context, sys reconcile.System, c Container) ([]string, error) {
	return m.packages(ctx, sys, "exec", "--user", "root", c.ID, "sh", "-c", listPackagesScript)
}

// ImagePackages returns the explicitly installed packages of the image of a container. It
// runs the script in a temporary container without network.
func (m Manager) ImagePackages(ctx context.Context, sys reconcile.System, c Container) ([]string, error) {
	return m.packages(ctx, sys, "run", "--rm", "--network", "none", "--user", "root", "--entrypoint", "sh", c.ImageID, "-c", listPackagesScript)
}

// Manual returns the packages that were installed in a container by hand: neither from
// its image nor by distrobox.
func Manual(has, had []string) []string {
	usual := strings.Fields(ofDistrobox)
	var added []string
	for _, name := range has {
		if !slices.Contains(had, name) && !slices.Contains(usual, name) {
			added = append(added, name)
		}
	}
	return added
}

func (m Manager) packages(ctx context.Context, sys reconcile.System, args ...string) ([]string, error) {
	text, err := sys.Output(ctx, plan.Run{Argv: append([]string{m.Program}, args...)})
	if err != nil {
		return nil, err
	}
	return slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(text))))), nil
}

// ofDistrobox are the packages that distrobox-init installs, by their names in any
// distribution.
const ofDistrobox = `apt-utils bash bash-completion bc bzip2 coreutils cracklib-dicts curl dialog diffutils
	dnf-plugins-core file findutils fontconfig fuse3 glibc-all-langpacks glibc-common glibc-langpack-en glibc-locale
	glibc-locale-base gnupg gnupg2 gpg gzip hostname iproute iproute2 iputils iputils-ping keyutils krb5-libs less
	libcap libegl-mesa0 libegl1 libgl1 libgl1-mesa-glx libgl1-mesa-dri libglx-mesa0 libegl1-mesa libkrb5-3 libnss-mdns
	libnss-myhostname libvte-common libvulkan1 locales lsof man man-db man-pages manpages mesa-dri-drivers
	mesa-dri-gallium mesa-vulkan-drivers mesa-vulkan-swrast mount mtr ncurses ncurses-base ncurses-term net-tools nss-mdns
	openssh openssh-client openssh-clients pam pam-devel passwd pciutils pigz pinentry pinentry-curses pinentry-tty posix-libc-utils
	procps procps-ng psmisc rsync shadow shadow-utils sudo systemd tar tcpdump time traceroute tree tzdata umount unzip
	usbutils util-linux util-linux-misc util-linux-script vte-common vte-profile vte291 vte3 vulkan vulkan-intel
	vulkan-loader vulkan-radeon vulkan-tools wget which whois words xauth xorg-x11-xauth xorg-xauth xz xz-utils zip`
