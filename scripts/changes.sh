#!/usr/bin/env bash
# Prints the section of a version in CHANGELOG.md, such as v0.3.0, without its heading.
# Without such a section, or with an empty one, it fails.
set -euo pipefail

file=$(dirname "${BASH_SOURCE[0]}")/../CHANGELOG.md
awk -v heading="## [${1#v}]" '
	/^## / { mine = index($0, heading) == 1; next }
	mine
	mine && NF { some = 1 }
	END { exit !some }' "$file" || {
	echo "changes: error: CHANGELOG.md has no section [${1#v}]" >&2
	exit 1
}
