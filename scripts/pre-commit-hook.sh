#!/bin/sh
# Runs the installed bkt, for https://pre-commit.com. Where none is installed, it builds bkt
# (without bkt-engine) from this repository once, with Go.
set -eu
if command -v bkt >/dev/null; then
	exec bkt "$@"
fi
source=$(dirname "$(dirname "$(readlink -f "$0")")")
if [ ! -x "$source/bin/bkt" ]; then
	if ! command -v go >/dev/null; then
		echo "pre-commit-hook: bkt is not in PATH, and neither is go, which builds it" >&2
		exit 1
	fi
	echo "pre-commit-hook: bkt is not in PATH: building it once" >&2
	mkdir -p "$source/bin"
	# As of "make build"; a commit that runs meanwhile gets a complete program.
	(
		cd "$source"
		unset GIT_DIR GIT_INDEX_FILE GIT_WORK_TREE
		CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags containers_image_openpgp -o "bin/bkt.$$" ./cmd/bkt
		mv "bin/bkt.$$" bin/bkt
	)
fi
exec "$source/bin/bkt" "$@"
