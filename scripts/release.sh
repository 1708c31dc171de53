#!/usr/bin/env bash
# Makes the files of a release in dist/, for "make release":
#
#     release.sh VERSION
#
# VERSION is such as v0.3.0 or v0.3.0-rc.1. For linux on amd64 and arm64, these are an
# archive, an RPM and a deb; then the source with all modules, a spec file that builds an
# RPM of it, a formula for Homebrew, a list of what is linked (SPDX), and SHA256SUMS.
#
# Every time in them is that of the commit, and nothing is of the machine or of the
# folder: the same commit gives the same bytes. RELEASES_URL is the address of the page of
# releases. Without it, there is no formula, because it would have nothing to download.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
dist=$root/dist
architectures=(amd64 arm64)

say() {
	echo "release: $*" >&2
}

die() {
	say "error: $*"
	exit 1
}

# check_version accepts what git, RPM, Debian and Go order in the same way.
check_version() {
	[[ $1 =~ ^v(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(-(alpha|beta|rc)\.[1-9][0-9]*)?$ ]] ||
		die "VERSION is \"$1\": it must be such as v0.3.0 or v0.3.0-rc.1"
}

# check_tree makes sure that the release is that of a commit.
check_tree() {
	local changes tagged
	changes=$(git status --porcelain)
	[ -z "$changes" ] || die "these changes are not committed:"$'\n'"$changes"
	tagged=$(git rev-parse --quiet --verify "refs/tags/$1^{commit}" || true)
	case $tagged in
	"$commit") ;;
	"") say "note: there is no tag $1 yet: git tag --annotate $1" ;;
	*) die "the tag $1 is at another commit: git checkout $1" ;;
	esac
	grep -q "^## \[${1#v}\]" CHANGELOG.md || say "note: CHANGELOG.md has no section [${1#v}]"
}

check_url() {
	[[ -z $1 || $1 =~ ^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*$ ]] ||
		die "RELEASES_URL is \"$1\": it must be an address such as https://example.org/bkt/releases"
}

# settle sets what the bytes of a program depend on: the version of Go, which is that of
# go.mod, and Go's settings. Go would stamp into a program whether the tag is there.
settle() {
	go_version=$(sed -n 's/^go //p' go.mod)
	unset GOEXPERIMENT GOFIPS140
	export GOOS=linux GOAMD64=v1 GOARM64=v8.0 CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=go$go_version
	export LC_ALL=C TZ=UTC0 SOURCE_DATE_EPOCH
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
	umask 022
}

# compile makes the programs for an architecture. The Makefile knows how.
compile() {
	say "compiling for $1"
	GOARCH=$1 make --silent build BIN="$work/$1" VERSION="$version" RELEASES_URL="$url"
}

# source_archive packs the commit and the modules it needs, so that a build of it needs
# no network.
source_archive() {
	local name=bkt-$number
	say "packing the source"
	git archive --prefix="$name/" HEAD | tar --extract --directory="$work"
	go mod vendor -o "$work/$name/vendor"
	tar --create --directory="$work" --format=gnu --sort=name --owner=0 --group=0 --numeric-owner \
		--mtime="@$SOURCE_DATE_EPOCH" --mode=go=rX,u+rw "$name" | gzip --no-name >"$dist/$name-vendored.tar.gz"
}

# fill writes a template with this release's names.
fill() {
	sed -e "s|@VERSION@|$version|g; s|@NUMBER@|$number|g; s|@RPM_VERSION@|${number//-/\~}|g" \
		-e "s|@COMMIT@|$commit|g; s|@DATE@|$date|g; s|@GO@|$go_version|g" \
		-e "s|@URL@|$url|g; s|@DOWNLOAD@|${url:+$url/download/$version/}|g" \
		-e "s|@SHA256_AMD64@|$(sum amd64)|g; s|@SHA256_ARM64@|$(sum arm64)|g" "$1"
}

# sum prints the checksum of an archive.
sum() {
	sha256sum <"$dist/bkt-$number-linux-$1.tar.gz" | cut -d ' ' -f 1
}

main() {
	(($# == 1)) || die "usage: release.sh VERSION"
	version=$1 number=${1#v} url=${RELEASES_URL:-}
	commit=$(git rev-parse HEAD)
	date=$(TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
	check_version "$version"
	check_url "$url"
	check_tree "$version"
	settle
	work=$(mktemp -d)
	trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
	rm -rf "$dist"
	mkdir "$dist"

	local arch programs=()
	for arch in "${architectures[@]}"; do
		compile "$arch"
		programs+=("$work/$arch/bkt" "$work/$arch/bkt-engine")
	done
	unset GOOS GOARCH
	export NFPM=$work/nfpm RELEASES_URL=$url
	go build -C scripts -o "$NFPM" github.com/goreleaser/nfpm/v2/cmd/nfpm
	for arch in "${architectures[@]}"; do
		say "packing for $arch"
		scripts/package.sh "$version" "$arch" "$work/$arch" "$dist" "$work/$(go env GOHOSTARCH)/bkt" >/dev/null
	done
	source_archive
	go run -C scripts ./sbom "$version" "$date" "${programs[@]}" >"$dist/bkt-$number.spdx.json"
	fill packaging/bkt.spec.in >"$dist/bkt.spec"
	if [ -n "$url" ]; then
		fill packaging/bkt.rb.in >"$dist/bkt.rb"
	else
		say "note: without RELEASES_URL, there is no formula for Homebrew"
	fi
	(cd "$dist" && sha256sum -- * >"$work/SHA256SUMS")
	cp "$work/SHA256SUMS" "$dist/"
	cat "$dist/SHA256SUMS"
}

main "$@"
