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

// script returns the script that makes the declared exports of a container.
func (s *snapshot) script(c Container) (string, error) {
	to, _ := s.to(c.Container)
	if !s.exportsSomething(c.Container) {
		to = ""
	}
	kept, wrappers, entries := s.owners(c, to)
	out := script{}
	out.text.WriteString("# bkt\n")
	for _, v := range []struct{ name, value string }{
		{"container_name", c.Name}, {"to", to}, {"apps", s.applications()}, {"data", s.Data}, {"work", s.work()}, {"mark", export.Mark}, {"summark", export.SumMark},
		{"excluded", excluded(c.Bins)}, {"wrappers", wrappers}, {"entries", entries},
	} {
		out.write(v.name+"=", v.value)
	}
	out.text.WriteString(export.Script)
	for _, program := range kept {
		out.write("keep ", program)
	}
	s.callAll(&out, c)
	out.text.WriteString("exit $status\n")
	return out.text.String(), out.err
}

// callAll calls the functions of the script for each declared export, except apps that
// were exported by hand.
func (s *snapshot) callAll(out *script, c Container) {
	if _, ours := s.to(c.Container); ours {
		for _, program := range slices.Sorted(slices.Values(c.Bins.Also)) {
			out.write("bin ", s.expand(program))
		}
		for _, dir := range slices.Sorted(slices.Values(c.Bins.From)) {
			out.write("folder ", strings.TrimSuffix(s.expand(dir), "/"))
		}
	}
	for _, name := range c.ExportedApps {
		if !slices.ContainsFunc(s.apps, func(a export.App) bool { return a.Container == c.Name && !a.ByBkt && a.Is(name) }) {
			out.write("app ", name)
		}
	}
}

// owners returns the programs of a container that were exported by hand, and the names
// of the files that bkt exported, each between slashes.
func (s *snapshot) owners(c Container, to string) (kept []string, wrappers, entries string) {
	wrappers, entries = "/", "/"
	all := s.wrappersOf(c.Name)
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
		if a.Container == c.Name && a.ByBkt {
			entries += path.Base(a.At) + "/"
		}
	}
	return kept, wrappers, entries
}

// work returns a folder of bkt that containers share with the host.
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

// excluded returns the names of the programs not to export, each between slashes. A
// program in "also" is exported even if its name is excluded.
func excluded(c manifest.Bins) string {
	names := slices.Clone(export.Own)
	for _, name := range c.Exclude {
		if !slices.ContainsFunc(c.Also, func(also string) bool { return path.Base(also) == name }) {
			names = append(names, name)
		}
	}
	return "/" + strings.Join(names, "/") + "/"
}

// enter runs a script in a container. If the container does not exist, and distrobox is
// configured not to ask, distrobox would create it from its default image. So bkt verifies
// that the container exists, and sets the variable, which overrides the configuration.
func (d Domain) enter(container, script string) plan.Run {
	return plan.Run{
		Argv:    []string{"distrobox", "enter", "--name", container, "--", "sh", "-s"},
		Env:     []string{"DBX_NON_INTERACTIVE=0"},
		Stdin:   []byte(script),
		Require: d.manager().Exists(container),
	}
}

// exports returns the steps that make the declared exports of a container.
func (s *snapshot) exports(c Container) []plan.Step {
	if to, ours := s.to(c.Container); ours && s.exportsSomething(c.Container) && !paths.Within(to, s.Home) {
		err := fmt.Errorf("programs cannot be exported to %s, which containers do not share with the host", to)
		return []plan.Step{plan.Fail{Reason: hint.Add(err, `set "to" of its bins to a folder in the home, or to %s for the host's image`, baked)}}
	}
	if err := s.checkNoLoop(c); err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	script, err := s.script(c)
	if err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	steps := []plan.Step{s.enter(c.Name, script)}
	if len(c.ExportedApps) > 0 { // as distrobox does in its own folder
		steps = append(steps, plan.Run{Argv: []string{"sh", "-c", refreshing, "sh", s.applications()}})
	}
	return steps
}

// refreshing updates the desktop's list of the file types that apps open. If the program
// for that is missing, no desktop uses the list.
const refreshing = `if command -v update-desktop-database >/dev/null; then update-desktop-database -q "$1" || :; fi`

// checkNoLoop returns an error if wrappers would be exported to the folder of their
// programs: a wrapper that runs itself never ends.
func (s *snapshot) checkNoLoop(c Container) error {
	to, ours := s.to(c.Container)
	for _, dir := range s.programFolders(c.Container) {
		if ours && s.facts.same(dir, to) {
			err := fmt.Errorf("programs in %s cannot be exported to the same folder", dir)
			return hint.Add(err, `remove it from "from" and "also" of the bins, or set their "to" to another folder`)
		}
	}
	return nil
}

// programFolders returns the folders whose programs a container exports.
func (d Domain) programFolders(c manifest.Container) []string {
	folders := slices.Clone(c.Bins.From)
	for _, program := range c.Bins.Also {
		folders = append(folders, path.Dir(program))
	}
	for i, dir := range folders {
		folders[i] = path.Clean(d.expand(dir))
	}
	return folders
}
