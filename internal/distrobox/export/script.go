package export

// Script exports all programs and apps of a container while it is entered once. A shell
// in the container reads it from standard input, because distrobox passes arguments to a
// shell again. The caller writes a comment as the first line, because distrobox asks
// whether to create a missing container, and reads that line as the answer.
//
// The script omits names that distrobox-export does not quote, as [Programs] does.
// distrobox-export overwrites any file with the name of an export. So the script exports
// a program only if its file is missing or was exported by bkt, does nothing if the same
// program was exported by hand, and reports any other file before it continues with the
// next program. It exports an app to a separate folder first: distrobox-export selects
// all entries that contain the name, but only the declared one is moved to its place. The
// second generation of distrobox does not find an entry by its title, but accepts its
// path; the first generation does not accept a path, and takes the label "none" for a
// text. Each export gets the lines of a signature.
const Script = `status=0 kept='
'
fail() {
	echo "$1" >&2
	status=1
}
keep() { kept="$kept$1
"; }
sign() {
	test -z "$(tail -c 1 "$1")" || echo >>"$1"
	printf '%s\n' "$mark$2" >>"$1" || return
	test -z "$3" || printf '%s\n' "$flagsmark$3" >>"$1" || return
	test -z "$4" || printf '%s\n' "$labelmark$4" >>"$1" || return
	if sum=$({ printf '%s\n' "${1##*/}"; cat "$1"; } | sha256sum 2>/dev/null); then
		echo "$summark${sum%% *}" >>"$1"
	fi
}
bin() {
	name=${1##*/} program=$1 dir=$2
	case $name in *[[:cntrl:]\']*) return ;; esac
	mkdir -p "$dir" || exit
	if test -e "$dir/$name" || test -L "$dir/$name"; then
		case $wrappers in
		*"/$dir/$name/"*) ;;
		*)
			if grep -qsxF "# name: $container_name" "$dir/$name"; then
				fail "$dir/$name is in the way: it was exported by hand, and runs a program other than $program"
			else
				fail "$dir/$name is in the way: it is not an export of the container $container_name"
			fi
			return
			;;
		esac
		case $outdated in
		*"/$dir/$name/"*) ;;
		*) if grep -qsxF "$mark$program" "$dir/$name"; then return; fi ;;
		esac
	fi
	flags=$3 sudo=$4 enter=$5
	set -- --bin "$program" --export-path "$dir"
	test -z "$flags" || set -- "$@" --extra-flags "$flags"
	test -z "$sudo" || set -- "$@" --sudo
	test -z "$enter" || set -- "$@" --enter-flags "$enter"
	if ! distrobox-export "$@" </dev/null >/dev/null; then
		status=1
	elif ! test -f "$dir/$name" || ! sign "$dir/$name" "$program"; then
		fail "distrobox-export reported success, but did not export $program"
	fi
}
folder() {
	for program in "$1"/*; do
		name=${program##*/}
		case $excluded in *"/$name/"*) continue ;; esac
		case $kept in *"
$program
"* | *"
$name
"*) continue ;; esac
		if test -f "$program" && test -x "$program"; then
			excluded=$excluded$name/
			bin "$program" "$to"
		fi
	done
}
app() {
	id=${1##*/}
	id=${id%.desktop}
	flags=$2 sudo=$3 enter=$4 label=$5
	made=$work/.local/share
	own=$made/applications/$container_name-$id.desktop
	rm -rf "$work"
	mkdir -p "$work" "$apps" || exit
	export_app "$1" 2>"$work/why"
	test -f "$own" || export_app "$(entry "$id")" 2>/dev/null
	if test -f "$own"; then
		place "$own" "$1" || fail "$apps/$container_name-$id.desktop is in the way: bkt did not export it"
	else
		found= placed=
		for entry in "$made/applications/$container_name"-*.desktop; do
			test -f "$entry" || continue
			found=yes
			if place "$entry" "$1"; then placed=yes; fi
		done
		if ! test "$found"; then
			fail "$(cat "$work/why")"
		elif ! test "$placed"; then
			fail "the app $1 was exported already, and not by bkt: declare it by the name of its entry"
		fi
	fi
	rm -rf "$work"
}
export_app() {
	test "$1" || return
	set -- --app "$1"
	test -z "$flags" || set -- "$@" --extra-flags "$flags"
	test -z "$sudo" || set -- "$@" --sudo
	test -z "$enter" || set -- "$@" --enter-flags "$enter"
	test -z "$label" || set -- "$@" --export-label "$label"
	DISTROBOX_HOST_HOME=$work distrobox-export "$@" </dev/null >/dev/null
}
entry() {
	dirs=${XDG_DATA_DIRS:-/usr/local/share:/usr/share:/var/lib/flatpak/exports/share}:
	while test "$dirs"; do
		if test -f "${dirs%%:*}/applications/$1.desktop"; then
			echo "${dirs%%:*}/applications/$1.desktop"
			return
		fi
		dirs=${dirs#*:}
	done
}
place() {
	file=${1##*/}
	if test -e "$apps/$file" || test -L "$apps/$file"; then
		case $entries in *"/$file/"*) ;; *) return 1 ;; esac
	fi
	(cd "$made/icons" 2>/dev/null && find . -type f) | while IFS= read -r icon; do
		test -e "$data/icons/$icon" || { mkdir -p "$data/icons/${icon%/*}" && cp "$made/icons/$icon" "$data/icons/$icon"; }
	done
	place=$(printf %s "$data" | sed 's/[&|\\]/\\&/g')
	none=
	test "$label" != none || none='s/^\(Name.*\) none$/\1/'
	mkdir "$work/new" &&
		sed -e "s|$made|$place|g" -e 's|^StartupWMClass=/.*/\(.*\)\.desktop$|StartupWMClass=\1|' -e "$none" "$1" >"$work/new/$file" && sign "$work/new/$file" "$2" "$flags" "$label" &&
		mv -f "$work/new/$file" "$apps/$file" && rmdir "$work/new" || status=1
}
`
