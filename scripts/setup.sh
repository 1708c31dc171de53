#!/usr/bin/env bash
# Installs the missing requirements of the tests, with apt-get or dnf; "setup.sh bench"
# also installs the programs that bkt is compared with, and "setup.sh demo" only what
# the demo needs. As root it also creates the user for tests without root, except for
# the demo. If nothing is missing, it does nothing.
set -euo pipefail

# On Debian, only root's PATH has the folders of some of these programs.
PATH=$PATH:/usr/sbin:/sbin

test_user=bkt-test

die() {
	echo "setup: error: $*" >&2
	exit 1
}

# has reports whether one of the commands exists.
has() {
	local name
	for name in "$@"; do
		if command -v "$name" >/dev/null; then
			return
		fi
	done
	return 1
}

# wanted prints a line for each requirement: the package, and then commands, one of
# which is enough.
wanted() {
	wanted_demo
	if [ "${1:-}" = demo ]; then
		return
	fi
	echo jq jq
	echo pre-commit pre-commit
	echo podman podman
	echo strace strace # shows what a command reads and runs
	if [ "${1:-}" = bench ]; then
		echo buildah buildah
		echo ansible ansible-playbook
		echo python3-psutil ansible-playbook # its module dconf needs it
	fi
	echo flatpak flatpak
	echo squashfs-tools mksquashfs
	echo zip zip # the archives of extensions
	# Shells that complete command lines; nushell comes from npm.
	echo zsh zsh
	echo fish fish
	echo tmux tmux
	# VS Code's language service checks the schemas, see vscode.sh.
	echo nodejs node
	echo npm npm
	# These store a desktop's settings and run its extensions.
	echo dbus-daemon dbus-daemon
	echo gnome-shell gnome-shell
	echo systemd systemd-analyze
	echo util-linux nsenter
	if has apt-get; then
		echo iproute2 ip
		echo docker.io dockerd
		echo docker-registry docker-registry
		echo gnupg gpg
		echo rpm rpmbuild
		echo dconf-cli dconf
		echo libglib2.0-bin gsettings gdbus glib-compile-schemas
	else
		echo iproute ip
		echo util-linux flock
		echo dpkg dpkg-deb
		echo gnupg2 gpg
		echo rpm-build rpmbuild
		echo dconf dconf
		echo glib2 gsettings gdbus glib-compile-schemas
	fi
}

# wanted_demo prints the requirements of the demo.
wanted_demo() {
	echo git git
	echo make make
	echo curl curl
	echo passt pasta
	echo debootstrap debootstrap # makes the offline base image
	if has apt-get; then
		# Debian 12 has a crun that is too old for BuildKit.
		echo runc runc
		echo uidmap newuidmap
		echo createrepo-c createrepo_c
	else
		echo runc runc crun
		echo shadow-utils newuidmap
		echo createrepo_c createrepo_c
	fi
}

# missing prints the packages to install.
missing() {
	local package commands
	while read -r package commands; do
		# shellcheck disable=SC2086 # it is a list of words
		has $commands || echo "$package"
	done < <(wanted "$@")
}

# as_root starts this script again as root.
as_root() {
	has sudo || die "run this as root: $0"
	if [ -t 0 ]; then
		exec sudo -- "$0" "$@"
	fi
	exec sudo --non-interactive -- "$0" "$@"
}

install_packages() {
	if has apt-get; then
		export DEBIAN_FRONTEND=noninteractive
		apt-get update -q
		apt-get install -qy --no-install-recommends "$@"
	elif has dnf; then
		dnf install -y "$@"
	else
		die "neither apt-get nor dnf is here: install what gives you $(wanted | cut -d ' ' -f 2 | paste -sd ' ')"
	fi
}

# make_user makes the user, and gives it the ids that it needs to map users of
# its own, which useradd does on most machines.
make_user() {
	if ! id "$test_user" >/dev/null 2>&1; then
		echo "setup: adding the user $test_user" >&2
		useradd --create-home --shell /bin/bash "$test_user"
	fi
	grep -qs "^$test_user:" /etc/subuid || usermod --add-subuids 524288-589823 "$test_user"
	grep -qs "^$test_user:" /etc/subgid || usermod --add-subgids 524288-589823 "$test_user"
}

main() {
	local packages
	mapfile -t packages < <(missing "$@")
	if ((${#packages[@]} > 0)); then
		echo "setup: installing ${packages[*]}" >&2
		((EUID == 0)) || as_root "$@"
		install_packages "${packages[@]}"
	fi
	if ((EUID == 0)) && [ "${1:-}" != demo ]; then
		make_user
	fi
	has go || echo "setup: note: Go is not here: see https://go.dev/dl/" >&2
}

main "$@"
