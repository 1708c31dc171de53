package distrobox

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"bkt/internal/distrobox/export"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/paths"
	"bkt/internal/plan"
	"bkt/internal/shell"
)

// script returns the script that exports what is declared for a container.
func (s *snapshot) script(b Container) (string, error) {
	to, _ := s.to(b.Container)
	if !s.exportsSomething(b.Container) {
		to = ""
	}
	kept, wrappers, entries := s.owners(b, to)
	out := script{}
	out.text.WriteString("# bkt\n")
	for _, v := range []struct{ name, value string }{
		{"box", b.Name}, {"to", to}, {"apps", s.applications()}, {"data", s.Data}, {"work", s.work()}, {"mark", export.Mark}, {"summark", export.SumMark},
		{"excluded", excluded(b.Bins)}, {"wrappers", wrappers}, {"entries", entries},
	} {
		out.write(v.name+"=", v.value)
	}
	out.text.WriteString(export.Script)
	for _, program := range kept {
		out.write("keep ", program)
	}
	s.callAll(&out, b)
	out.text.WriteString("exit $status\n")
	return out.text.String(), out.err
}

// callAll calls the functions of the script for each declared export, except apps that
// were exported by hand.
func (s *snapshot) callAll(out *script, b Container) {
	if _, ours := s.to(b.Container); ours {
		for _, program := range slices.Sorted(slices.Values(b.Bins.Also)) {
			out.write("bin ", s.expand(program))
		}
		for _, dir := range slices.Sorted(slices.Values(b.Bins.From)) {
			out.write("folder ", strings.TrimSuffix(s.expand(dir), "/"))
		}
	}
	for _, name := range b.ExportedApps {
		if !slices.ContainsFunc(s.apps, func(a export.App) bool { return a.Container == b.Name && !a.ByBkt && a.Is(name) }) {
			out.write("app ", name)
		}
	}
}

// owners returns the programs of a container that were exported by hand, and the names
// of the files that bkt has exported, each between slashes.
func (s *snapshot) owners(b Container, to string) (kept []string, wrappers, entries string) {
	wrappers, entries = "/", "/"
	all := s.wrappersOf(b.Name)
	for _, at := range sortedKeys(all) {
		w := all[at]
		switch {
		case path.Dir(at) != to:
		case w.ByBkt:
			wrappers += path.Base(at) + "/"
		case w.Unsupported == export.ChangedByHand:
			kept = append(kept, path.Base(at))
		case path.Base(at) == path.Base(w.Program):
			kept = append(kept, w.Program)
		}
	}
	for _, a := range s.apps {
		if a.Container == b.Name && a.ByBkt {
			entries += path.Base(a.At) + "/"
		}
	}
	return kept, wrappers, entries
}

// work is a folder of bkt that containers share with the host.
func (d Domain) work() string {
	if paths.Within(d.Cache, d.Home) {
		return path.Join(d.Cache, "export")
	}
	return path.Join(d.Home, ".cache/bkt/distrobox/export")
}

// A script is a script that is being written.
type script struct {
	text strings.Builder
	err  error // the first
}

// write writes a line that ends in a word, quoted for the shell of a container.
func (s *script) write(before, word string) {
	quoted, err := shell.Quote(word)
	if err != nil {
		s.err = errors.Join(s.err, fmt.Errorf("%q: %w", word, err))
		return
	}
	s.text.WriteString(before + quoted + "\n")
}

// excluded has the names of programs that are not exported, each between slashes. A
// program that is declared by itself is exported even if its name is excluded.
func excluded(b manifest.Bins) string {
	names := slices.Clone(export.Own)
	for _, name := range b.Exclude {
		if !slices.ContainsFunc(b.Also, func(also string) bool { return path.Base(also) == name }) {
			names = append(names, name)
		}
	}
	return "/" + strings.Join(names, "/") + "/"
}

// enter runs a script in a container. If the container does not exist, distrobox would
// create it from its default image, once it is told not to ask. So bkt verifies that
// the container exists, and sets the variable, which overrides the configuration.
func (d Domain) enter(box, script string) plan.Run {
	return plan.Run{
		Argv:    []string{"distrobox", "enter", "--name", box, "--", "sh", "-s"},
		Env:     []string{"DBX_NON_INTERACTIVE=0"},
		Stdin:   []byte(script),
		Require: d.manager().Exists(box),
	}
}

// exports returns the steps that export what is declared for a container.
func (s *snapshot) exports(b Container) []plan.Step {
	if to, ours := s.to(b.Container); ours && s.exportsSomething(b.Container) && !paths.Within(to, s.Home) {
		err := fmt.Errorf("programs cannot be exported to %s, which containers do not share with the host", to)
		return []plan.Step{plan.Fail{Reason: hint.Add(err, `set "to" of its bins to a folder in the home, or to %s for the host's image`, baked)}}
	}
	if err := s.checkNoLoop(b); err != nil {
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

// refreshing makes the desktop know which files the apps open. Without the program for
// that, no desktop needs to know.
const refreshing = `if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$1" || :; fi`

// checkNoLoop returns an error if wrappers would be exported from the folder that they
// are in: a wrapper that runs itself never ends.
func (s *snapshot) checkNoLoop(b Container) error {
	to, ours := s.to(b.Container)
	for _, dir := range s.programFolders(b.Container) {
		if ours && s.facts.same(dir, to) {
			err := fmt.Errorf("programs in %s cannot be exported to that same folder", dir)
			return hint.Add(err, `take it out of "from" and "also" of the bins, or set their "to" to another folder`)
		}
	}
	return nil
}

// programFolders returns the folders whose programs a container exports.
func (d Domain) programFolders(b manifest.Container) []string {
	folders := slices.Clone(b.Bins.From)
	for _, program := range b.Bins.Also {
		folders = append(folders, path.Dir(program))
	}
	for i, dir := range folders {
		folders[i] = path.Clean(d.expand(dir))
	}
	return folders
}
