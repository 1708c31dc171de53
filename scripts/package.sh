#!/usr/bin/env bash
# Packs the programs for one architecture as an archive, an RPM and a deb:
#
#     package.sh VERSION ARCH PROGRAMS DIST [BKT]
#
# VERSION is such as v0.3.0, ARCH is amd64 or arm64, PROGRAMS the folder with bkt and
# bkt-engine, and BKT a bkt that this machine can run, by default the one in PROGRAMS.
# The files go into the folder DIST, and their names to standard output. The same
# programs give the same bytes: every time is SOURCE_DATE_EPOCH.
#
# BKT_FORMATS has the formats to make (default: "archive rpm deb"); NFPM is the program
# nfpm, which is otherwise built here.
set -euo pipefail

if (($# < 4 || $# > 5)); then
	echo "usage: package.sh VERSION ARCH PROGRAMS DIST [BKT]" >&2
	exit 2
fi
version=${1#v}
arch=$2
programs=$3
dist=$4
bkt=${5:-$programs/bkt}
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
: "${SOURCE_DATE_EPOCH:?is the time of all files}"
export SOURCE_DATE_EPOCH

umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# tree installs bkt below a prefix, in a folder with one time.
tree() {
	DESTDIR=$work/$1 bindir="" "$scripts/install.sh" "$2" "$programs" "$bkt"
	find "$work/$1" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

# archive packs what belongs below a prefix, which /usr/local and ~/.local are.
archive() {
	local name=bkt-$version-linux-$arch
	tree archive /usr/local
	mv "$work/archive/usr/local" "$work/archive/$name"
	tar --create --directory="$work/archive" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
		--mtime="@$SOURCE_DATE_EPOCH" --mode=go=rX,u+rw "$name" | gzip --no-name >"$dist/$name.tar.gz"
	echo "$name.tar.gz"
}

# package has nfpm make a package. RPM knows other names of architectures.
package() {
	local format=$1 file=$2
	[ -d "$work/package" ] || tree package /usr
	VERSION=$version ARCH=$arch TREE=$work/package RELEASES_URL=${RELEASES_URL:-} \
		"$NFPM" package --config "$scripts/../packaging/nfpm.yaml" --packager "$format" --target "$dist/$file" >/dev/null
	echo "$file"
}

if [ -z "${NFPM:-}" ]; then
	NFPM=$work/nfpm
	go build -C "$scripts" -buildvcs=false -o "$NFPM" github.com/goreleaser/nfpm/v2/cmd/nfpm
fi
declare -A rpm_names=([amd64]=x86_64 [arm64]=aarch64)
mkdir -p "$dist"
for format in ${BKT_FORMATS:-archive rpm deb}; do
	case $format in
	archive) archive ;;
	rpm) package rpm "bkt-$version-1.${rpm_names[$arch]}.rpm" ;;
	deb) package deb "bkt_$version-1_$arch.deb" ;;
	esac
done
