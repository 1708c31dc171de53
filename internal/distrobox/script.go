package distrobox

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/plan"
	"bkt/internal/shell"
)

// exporting is the script that exports all of a box, in one entry into it. It is
// read from standard input: distrobox puts arguments into a command line that it
// has a shell read once more. The first line is there because distrobox, should
// the box be gone, asks whether to make it, and takes the line for an answer.
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
const exporting = `status=0 kept='
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

// script returns the script that exports what is declared of a box.
func (s *snapshot) script(b Box) (string, error) {
	to, _ := s.to(b.Box)
	if !s.exportsSomething(b.Box) {
		to = ""
	}
	kept, wrappers, entries := s.owners(b, to)
	out := script{}
	out.text.WriteString("# bkt\n")
	for _, v := range []struct{ name, value string }{
		{"box", b.Name}, {"to", to}, {"apps", s.applications()}, {"data", s.Data}, {"work", s.work()}, {"mark", mark}, {"summark", sumMark},
		{"excluded", excluded(b.Bins)}, {"wrappers", wrappers}, {"entries", entries},
	} {
		out.write(v.name+"=", v.value)
	}
	out.text.WriteString(exporting)
	for _, program := range kept {
		out.write("keep ", program)
	}
	s.callAll(&out, b)
	out.text.WriteString("exit $status\n")
	return out.text.String(), out.err
}

// callAll calls the functions of the script for what is declared. An app that
// someone has exported by hand is left to them.
func (s *snapshot) callAll(out *script, b Box) {
	if _, ours := s.to(b.Box); ours {
		for _, program := range slices.Sorted(slices.Values(b.Bins.Also)) {
			out.write("bin ", s.expand(program))
		}
		for _, dir := range slices.Sorted(slices.Values(b.Bins.From)) {
			out.write("folder ", strings.TrimSuffix(s.expand(dir), "/"))
		}
	}
	for _, name := range b.ExportedApps {
		if !slices.ContainsFunc(s.apps, func(a app) bool { return a.box == b.Name && !a.byBkt && a.is(name) }) {
			out.write("app ", name)
		}
	}
}

// owners returns which programs of a box are exported by hand, and the names of the
// files that bkt has exported, each between slashes.
func (s *snapshot) owners(b Box, to string) (kept []string, wrappers, entries string) {
	wrappers, entries = "/", "/"
	all := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(all) {
		w := all[at]
		switch {
		case path.Dir(at) != to:
		case w.byBkt:
			wrappers += path.Base(at) + "/"
		case w.odd == changedByHand:
			kept = append(kept, path.Base(at))
		case path.Base(at) == path.Base(w.program):
			kept = append(kept, w.program)
		}
	}
	for _, a := range s.apps {
		if a.box == b.Name && a.byBkt {
			entries += path.Base(a.at) + "/"
		}
	}
	return kept, wrappers, entries
}

// work is a folder of bkt's that boxes share with the host.
func (d Domain) work() string {
	if paths.Within(d.Cache, d.Home) {
		return path.Join(d.Cache, "export")
	}
	return path.Join(d.Home, ".cache/bkt/distrobox/export")
}

// A script is one that is being written.
type script struct {
	text strings.Builder
	err  error // the first
}

// write writes a line that ends in a word, quoted for the shell of a box.
func (s *script) write(before, word string) {
	quoted, err := shell.Quote(word)
	if err != nil {
		s.err = errors.Join(s.err, fmt.Errorf("%q: %w", word, err))
		return
	}
	s.text.WriteString(before + quoted + "\n")
}

// excluded are the names of programs that are not exported, each between slashes.
// One that is given by itself is exported whatever the folders have.
func excluded(b manifest.Bins) string {
	names := slices.Clone(own)
	for _, name := range b.Exclude {
		if !slices.ContainsFunc(b.Also, func(also string) bool { return path.Base(also) == name }) {
			names = append(names, name)
		}
	}
	return "/" + strings.Join(names, "/") + "/"
}

// enter runs a script in a box. If there is none, distrobox would make one of
// whatever image it takes by default, as soon as it is told not to ask: by a variable
// or by its configuration, which the variable goes before.
func (d Domain) enter(box, script string) plan.Run {
	return plan.Run{
		Argv:    []string{"distrobox", "enter", "--name", box, "--", "sh", "-s"},
		Env:     []string{"DBX_NON_INTERACTIVE=0"},
		Stdin:   []byte(script),
		Require: d.exists(box),
	}
}

// existing checks that there is a container of just this name: a manager takes the
// beginning of an id for a name, too.
const existing = `case $("$1" inspect --type container --format '{{.Name}}' "$2" 2>/dev/null) in
"$2" | "/$2") ;;
*) echo "there is no container $2" >&2; exit 1 ;;
esac`

func (d Domain) exists(box string) []string {
	return []string{"sh", "-c", existing, "sh", d.Manager, box}
}

// exports returns the steps that export what is declared of a box.
func (s *snapshot) exports(b Box) []plan.Step {
	if to, ours := s.to(b.Box); ours && s.exportsSomething(b.Box) && !paths.Within(to, s.Home) {
		err := fmt.Errorf("programs cannot be exported to %s, which boxes do not share with the host", to)
		return []plan.Step{plan.Fail{Reason: hint.Add(err, `set "to" of its bins to a folder in the home, or to %s for the host's image`, baked)}}
	}
	if err := s.looping(b); err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	script, err := s.script(b)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	steps := []plan.Step{s.enter(b.Name, script)}
	if len(b.ExportedApps) > 0 { // as distrobox does it, in its own folder
		steps = append(steps, plan.Run{Argv: []string{"sh", "-c", refreshing, "sh", s.applications()}})
	}
	return steps
}

// refreshing has the desktop know which files the apps open. Without the program for
// that, there is none that would have to know.
const refreshing = `if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$1" || :; fi`

// looping returns an error if wrappers were to be exported from the folder that
// they are in: one that runs itself never ends.
func (s *snapshot) looping(b Box) error {
	to, ours := s.to(b.Box)
	for _, dir := range s.programFolders(b.Box) {
		if ours && s.facts.same(dir, to) {
			err := fmt.Errorf("programs in %s cannot be exported to that same folder", dir)
			return hint.Add(err, `take it out of "from" and "also" of the bins, or set their "to" to another folder`)
		}
	}
	return nil
}

// programFolders returns the folders whose programs a container exports.
func (d Domain) programFolders(b manifest.Box) []string {
	folders := slices.Clone(b.Bins.From)
	for _, program := range b.Bins.Also {
		folders = append(folders, path.Dir(program))
	}
	for i, dir := range folders {
		folders[i] = path.Clean(d.expand(dir))
	}
	return folders
}
