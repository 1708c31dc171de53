package export

// Script exports everything of a container, in one entry into it. It is
// read from standard input: distrobox puts arguments into a command line that it
// has a shell read once more. The first line is there because distrobox, should
// the container be gone, asks whether to create it, and takes the line for an answer.
//
// What distrobox-export would not quote is left out, as programs does it. It
// writes over whatever has the name of what it exports. So a program is exported
// only where there is nothing or what bkt has exported; where it is exported
// already by hand, nothing is done, and where something else is in the way, the
// others are exported. An app goes into a folder of its own first: distrobox-export
// takes all whose entries have the name in them, of which only the one that is
// meant gets its place. The second generation does not find an entry by what it is
// called, but takes its path, which the first does not. What is exported gets the
// lines that say so.
const Script = `status=0 kept='
'
case $to in ?*) mkdir -p "$to" || exit ;; esac
fail() {
	echo "$1" >&2
	status=1
}
keep() { kept="$kept$1
"; }
sign() {
	test -z "$(tail -c 1 "$1")" || echo >>"$1"
	printf '%s\n' "$mark$2" >>"$1" || return
	if sum=$({ printf '%s\n' "${1##*/}"; cat "$1"; } | sha256sum 2>/dev/null); then
		echo "$summark${sum%% *}" >>"$1"
	fi
}
bin() {
	name=${1##*/}
	case $name in *[[:cntrl:]\']*) return ;; esac
	case $excluded in *"/$name/"*) return ;; esac
	excluded=$excluded$name/
	case $kept in *"
$1
"* | *"
$name
"*) return ;; esac
	if test -e "$to/$name" || test -L "$to/$name"; then
		case $wrappers in
		*"/$name/"*) ;;
		*)
			if grep -qsxF "# name: $box" "$to/$name"; then
				fail "$to/$name is in the way: it was exported by hand, and runs another program than $1"
			else
				fail "$to/$name is in the way: it is not an export of the container $box"
			fi
			return
			;;
		esac
		if grep -qsxF "$mark$1" "$to/$name"; then
			return
		fi
	fi
	if ! distrobox-export --bin "$1" --export-path "$to" </dev/null >/dev/null; then
		status=1
	elif ! test -f "$to/$name" || ! sign "$to/$name" "$1"; then
		fail "distrobox-export has not exported $1, though it says so"
	fi
}
folder() {
	for program in "$1"/*; do
		if test -f "$program" && test -x "$program"; then
			bin "$program"
		fi
	done
}
app() {
	id=${1##*/}
	id=${id%.desktop}
	made=$work/.local/share
	own=$made/applications/$box-$id.desktop
	rm -rf "$work"
	mkdir -p "$work" "$apps" || exit
	export_app "$1" 2>"$work/why"
	test -f "$own" || export_app "$(entry "$id")" 2>/dev/null
	if test -f "$own"; then
		place "$own" "$1" || fail "$apps/$box-$id.desktop is in the way, and not bkt's"
	else
		found= placed=
		for entry in "$made/applications/$box"-*.desktop; do
			test -f "$entry" || continue
			found=yes
			if place "$entry" "$1"; then placed=yes; fi
		done
		if ! test "$found"; then
			fail "$(cat "$work/why")"
		elif ! test "$placed"; then
			fail "what $1 stands for is exported already, and not by bkt: declare it by the name of its entry"
		fi
	fi
	rm -rf "$work"
}
export_app() { test "$1" && DISTROBOX_HOST_HOME=$work distrobox-export --app "$1" </dev/null >/dev/null; }
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
	mkdir "$work/new" &&
		sed -e "s|$made|$place|g" -e 's|^StartupWMClass=/.*/\(.*\)\.desktop$|StartupWMClass=\1|' "$1" >"$work/new/$file" && sign "$work/new/$file" "$2" &&
		mv -f "$work/new/$file" "$apps/$file" && rmdir "$work/new" || status=1
}
`
