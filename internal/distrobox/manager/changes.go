package manager

import (
	"fmt"
	"slices"
	"strings"

	"bkt/internal/paths"
)

// irrelevantPaths are files and folders that distrobox writes, or that nobody misses,
// including the files that dnf writes when it lists packages.
const irrelevantPaths = `/run /tmp /proc /dev /sys /home /media /mnt /var/cache /var/log /var/tmp /.containersetupdone
	/etc/.pwd.lock /etc/group /etc/group- /etc/gshadow /etc/gshadow- /etc/passwd /etc/passwd- /etc/passwd.done /etc/shadow
	/etc/shadow- /etc/subgid /etc/subgid- /etc/subuid /etc/subuid- /etc/sudoers.d/sudoers /etc/apt/apt.conf.d/00_distrobox
	/etc/dpkg/dpkg.cfg.d/00_distrobox /etc/host.conf /etc/hostname /etc/hosts /etc/ld.so.cache /etc/localtime /etc/machine-id
	/etc/mtab /etc/profile.d/distrobox_profile.sh /etc/resolv.conf /etc/fish/conf.d/distrobox_config.fish /usr/bin/distrobox-export
	/usr/bin/distrobox-host-exec /usr/bin/entrypoint /usr/local/share/fonts /usr/local/share/icons /usr/local/share/themes
	/etc/distrobox-post-hook.sh /etc/distrobox-pre-hook.sh /etc/pam.d/su /usr/bin/flatpak /usr/lib/rpm/macros.d/macros.distrobox
	/usr/local/bin/xdg-open /var/lib/flatpak /var/lib/systemd/coredump /usr/lib/sysimage/rpm/rpmdb.sqlite-shm
	/usr/lib/sysimage/rpm/rpmdb.sqlite-wal /var/lib/rpm/rpmdb.sqlite-shm /var/lib/rpm/rpmdb.sqlite-wal`

// ChangedPaths summarizes the manager's list of files that differ from the image: the
// names of those in /etc, the number of others. Files below ignored folders do not count.
func ChangedPaths(diff string, ignored []string) []string {
	var etc []string
	other := 0
	parents := map[string]bool{}
	lines := strings.Split(strings.TrimSpace(diff), "\n")
	for _, line := range lines {
		if _, path, ok := strings.Cut(line, " "); ok {
			for dir := path[:max(strings.LastIndex(path, "/"), 0)]; dir != "" && !parents[dir]; dir = dir[:max(strings.LastIndex(dir, "/"), 0)] {
				parents[dir] = true
			}
		}
	}
	for _, line := range lines {
		_, path, ok := strings.Cut(line, " ")
		switch {
		case !ok, parents[path], isBelow(path, ignored), isBelow(path, strings.Fields(irrelevantPaths)):
		case strings.HasPrefix(path, "/etc/"):
			etc = append(etc, path)
		default:
			other++
		}
	}
	var lost []string
	if len(etc) > 0 {
		lost = append(lost, "changes to "+Few(etc))
	}
	if other > 0 {
		lost = append(lost, fmt.Sprintf("%d files elsewhere that were added, changed or removed", other))
	}
	return lost
}

func isBelow(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return paths.Within(path, dir) })
}

// MountPoints returns the paths of volumes in a container. Their files are not part of
// the container.
func MountPoints(volumes []string) []string {
	var all []string
	for _, v := range volumes {
		if parts := strings.Split(v, ":"); len(parts) > 1 {
			all = append(all, parts[1])
		}
	}
	return all
}

// maxNamed is the largest number of names in a list.
const maxNamed = 8

// Few joins names; of a long list, only the first, and the number of the others.
func Few(names []string) string {
	if len(names) <= maxNamed {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
}
