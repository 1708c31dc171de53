#!/bin/sh
# A stand-in for rustup that keeps real state: toolchains and the default one.
set -eu
stable=1.91.1
home=${RUSTUP_HOME:-$HOME/.rustup}

# install makes the toolchain NAME, of a version.
install() {
	dir=$home/toolchains/$1-$(uname -m)-unknown-linux-gnu
	if [ "$(cat "$home/update-hashes/$1" 2>/dev/null)" != "$2" ]; then
		mkdir -p "$dir/bin" "$home/update-hashes"
		printf '#!/bin/sh\necho rustc %s\n' "$2" >"$dir/bin/rustc"
		chmod 0755 "$dir/bin/rustc"
		echo "$2" >"$home/update-hashes/$1"
	fi
	[ -e "$home/settings.toml" ] || default "$1"
}

default() {
	mkdir -p "$home" "$HOME/.cargo/bin"
	printf 'version = "12"\ndefault_toolchain = "%s"\n' "$1" >"$home/settings.toml"
	ln -sfn "$home/toolchains/$1-$(uname -m)-unknown-linux-gnu/bin/rustc" "$HOME/.cargo/bin/rustc"
}

version() {
	case $1 in
	stable) echo "$stable" ;;
	*) echo "$1" ;;
	esac
}

[ "${1:-}" != toolchain ] || shift
name=${2:-stable}
case ${1:-} in
install | update)
	install "$name" "$(version "$name")"
	;;
default)
	install "$name" "$(version "$name")"
	default "$name"
	;;
*) echo "rustup 1.28.2" ;;
esac
