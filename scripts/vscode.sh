#!/usr/bin/env bash
# Installs VS Code's JSON language service from npm for the tests of the schemas, and prints
# the folder that it is in: $BKT_CACHE/offline/vscode. What is there already, of the same
# versions, is left as it is.
set -euo pipefail

source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/internal/schema/testdata/vscode
offline=${BKT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bkt}/offline
folder=$offline/vscode

# npm writes the second file when everything is installed.
if cmp -s "$source/package-lock.json" "$folder/package-lock.json" && [ -e "$folder/node_modules/.package-lock.json" ]; then
	echo "$folder"
	exit
fi

command -v npm >/dev/null || {
	echo "vscode: error: npm is not here: run scripts/setup.sh" >&2
	exit 1
}
echo "vscode: installing VS Code's JSON language service" >&2
umask 022
mkdir -p "$offline"
work=$(mktemp -d "$offline/.vscode.XXXXXX")
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
