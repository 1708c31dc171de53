#!/usr/bin/env bash
# Installs bkt below a prefix, as "make install" and packages do:
#
#     install.sh PREFIX PROGRAMS [BKT]
#
# PROGRAMS is the folder with bkt and bkt-engine. BKT is a bkt that this machine can run;
# the default is the one in PROGRAMS. DESTDIR is put before all paths, and the programs
# go into the folder bindir, if it is set.
set -euo pipefail

if (($# < 2 || $# > 3)); then
	echo "usage: install.sh PREFIX PROGRAMS [BKT]" >&2
	exit 2
fi
prefix=$1
programs=$2
bkt=${3:-$programs/bkt}
bin=${bindir:-$prefix/bin}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
to=${DESTDIR:-}$prefix

# put copies files into a folder below the prefix.
put() {
	local mode=$1 dir=$to/$2
	shift 2
	install -D -m "$mode" -t "$dir" "$@"
}

# write makes a file below the prefix of standard input.
write() {
	mkdir -p "$(dirname "$to/$1")"
	install -m 0644 /dev/stdin "$to/$1"
}

install -D -m 0755 -t "${DESTDIR:-}$bin" "$programs/bkt" "$programs/bkt-engine"

# bash-completion also finds it by this name. Only the program in an archive is called bkt.
"$bkt" completion bash | write share/bash-completion/completions/bkt.bash
"$bkt" completion zsh | write share/zsh/site-functions/_bkt
"$bkt" completion fish | write share/fish/vendor_completions.d/bkt.fish
"$bkt" completion nushell | write share/nushell/vendor/autoload/bkt.nu

pages=$(mktemp -d)
trap 'rm -rf "$pages"' EXIT
"$bkt" -q man-pages "$pages"
gzip --no-name "$pages"/*
put 0644 share/man/man1 "$pages"/*

# "bkt auto-capture enable" writes units for other places of bkt itself.
for unit in "$root"/packaging/systemd/user/*; do
	text=$(<"$unit")
	printf '%s\n' "${text//"/usr/bin/bkt"/"$bin/bkt"}" | write "lib/systemd/user/${unit##*/}"
done

put 0644 share/bkt/schemas "$root"/schemas/*.json
put 0644 share/doc/bkt "$root"/{README,CHANGELOG,SECURITY,CONTRIBUTING}.md
put 0644 share/doc/bkt/docs "$root"/docs/*.md
put 0644 share/licenses/bkt "$root"/{LICENSE,THIRD_PARTY_NOTICES}
