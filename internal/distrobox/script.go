package distrobox

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"

	"mvdan.cc/sh/v3/syntax"
)

// exporting is the script that exports all of a box, in one entry into it. It is
// read from standard input: distrobox puts arguments into a command line that it
// has a shell read once more. The first line is there because distrobox, should
// the box be gone, asks whether to make it, and takes the line for an answer.
//
// What distrobox-export would not quote is left out, as programs does it. Where
// someone else's file is in the way, that program is not exported, and the
// others are. What is exported gets a line that says so.
const exporting = `# bkt
box=%[1]s to=%[2]s apps=%[3]s mark=%[4]s excluded=%[5]s status=0
case $to in ?*) mkdir -p "$to" || exit ;; esac
bin() {
	name=${1##*/}
	case $name in *[[:cntrl:]\']*) return ;; esac
	case $excluded in *"/$name/"*) return ;; esac
	excluded=$excluded$name/
	if test -e "$to/$name" || test -L "$to/$name"; then
		if ! grep -qsxF '# distrobox_binary' "$to/$name" || ! grep -qsxF "# name: $box" "$to/$name"; then
			echo "$to/$name is in the way, and not of this box" >&2
			status=1
			return
		fi
		if grep -qsxF "$mark$1" "$to/$name"; then
			return
		fi
	fi
	if distrobox-export --bin "$1" --export-path "$to" </dev/null >/dev/null; then
		echo "$mark$1" >>"$to/$name" || status=1
	else
		status=1
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
	if ! distrobox-export --app "$1" </dev/null >/dev/null; then
		status=1
		return
	fi
	for entry in "$apps/$box"-*.desktop; do
		if grep -qsF "$1" "$entry" && ! grep -qsF "$mark" "$entry"; then
			echo "$mark$1" >>"$entry" || status=1
		fi
	done
}
%[6]sexit $status
`

// script returns the script that exports what is declared of a box.
func (d *Domain) script(b Box) (string, error) {
	to, ours := d.to(b.Box)
	var calls []string
	if ours {
		for _, program := range slices.Sorted(slices.Values(b.Bins.Also)) {
			calls = append(calls, "bin", d.expand(program))
		}
		for _, dir := range slices.Sorted(slices.Values(b.Bins.From)) {
			calls = append(calls, "folder", strings.TrimSuffix(d.expand(dir), "/"))
		}
	}
	for _, name := range b.ExportedApps {
		calls = append(calls, "app", name)
	}
	if !d.exportsSomething(b.Box) {
		to = ""
	}
	var out strings.Builder
	for i := 0; i < len(calls); i += 2 {
		quoted, err := quote(calls[i+1])
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%s %s\n", calls[i], quoted)
	}
	values := []any{}
	for _, v := range []string{b.Name, to, d.applications(), mark, excluded(b.Bins)} {
		quoted, err := quote(v)
		if err != nil {
			return "", err
		}
		values = append(values, quoted)
	}
	return fmt.Sprintf(exporting, append(values, out.String())...), nil
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

// quote quotes a word for the shell of a box.
func quote(word string) (string, error) {
	quoted, err := syntax.Quote(word, syntax.LangPOSIX)
	if err != nil {
		return "", fmt.Errorf("%q: %w", word, err)
	}
	return quoted, nil
}

// enter runs a script in a box.
func enter(box, script string) plan.Run {
	return plan.Run{Argv: []string{"distrobox", "enter", "--name", box, "--", "sh", "-s"}, Stdin: []byte(script)}
}

// exports returns the steps that export what is declared of a box.
func (d *Domain) exports(b Box) []plan.Step {
	if to, ours := d.to(b.Box); ours && d.exportsSomething(b.Box) && !below(to, d.Home) {
		err := fmt.Errorf("programs cannot be exported to %s, which boxes do not share with the host", to)
		return []plan.Step{plan.Fail{Reason: hint.Add(err, `set "to" of its bins to a folder in the home, or to %s for the host's image`, baked)}}
	}
	if err := d.looping(b); err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	script, err := d.script(b)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	return []plan.Step{enter(b.Name, script)}
}

// looping returns an error if wrappers were to be exported from the folder that
// they are in: one that runs itself never ends.
func (d *Domain) looping(b Box) error {
	to, ours := d.to(b.Box)
	folders := slices.Clone(b.Bins.From)
	for _, program := range b.Bins.Also {
		folders = append(folders, path.Dir(program))
	}
	for _, dir := range folders {
		if dir := path.Clean(d.expand(dir)); ours && sameFolder(dir, to) {
			err := fmt.Errorf("programs in %s cannot be exported to that same folder", dir)
			return hint.Add(err, `take it out of "from" and "also" of the bins, or set their "to" to another folder`)
		}
	}
	return nil
}
