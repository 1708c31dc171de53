#!/bin/sh
# A stand-in for proto that keeps real state: tools, and links to them.
set -eu
home=${PROTO_HOME:-$HOME/.proto}
case ${1:-} in
install)
	tool=$2 version=${3:-24.11.0}
	dir=$home/tools/$tool/$version
	mkdir -p "$dir/bin" "$home/bin" "$home/shims"
	if [ ! -e "$dir/bin/$tool" ]; then
		printf '#!/bin/sh\necho %s %s\n' "$tool" "$version" >"$dir/bin/$tool"
		chmod 0755 "$dir/bin/$tool"
	fi
	ln -sfn "$dir/bin/$tool" "$home/bin/$tool"
	printf '#!/bin/sh\nexec %s/bin/%s "$@"\n' "$home" "$tool" >"$home/shims/$tool"
	chmod 0755 "$home/shims/$tool"
	printf 'installed_versions = ["%s"]\n' "$version" >"$home/tools/$tool/manifest.toml"
	;;
*) echo "proto 0.50.0" ;;
esac
