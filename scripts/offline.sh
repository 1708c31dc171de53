#!/usr/bin/env bash
# Makes what the tests and the demo need to build images without a network:
#
#     offline.sh [dnf5|dnf4|variants|packages|appimage|distrobox|desktop]
#
#     base/             an OCI layout with an image that has dnf5
#     base-dnf4/        the same with dnf 4, for the argument dnf4
#     variants/         OCI layouts with images that look like real bases, made of
#                       both of these, for the argument variants; see
#                       variants/table.go for what they have of which
#     distrobox/        a folder for each generation of distrobox, for the
#                       argument distrobox
#     desktop/          a system to install bkt in, and what bkt's packages require,
#                       for the argument desktop, which takes a mirror of Debian
#     packages/fedora/  a repository of stand-ins for Fedora's packages, with
#                       every package that manifests/ names
#     packages/external/    a repository of others, whose packages are signed
#     packages/toolchains/  programs that are downloaded as they are
#     appimage/         the program that AppImages start with, for the argument
#                       appimage, which takes a mirror of Debian
#
# and prints the folder that they are in: $BKT_CACHE/offline. The packages are
# always made; the default is to make base too, which takes root, a mirror of
# the distribution, and a minute or two. What is there already, and was made
# of the same input, is left as it is.
set -euo pipefail

PATH=$PATH:/usr/sbin:/sbin

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
manifests=("$scripts"/../manifests/{system,toolbox}-packages.json)
cache=${BKT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bkt}
offline=$cache/offline

# shellcheck source=scripts/mirror.sh
. "$scripts/mirror.sh"

# The name of the image in the index of its layout.
ref=43

# The folder to work in, once there is work. It is on the file system of the
# results, so that they can be renamed.
work=

say() {
	echo "offline: $*" >&2
}

die() {
	say "error: $*"
	exit 1
}

# hash prints a hash of its first argument, of this machine's architecture, and
# of the files that the other arguments name and that are there.
hash() {
	local label=$1
	shift
	{
		echo "$label"
		uname -m
		cat -- "$@" 2>/dev/null || true
	} | sha256sum | cut -d ' ' -f 1
}

# current is whether the folder was made of such input. A folder has the hash of
# its input in it, so that the two cannot get apart.
current() {
	[ "$(cat "$offline/$1/.input" 2>/dev/null)" = "$2" ]
}

# replace puts what was made in the work folder in the place of what is there.
replace() {
	local name=$1 input=$2
	echo "$input" >"$work/$name/.input"
	if [ -e "$offline/$name" ]; then
		mv "$offline/$name" "$work/$name.old"
	fi
	mv "$work/$name" "$offline/$name"
}

# program builds one of the programs beside this script and prints its path.
program() {
	command -v go >/dev/null || die "Go is not here: see https://go.dev/dl/"
	# Run by root in another's checkout, git would not tell its state.
	go build -C "$scripts" -buildvcs=false -o "$work/bin/" "./$1" && echo "$work/bin/$1"
}

# make_base makes a base image. Its input is what it is made of here; that the
# distribution has newer packages is no reason to make it anew.
make_base() {
	local kind=$1 name=$2 input oci
	input=$(hash "$kind" "$scripts"/{rootfs,mirror}.sh "$scripts"/{layout,oci}/*.go)
	if current "$name" "$input"; then
		return
	fi
	((EUID == 0)) || die "$name is missing or out of date, and making a root file system takes root: run sudo env \"PATH=\$PATH\" BKT_CACHE=$cache $0 $kind"
	begin
	say "making $name, an image with $kind"
	oci=$(program oci)
	mkdir "$work/tree"
	unshare --mount --propagation private "$scripts/rootfs.sh" "$kind" "$work/tree" |
		"$oci" - "$work/$name" "$ref"
	rm -rf --one-file-system "$work/tree"
	replace "$name" "$input"
}

# make_variants makes images of small layers over both base images.
make_variants() {
	local input variants
	make_base dnf5 base
	make_base dnf4 base-dnf4
	input=$(hash variants "$scripts"/{layout,variants}/*.go "$offline"/base{,-dnf4}/index.json)
	if current variants "$input"; then
		return
	fi
	begin
	say "making variants of both base images"
	variants=$(program variants)
	"$variants" "$offline/base" "$offline/base-dnf4" "$work/variants"
	replace variants "$input"
}

# make_packages makes the repository and its index.
make_packages() {
	local input rpms
	input=$(hash packages "$scripts/offline.sh" "$scripts"/rpms/* "$scripts/go.mod" "${manifests[@]}")
	if current packages "$input"; then
		return
	fi
	command -v createrepo_c >/dev/null || die "createrepo_c is not here: run scripts/setup.sh"
	begin
	say "making packages"
	rpms=$(program rpms)
	"$rpms" "$work/packages" "${manifests[@]}"
	index fedora --groupfile comps.xml
	index external
	list_mirrors external
	replace packages "$input"
}

# Debian's source package libappimage has AppImages for its own tests. The start
# of one of them, before its image, is the program that opens an image.
appimage_tar=libappimage_1.0.4-5.orig.tar.gz
appimage_sum=2c4e18860a790c5959da6eb064cbd07f165fe6a9b15989491a3a3f176d06af31
appimage_in=Echo-no-integrate-x86_64.AppImage
appimage_offset=188392

# make_appimage makes the program.
make_appimage() {
	local input dir
	input=$(hash "appimage $appimage_sum $appimage_in $appimage_offset")
	if current appimage "$input"; then
		return
	fi
	begin
	say "making appimage"
	dir=$work/source
	mkdir -p "$dir" "$work/appimage"
	fetch_source libappimage "$dir" >"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die "the source package libappimage cannot be had"
	}
	echo "$appimage_sum  $dir/$appimage_tar" | sha256sum --quiet -c || die "$appimage_tar is another one"
	tar xzf "$dir/$appimage_tar" -C "$dir" --strip-components=3 --wildcards "*/tests/data/$appimage_in"
	head -c "$appimage_offset" "$dir/$appimage_in" >"$work/appimage/runtime"
	replace appimage "$input"
}

# fetch_source downloads a source package of Debian into a folder, by apt-get
# with folders of its own: this machine's need not have sources.
fetch_source() {
	local apt=$work/apt options
	command -v apt-get >/dev/null || {
		curl -fsSL -o "$2/$appimage_tar" "https://deb.debian.org/debian/pool/main/liba/$1/$appimage_tar"
		return
	}
	mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
	sed -n 's/^deb\( \|\t\)/deb-src\1/p' /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null >"$apt/sources.list" || true
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed 's/^Types:.*/Types: deb-src/' >"$apt/parts/all.sources" || true
	options=(-q -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts"
		-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o "APT::Sandbox::User=$(id -un)")
	apt-get "${options[@]}" update && (cd "$2" && apt-get "${options[@]}" source --tar-only "$1")
}

# make_desktop makes a system of the base image.
make_desktop() {
	local input
	make_base dnf5 base
	input=$(hash desktop "$scripts"/{desktop,mirror}.sh "$offline/base/index.json")
	if current desktop "$input"; then
		return
	fi
	((EUID == 0)) || die "making a root file system takes root: run sudo env \"PATH=\$PATH\" BKT_CACHE=$cache $0 desktop"
	begin
	say "making desktop, a system to install bkt in"
	unshare --mount --propagation private "$scripts/desktop.sh" "$offline/base" "$work/desktop" >"$work/log" 2>&1 || {
		tail -n 20 "$work/log" >&2
		die "desktop cannot be made"
	}
	replace desktop "$input"
}

# index makes the index of a repository. On Debian, createrepo_c complains of
# files of rpm that it can do without.
index() {
	local dir=$work/packages/$1
	shift
	createrepo_c --quiet --no-database --revision 1 --set-timestamp-to-revision \
		"$@" "$dir" 2>"$work/log" || {
		cat "$work/log" >&2
		die "createrepo_c failed"
	}
}

# list_mirrors writes the two kinds of files that list the mirrors of a repository: with
# and without the checksum of its index.
list_mirrors() {
	local dir=$work/packages/$1 url=http://packages.offline.test/$1/ sum
	echo "$url" >"$dir/mirrorlist"
	sum=$(sha256sum <"$dir/repodata/repomd.xml" | cut -d ' ' -f 1)
	cat >"$dir/metalink" <<-END
		<?xml version="1.0" encoding="utf-8"?>
		<metalink version="3.0" xmlns="http://www.metalinker.org/">
		  <files>
		    <file name="repomd.xml">
		      <verification><hash type="sha256">$sum</hash></verification>
		      <resources><url protocol="http" preference="100">${url}repodata/repomd.xml</url></resources>
		    </file>
		  </files>
		</metalink>
	END
}

# make_distrobox fetches both generations of distrobox, which is nothing but shell
# scripts: the first from the release of Debian that has it, the second from the
# one after.
make_distrobox() {
	local input
	input=$(hash distrobox "$scripts/offline.sh" "$scripts/mirror.sh")
	if current distrobox "$input"; then
		return
	fi
	begin
	say "fetching distrobox"
	fetch_deb bookworm distrobox "$work/distrobox/1.4"
	fetch_deb trixie distrobox "$work/distrobox/1.8"
	replace distrobox "$input"
}

# fetch_deb unpacks a package of a release of Debian that is for every
# architecture. Its hash is that of the release's index.
fetch_deb() {
	local suite=$1 package=$2 to=$3 from file sum
	from=$(mirror)
	curl -fsSL --output "$work/Packages.gz" "$from/dists/$suite/main/binary-amd64/Packages.gz"
	read -r file sum < <(gzip -dc "$work/Packages.gz" |
		awk -v package="$package" '
			/^Package: / { mine = $2 == package }
			mine && /^Filename: / { file = $2 }
			mine && /^SHA256: / { print file, $2; exit }') ||
		die "$suite has no package $package"
	curl -fsSL --output "$work/$package.deb" "$from/$file"
	echo "$sum  $work/$package.deb" | sha256sum --check --quiet
	mkdir -p "$to"
	dpkg-deb --extract "$work/$package.deb" "$to"
}

# lock waits until no other run is under way. The lock is free again when this
# script, and all that it started, have ended.
lock() {
	mkdir -p "$offline"
	offline=$(cd "$offline" && pwd)
	exec 9<"$offline"
	flock 9
}

# begin makes the folder to work in. Those of runs that were killed are removed.
begin() {
	if [ -n "$work" ]; then
		return
	fi
	rm -rf --one-file-system "$offline"/.work.*
	work=$(mktemp -d "$offline/.work.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
}

# ancestor prints the cache folder or, if it is yet to be made, the nearest
# folder above it.
ancestor() {
	local dir=$cache
	until [ -e "$dir" ]; do
		dir=$(dirname "$dir")
	done
	echo "$dir"
}

# own gives what was made to the owner of the folder. With sudo that is not
# root, who would otherwise own a part of someone's home.
own() {
	if ((EUID == 0)) && [ -n "$work" ]; then
		chown --reference="$1" "$cache"
		chown -R --reference="$1" "$offline"
	fi
}

main() {
	case $1 in
	dnf5 | dnf4 | variants | packages | appimage | distrobox | desktop) ;;
	*)
		echo "usage: offline.sh [dnf5|dnf4|variants|packages|appimage|distrobox|desktop]" >&2
		exit 2
		;;
	esac
	local above
	above=$(ancestor)
	umask 022
	lock
	if [ "$1" != appimage ]; then
		make_packages
	fi
	case $1 in
	appimage) make_appimage ;;
	dnf5) make_base dnf5 base ;;
	dnf4) make_base dnf4 base-dnf4 ;;
	variants) make_variants ;;
	distrobox) make_distrobox ;;
	desktop) make_desktop ;;
	esac
	own "$above"
	echo "$offline"
}

main "${1:-dnf5}"
