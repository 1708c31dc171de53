#!/usr/bin/env bash
# Fills a desktop to measure on: 60 apps, 500 settings, 30 extensions. HOME, the
# XDG folders and the bus are those of the caller; what flatpak installs from
# goes into the folder given.
set -euo pipefail

repo=$1/repo build=$1/build
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

apps "$1"
settings
extensions
