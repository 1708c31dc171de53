#!/usr/bin/env bash
# Installs programs from npm for the tests, and prints the folder that they are in:
# $BKT_CACHE/offline/NAME. The lock file in SOURCE has their versions. What is there
# already, of the same versions, is left as it is.
#
# usage: npm.sh NAME SOURCE
set -euo pipefail

name=$1
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/$2
offline=${BKT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bkt}/offline
folder=$offline/$name

# npm writes the second file when everything is installed.
if cmp -s "$source/package-lock.json" "$folder/package-lock.json" && [ -e "$folder/node_modules/.package-lock.json" ]; then
	echo "$folder"
	exit
fi

command -v npm >/dev/null || {
	echo "npm: error: npm is not here: run scripts/setup.sh" >&2
	exit 1
}
echo "npm: installing $name" >&2
umask 022
mkdir -p "$offline"
work=$(mktemp -d "$offline/.$name.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 755 "$work"
cp "$source"/package{,-lock}.json "$work/"
npm ci --prefix "$work" --ignore-scripts --no-audit --no-fund --silent
if ((EUID == 0)); then # with sudo, root would own a part of someone's home
	chown -R --reference="$offline" "$work"
fi
rm -rf --one-file-system "$folder"
mv "$work" "$folder"
echo "$folder"
