package distrobox

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// asking prints the packages that someone asked for, a line each, whatever the
// distribution. Those for another kind of computer, which may stand beside one of
// the same name, have it behind their name. It fails where the package manager does.
const asking = `all() { test -z "$all" || printf '%s\n' "$all"; }
native() { all | sed "s/\.\($(uname -m)\|noarch\)\$//"; }
if command -v dnf5 >/dev/null; then all=$(dnf5 -q --disablerepo='*' repoquery --userinstalled --queryformat '%{name}.%{arch}\n') || exit; native
elif command -v dnf >/dev/null; then all=$(dnf -q --disablerepo='*' repoquery --userinstalled --queryformat '%{name}.%{arch}') || exit; native
elif command -v apt-mark >/dev/null; then apt-mark showmanual
elif command -v pacman >/dev/null; then pacman -Qeq
elif command -v xbps-query >/dev/null; then all=$(xbps-query -m) || exit; all | sed 's/-[^-]*$//'
elif test -e /etc/apk/world; then cat /etc/apk/world
else echo 'no package manager that bkt knows is there' >&2; exit 1
fi`

// Added returns the packages, sorted, that have been added to a running box since
// it was made of its image: not those of the image, nor those that distrobox adds
// to every box. Those that the manifest declares are among them. It asks the box
// by one exec, and a container of its image, without network, that is gone again
// after that. A box that is not there, or does not run, is an error.
func (d Domain) Added(ctx context.Context, sys reconcile.System, box string) ([]string, error) {
	all, err := d.list(ctx, sys)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c container) bool { return c.name == box })
	switch {
	case i < 0:
		return nil, fmt.Errorf("there is no box %s", box)
	case !all[i].running:
		return nil, fmt.Errorf("box %s is not running", box)
	}
	return d.added(ctx, sys, all[i])
}

func (d Domain) added(ctx context.Context, sys reconcile.System, c container) ([]string, error) {
	has, err := d.inBox(ctx, sys, c)
	if err != nil {
		return nil, err
	}
	had, err := d.inImage(ctx, sys, c)
	if err != nil {
		return nil, err
	}
	return byHand(has, had), nil
}

// inBox returns the packages that someone has asked for in a box, and inImage
// those that its image has for such.
func (d Domain) inBox(ctx context.Context, sys reconcile.System, c container) ([]string, error) {
	return d.packages(ctx, sys, "exec", "--user", "root", c.id, "sh", "-c", asking)
}

func (d Domain) inImage(ctx context.Context, sys reconcile.System, c container) ([]string, error) {
	return d.packages(ctx, sys, "run", "--rm", "--network", "none", "--user", "root", "--entrypoint", "sh", c.imageID, "-c", asking)
}

// byHand returns what a box has by hand: not from its image, nor from distrobox.
func byHand(has, had []string) []string {
	usual := strings.Fields(installed)
	var added []string
	for _, name := range has {
		if !slices.Contains(had, name) && !slices.Contains(usual, name) {
			added = append(added, name)
		}
	}
	return added
}

func (d Domain) packages(ctx context.Context, sys reconcile.System, args ...string) ([]string, error) {
	text, err := sys.Output(ctx, plan.Run{Argv: append([]string{d.Manager}, args...)})
	if err != nil {
		return nil, err
	}
	return slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(text))))), nil
}

// installed are the packages that distrobox-init installs, whatever they are
// called where.
const installed = `apt-utils bash bash-completion bc bzip2 coreutils cracklib-dicts curl dialog diffutils
	dnf-plugins-core file findutils fontconfig fuse3 glibc-all-langpacks glibc-common glibc-langpack-en glibc-locale
	glibc-locale-base gnupg gnupg2 gpg gzip hostname iproute iproute2 iputils iputils-ping keyutils krb5-libs less
	libcap libegl-mesa0 libegl1 libgl1 libgl1-mesa-glx libgl1-mesa-dri libglx-mesa0 libegl1-mesa libkrb5-3 libnss-mdns
	libnss-myhostname libvte-common libvulkan1 locales lsof man man-db man-pages manpages mesa-dri-drivers
	mesa-dri-gallium mesa-vulkan-drivers mesa-vulkan-swrast mount mtr ncurses ncurses-base ncurses-term net-tools nss-mdns
	openssh openssh-client openssh-clients pam pam-devel passwd pciutils pigz pinentry pinentry-curses pinentry-tty posix-libc-utils
	procps procps-ng psmisc rsync shadow shadow-utils sudo systemd tar tcpdump time traceroute tree tzdata umount unzip
	usbutils util-linux util-linux-misc util-linux-script vte-common vte-profile vte291 vte3 vulkan vulkan-intel
	vulkan-loader vulkan-radeon vulkan-tools wget which whois words xauth xorg-x11-xauth xorg-xauth xz xz-utils zip`
