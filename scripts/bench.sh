#!/usr/bin/env bash
# Measures bkt and prints a table for docs/performance.md, or the parts of it that the
# arguments name. See scripts/bench.
set -euo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(dirname "$scripts")/bin
export CGO_ENABLED=0

offline=$("$scripts/offline.sh")
"$scripts/offline.sh" appimage >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'package main

func main() {}' >"$work/empty.go"
go build -trimpath -ldflags "-s -w" -o "$bin/empty" "$work/empty.go"
go build -C "$scripts" -buildvcs=false -o "$bin/serve" ./serve
go build -C "$scripts/bench" -buildvcs=false -ldflags "-s -w" -o "$bin/buildctl" github.com/moby/buildkit/cmd/buildctl
go build -C "$scripts/bench" -buildvcs=false -o "$work/bench" .
"$work/bench" "$bin" "$offline" "$@"
