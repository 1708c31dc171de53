#!/usr/bin/env bash
# Makes the root file system of an offline base image, and writes it to standard
# output as a tar archive:
#
#     rootfs.sh dnf5|dnf4 TREE
#
# TREE is an empty folder to work in. The system is the smallest one that has
# the package manager: on Debian and Ubuntu it is a Debian, whose own packages
# rpm knows nothing of; on Fedora it is a Fedora. To dnf both look like Fedora
# 43 with one repository, http://packages.offline.test/fedora/.
#
# Run it in a mount namespace of its own, so that nothing stays mounted in TREE.
set -euo pipefail

releasever=43

# Besides the package manager, an image has what the sections of a
# Containerfile call: curl and xz to install programs, systemctl to enable
# units.
tools=(ca-certificates curl systemd)

# shellcheck source=scripts/mirror.sh
. "$(dirname "${BASH_SOURCE[0]}")/mirror.sh"

die() {
	echo "rootfs: error: $*" >&2
	exit 1
}

# quietly runs a command that says much, and shows it only if it fails.
quietly() {
	local log=$tree.log status=0
	"$@" >"$log" 2>&1 </dev/null || status=$?
	if ((status != 0)); then
		tail -n 20 "$log" >&2
		die "$1 ended with status $status"
	fi
}

# debian fills the tree with the Debian suite that has the dnf that is wanted.
debian() {
	local suite=forky packages=(dnf5 rpm xz-utils "${tools[@]}")
	if [ "$kind" = dnf4 ]; then
		suite=bookworm
		packages[0]=dnf
	fi
	# The signatures are not looked at: the keys of a suite newer than this
	# machine are not here, and its Release file may be past its date. The
	# script sid is the one for every suite that debootstrap does not know.
	quietly debootstrap --no-check-gpg --variant=minbase \
		--include="$(IFS=, && echo "${packages[*]}")" \
		"$suite" "$tree" "$(mirror)" /usr/share/debootstrap/scripts/sid
	epoch=$(sed -n 's/^Date: //p' "$tree"/var/lib/apt/lists/*_Release | head -n 1)
}

# debian_dnf makes Debian's dnf behave as Fedora's.
debian_dnf() {
	# Debian's rpm 4 has its database in the home of whoever runs it.
	mkdir -p "$tree/etc/rpm" "$tree/usr/lib/sysimage/rpm"
	echo '%_dbpath /usr/lib/sysimage/rpm' >"$tree/etc/rpm/macros"
	rm -rf "$tree/var/lib/rpm" "$tree/root/.rpmdb"
	ln -s ../../usr/lib/sysimage/rpm "$tree/var/lib/rpm"
	chroot "$tree" rpmdb --initdb >&2

	# Debian's rpm 6 runs scripts of packages in namespaces of their own, which a
	# build step without CAP_SYS_ADMIN cannot make: each would end with status
	# 126. Fedora's images lack that plugin, which is a package of its own.
	echo '%__transaction_unshare %{nil}' >>"$tree/etc/rpm/macros"

	# This plugin wants createrepo_c after each install, and fails without it.
	local plugin=$tree/etc/dnf/libdnf5-plugins/local.conf
	if [ -e "$plugin" ]; then
		sed -i '0,/^enabled *=.*/s//enabled = 0/' "$plugin"
	fi
	if [ ! -e "$tree/usr/bin/dnf" ]; then
		ln -s dnf5 "$tree/usr/bin/dnf"
	fi
}

# fedora fills the tree from the repositories of the running Fedora.
fedora() {
	[ "$kind" = dnf5 ] || die "a base with dnf 4 can only be made on Debian"
	quietly dnf --installroot="$tree" --use-host-config --releasever="$releasever" \
		install -y --setopt=install_weak_deps=False \
		dnf5 rpm bash coreutils tar gzip xz "${tools[@]}"
	epoch=@$(rpm --root "$tree" --query --all --queryformat '%{BUILDTIME}\n' | sort -n | tail -n 1)
}

# configure points dnf to the offline repository and to nothing else.
configure() {
	mkdir -p "$tree/etc/yum.repos.d" "$tree/etc/dnf/vars"
	rm -f "$tree"/etc/yum.repos.d/*
	echo "$releasever" >"$tree/etc/dnf/vars/releasever"
	# The packages change with the manifests: what a cache mount remembers of
	# the repository must not be taken for true.
	cat >"$tree/etc/yum.repos.d/offline.repo" <<-'END'
		[fedora]
		name=Fedora, offline
		baseurl=http://packages.offline.test/fedora/
		enabled=1
		gpgcheck=0
		metadata_expire=1
	END
}

# clean removes what an image does not need and what differs from run to run.
clean() {
	local dir
	for dir in tmp run var/{cache,log,tmp} usr/share/{doc,info,locale,man}; do
		[ ! -d "$tree/$dir" ] || find "$tree/$dir" -mindepth 1 -delete
	done
	rm -rf "$tree"/var/lib/apt/lists/* "$tree"/debootstrap
	rm -f "$tree"/etc/{resolv.conf,hostname} "$tree"/etc/{passwd,group,shadow,gshadow,subuid,subgid}-
	# sqlite makes this file again, with something random in it.
	rm -f "$tree"/usr/lib/sysimage/rpm/rpmdb.sqlite-shm
	: >"$tree/etc/machine-id"
	# The day of the last change of a password is today.
	sed -i 's/^\([^:]*:[^:]*:\)[0-9]\+:/\120000:/' "$tree/etc/shadow"
}

# pack writes the tree to standard output. Devices are left out: a build without
# root cannot make them, and has its own /dev.
pack() {
	tar --create --directory="$tree" --format=gnu --sort=name --numeric-owner \
		--mtime="$epoch" --clamp-mtime --exclude='./dev/*' .
}

if (($# != 2)); then
	echo "usage: rootfs.sh dnf5|dnf4 TREE" >&2
	exit 2
fi
kind=$1
tree=$2

# Times later than this become this: the date of the packages' archive, or of
# the last package to be built. The files of packages are older, and keep theirs.
epoch=

umask 022
if [ -e /etc/debian_version ]; then
	command -v debootstrap >/dev/null || die "debootstrap is not here: run scripts/setup.sh"
	debian
	debian_dnf
elif command -v dnf >/dev/null; then
	fedora
else
	die "this is neither a Debian nor a Fedora: only these can make a base image"
fi
configure
clean
pack
