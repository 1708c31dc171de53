#!/usr/bin/env bash
# Fills a desktop to measure on: 60 apps, 500 settings, 30 extensions, three containers,
# ten AppImages. HOME, the XDG folders, the bus and podman's configuration are
# those of the caller; what flatpak installs from, and what else is needed, goes
# into the first folder; the second is that of scripts/offline.sh.
set -euo pipefail

repo=$1/repo build=$1/build offline=$2
arch=$(flatpak --default-arch)

runtime() {
	mkdir -p "$build/runtime/files" "$build/runtime/usr"
	printf '[Runtime]\nname=org.bkt.Platform\nruntime=org.bkt.Platform/%s/1\nsdk=org.bkt.Platform/%s/1\n' "$arch" "$arch" >"$build/runtime/metadata"
	flatpak build-export --no-update-summary --runtime "$repo" "$build/runtime" 1
}

app() {
	local id=org.bkt.App$1 dir=$build/$1
	mkdir -p "$dir/files" "$dir/export"
	printf '[Application]\nname=%s\nruntime=org.bkt.Platform/%s/1\nsdk=org.bkt.Platform/%s/1\ncommand=true\n' "$id" "$arch" "$arch" >"$dir/metadata"
	flatpak build-export --no-update-summary "$repo" "$dir" stable
}

apps() {
	mkdir -p "$1" "$build"
	runtime
	for i in $(seq 60); do app "$i"; done
	flatpak build-update-repo "$repo"
	flatpak remote-add --user --no-gpg-verify local "$repo"
	seq -f 'org.bkt.App%g' 60 | xargs flatpak install --user --noninteractive local
}

settings() {
	for i in $(seq 250); do
		printf '[org/gnome/desktop/app-folders/folders/Folder%d]\nname='"'Folder %d'"'\ntranslate=true\n' "$i" "$i"
	done | dconf load /
}

extensions() {
	local uuids=()
	for i in $(seq 30); do
		local uuid=extension$i@bkt.example
		mkdir -p "$XDG_DATA_HOME/gnome-shell/extensions/$uuid"
		printf '{"uuid": "%s", "name": "%s", "description": "d", "shell-version": ["43"], "version": 3}' "$uuid" "$uuid" \
			>"$XDG_DATA_HOME/gnome-shell/extensions/$uuid/metadata.json"
		uuids+=("'$uuid'")
	done
	dconf write /org/gnome/shell/enabled-extensions "[$(IFS=,; echo "${uuids[*]}")]"
}

# The containers need not run: bkt only reads their state.
boxes() {
	tar -c -C "$build" --files-from /dev/null | podman import --quiet - localhost/box:1
	for i in 1 2 3; do podman create --quiet --label manager=distrobox --name "box$i" localhost/box:1 true; done
}

appimages() {
	local tree=$build/appimage
	mkdir -p "$tree" "$HOME/AppImages"
	printf '[Desktop Entry]\nType=Application\nName=Demo\nExec=demo\nIcon=demo\nCategories=Utility;\n' >"$tree/demo.desktop"
	echo '<svg xmlns="http://www.w3.org/2000/svg"/>' >"$tree/demo.svg"
	mksquashfs "$tree" "$build/squashfs" -noappend -comp gzip -no-progress
	for i in $(seq 10); do
		cat "$offline/appimage/runtime" "$build/squashfs" >"$HOME/AppImages/demo$i.AppImage"
		chmod +x "$HOME/AppImages/demo$i.AppImage"
	done
}

apps "$1"
settings
extensions
boxes
appimages
