#!/usr/bin/env bash
# Makes a system in which the tests install bkt as its users do:
#
#     desktop.sh LAYOUT DIR
#
# LAYOUT is the base image with dnf 5, which is a Debian. In DIR, there will be
#
#     root.tar    its root file system, with what a desktop has: dconf, man, a bus
#     debs/       a repository of packages for apt: what bkt's own package requires and
#                 recommends, and all that these need and root.tar lacks
#     rpms/       the same programs in packages for dnf, under Fedora's names
#
# It takes root and a mirror of Debian. Run it in a mount namespace of its own.
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
layout=$1
dir=$2
tree=$dir/tree

# What a desktop has before bkt.
desktop=(bash-completion dbus-daemon dconf-cli dconf-gsettings-backend gsettings-desktop-schemas
	libglib2.0-bin man-db)
# What packages of bkt name.
wanted=(git passt runc uidmap)

# shellcheck source=scripts/mirror.sh
. "$scripts/mirror.sh"

# in_tree runs a command in the tree.
in_tree() {
	chroot "$tree" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# unpack unpacks the layers of the layout, which is one.
unpack() {
	local blobs=$layout/blobs/sha256 manifest layer
	manifest=$(jq -r '.manifests[0].digest | sub("sha256:"; "")' "$layout/index.json")
	for layer in $(jq -r '.layers[].digest | sub("sha256:"; "")' "$blobs/$manifest"); do
		zstd --decompress --stdout "$blobs/$layer" | tar --extract --directory="$tree" --numeric-owner
	done
}

# fill installs the desktop, and downloads what bkt needs without installing it.
fill() {
	local sources=$tree/etc/apt/sources.list
	mount --bind /proc "$tree/proc"
	cp --dereference /etc/resolv.conf /etc/hosts "$tree/etc/"
	echo "deb [trusted=yes] $(mirror) forky main" >"$sources"
	rm -f "$tree"/etc/apt/sources.list.d/*
	# Without its services, which cannot start here.
	printf '#!/bin/sh\nexit 101\n' | install -m 0755 /dev/stdin "$tree/usr/sbin/policy-rc.d"
	in_tree apt-get -q -o Acquire::Check-Valid-Until=false update
	in_tree apt-get -qy --no-install-recommends install "${desktop[@]}"
	in_tree apt-get clean
	# Debian does not enable this service, although systemd's own presets do. bkt would
	# take that for a change by the user.
	echo "disable systemd-networkd.service" >"$tree/usr/lib/systemd/system-preset/00-debian.preset"
	in_tree apt-get -qy --no-install-recommends --download-only install "${wanted[@]}"
	mv "$tree"/var/cache/apt/archives/*.deb "$dir/debs/"
	rm -rf "$tree"/var/lib/apt/lists/* "$tree"/etc/{resolv.conf,hosts} "$tree/usr/sbin/policy-rc.d"
	umount "$tree/proc"
}

# packages_of prints the packages among those downloaded that a package needs. Of
# alternatives, it takes the first.
packages_of() {
	dpkg-deb --field "$1" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' | sed 's/^ *//; s/[ :(|].*//' |
		while read -r name; do
			if compgen -G "$dir/debs/${name}_*.deb" >/dev/null; then
				echo "$name"
			fi
		done
}

# as_rpm makes an RPM of a package, without its scripts.
as_rpm() {
	local name version unpacked=$dir/unpacked
	name=$(dpkg-deb --field "$1" Package)
	version=$(dpkg-deb --field "$1" Version)
	rm -rf "$unpacked"
	dpkg-deb --extract "$1" "$unpacked"
	{
		echo "name: $name"
		echo "arch: $(dpkg-deb --field "$1" Architecture)"
		echo "version: $(sed 's/^[0-9]*://; s/[-+~].*//' <<<"$version")"
		echo "version_schema: none"
		echo "release: 1"
		echo "description: $name of Debian"
		echo "rpm: {compression: zstd}"
		echo "contents: [{src: $unpacked, dst: /, type: tree}]"
		echo "depends: [$(packages_of "$1" | paste -sd ,)]"
		case $name in
		git) echo "provides: [git-core]" ;;
		uidmap)
			echo "provides: [shadow-utils]"
			echo "scripts: {postinstall: $dir/setuid}" # nfpm loses such modes of a tree
			;;
		esac
	} >"$dir/nfpm.yaml"
	"$dir/nfpm" package --config "$dir/nfpm.yaml" --packager rpm --target "$dir/rpms/$name.rpm"
}

main() {
	local deb
	mkdir -p "$tree" "$dir"/{debs,rpms}
	unpack
	fill
	(cd "$dir/debs" && dpkg-scanpackages --multiversion . >Packages)
	go build -C "$scripts" -buildvcs=false -o "$dir/nfpm" github.com/goreleaser/nfpm/v2/cmd/nfpm
	echo 'chmod u+s /usr/bin/newuidmap /usr/bin/newgidmap' >"$dir/setuid"
	for deb in "$dir"/debs/*.deb; do
		as_rpm "$deb"
	done
	createrepo_c --quiet --no-database "$dir/rpms"
	tar --create --file="$dir/root.tar" --directory="$tree" --numeric-owner .
	rm -rf --one-file-system "$tree" "$dir"/{unpacked,setuid,nfpm,nfpm.yaml}
}

main
