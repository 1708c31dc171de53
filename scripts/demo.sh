#!/usr/bin/env bash
# Builds the toolbox image of this repository from its manifest, on bkt's own engine,
# with the offline base image and packages, and prints the packages in the image, and
# its digest.
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$scripts")
bkt=$root/bin/bkt
base=registry.fedoraproject.org/fedora-toolbox:43

say() {
	printf '\n\e[1m%s\e[0m\n' "$*" >&2
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say "An offline base image and packages (the first time this takes a minute or two)"
offline=$("$scripts/offline.sh")
go build -C "$scripts" -buildvcs=false -o "$work/serve" ./serve

say "bkt containerfile sync: manifests/toolbox-packages.json into toolbox/Containerfile"
"$bkt" -C "$root" containerfile sync

say "bkt build toolbox"
# shellcheck disable=SC2016 # the server sets the variable
"$work/serve" "$offline/packages" -- sh -c 'exec "$@" --build-arg "http_proxy=$BKT_OFFLINE_PROXY"' build \
	"$bkt" -C "$root" build toolbox --progress=plain \
	--build-context "$base=oci-layout://$offline/base" >"$work/digest"

say "What rpm finds in the image"
mkdir -p "$work/ask/manifests"
packages=$(sed -n '/"packages"/,/]/s/^ *"\([^"]*\)",\{0,1\}$/\1/p' "$root/manifests/toolbox-packages.json" | tr '\n' ' ')
printf 'FROM toolbox\nRUN rpm -q %s\n' "$packages" >"$work/ask/Containerfile"
"$bkt" -C "$work/ask" build --no-cache --progress=plain \
	--build-context "toolbox=oci-layout://$root/build/toolbox" >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	exit 1
}
sed -n 's/^#[0-9]* [0-9.]* \(.*\.fc43\..*\)$/\1/p' "$work/log"

say "The digest of the image in build/toolbox"
cat "$work/digest"
