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

// script returns the script that makes the declared exports of a container. gone are files
// that are removed before.
func (s *snapshot) script(c Container, gone []string) (string, error) {
	to := s.to(c.Container)
	if to == baked || !s.exportsSomething(c.Container) {
		to = ""
	}
	o := s.owners(c, gone)
	out := script{}
	out.text.WriteString("# bkt\n")
	for _, v := range []struct{ name, value string }{
		{"container_name", c.Name}, {"to", to}, {"apps", s.applications()}, {"data", s.Data}, {"work", s.work()},
		{"mark", export.Mark}, {"flagsmark", export.FlagsMark}, {"labelmark", export.LabelMark}, {"summark", export.SumMark},
		{"excluded", s.excluded(c.Container)}, {"wrappers", o.wrappers}, {"outdated", o.outdated}, {"entries", o.entries},
	} {
		out.write(v.name+"=", v.value)
	}
	out.text.WriteString(export.Script)
	for _, program := range o.kept {
		out.write("keep ", program)
	}
	s.callAll(&out, c, gone)
	out.text.WriteString("exit $status\n")
	return out.text.String(), out.err
}

// callAll calls the functions of the script for each declared export, except those that
// were exported by hand.
func (s *snapshot) callAll(out *script, c Container, gone []string) {
	also := s.wanted(c.Container, nil)
	wrappers := s.wrappersOf(c.Name)
	for _, at := range sortedKeys(also) {
		p := also[at]
		w, there := wrappers[at]
		byHand := there && !w.ByBkt && !slices.Contains(gone, at)
		if !byHand || !w.Holds(p) {
			out.write("bin ", p.Path, path.Dir(at), p.Flags, yes(p.Sudo), p.EnterFlags)
		}
	}
	if s.to(c.Container) != baked {
		for _, dir := range slices.Sorted(slices.Values(c.Bins.From)) {
			out.write("folder ", strings.TrimSuffix(s.expand(dir), "/"))
		}
	}
	for _, d := range c.ExportedApps {
		if !slices.ContainsFunc(slices.Concat(s.apps, s.left), func(a export.App) bool {
			return a.Container == c.Name && !a.ByBkt && a.Is(d.Name) && !slices.Contains(gone, a.At)
		}) {
			out.write("app ", d.Name, d.Flags, yes(d.Sudo), d.EnterFlags, d.Label)
		}
	}
}

// yes returns a word of the script for a boolean.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// owned are the files of the host that belong to the exports of a container.
type owned struct {
	kept     []string // programs of folders that were exported by hand
	wrappers string   // paths of wrappers that bkt exported, each between slashes
	outdated string   // those of them that need other options
	entries  string   // names of entries that bkt exported, each between slashes
}

// owners returns the files of a container's exports, without those that are removed.
func (s *snapshot) owners(c Container, gone []string) owned {
	o := owned{wrappers: "/", outdated: "/", entries: "/"}
	to := s.to(c.Container)
	all, wanted := s.wrappersOf(c.Name), s.wanted(c.Container, c.Bins.Found)
	for _, at := range sortedKeys(all) {
		w := all[at]
		p, declared := wanted[at]
		switch {
		case slices.Contains(gone, at):
		case w.ByBkt:
			o.wrappers += at + "/"
			if declared && !w.Holds(p) {
				o.outdated += at + "/"
			}
		case path.Dir(at) != to:
		case w.Unsupported == export.ChangedByHand:
			o.kept = append(o.kept, path.Base(at))
		case path.Base(at) == path.Base(w.Program):
			o.kept = append(o.kept, w.Program)
		}
	}
	for _, a := range s.apps {
		if a.Container == c.Name && a.ByBkt {
			o.entries += path.Base(a.At) + "/"
		}
	}
	return o
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

// write writes a line that ends in words, quoted for the shell of a container. Empty words
// at the end are left out.
func (s *script) write(before string, words ...string) {
	for len(words) > 1 && words[len(words)-1] == "" {
		words = words[:len(words)-1]
	}
	for i, word := range words {
		quoted, err := shell.Quote(word)
		if err != nil {
			s.err = errors.Join(s.err, fmt.Errorf("%q: %w", word, err))
			return
		}
		if i == 0 {
			s.text.WriteString(before)
		} else {
			s.text.WriteString(" ")
		}
		s.text.WriteString(quoted)
	}
	s.text.WriteString("\n")
}

// excluded returns the names of the programs in folders that are not exported, each
// between slashes: a program in "also" has its wrapper in the place of theirs.
func (d Domain) excluded(c manifest.Container) string {
	names := slices.Concat(export.Own, c.Bins.Exclude)
	to := d.to(c)
	for _, p := range c.Bins.Also {
		if path.Dir(d.placeOf(c, p)) == to {
			names = append(names, p.Name())
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

// exports returns the steps that make the declared exports of a container, after the files
// in gone were removed.
func (s *snapshot) exports(c Container, gone ...string) []plan.Step {
	for _, to := range s.folders(c.Container) {
		if !paths.Within(to, s.Home) {
			err := fmt.Errorf("programs cannot be exported to %s, which containers do not share with the host", to)
			return []plan.Step{plan.Fail{Reason: hint.Add(err, `set "to" of its bins to a folder in the home, or to %s for the host's image`, baked)}}
		}
	}
	if err := s.checkNoLoop(c); err != nil {
		return []plan.Step{plan.Fail{Reason: err}}
	}
	script, err := s.script(c, gone)
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
	to := s.to(c.Container)
	for _, dir := range c.Bins.From {
		if dir = path.Clean(s.expand(dir)); to != baked && s.facts.same(dir, to) {
			return errLoop(dir)
		}
	}
	for _, p := range c.Bins.Also {
		dir, to := path.Dir(path.Clean(s.expand(p.Path))), path.Dir(s.placeOf(c.Container, p))
		if to != baked && s.facts.same(dir, to) {
			return errLoop(dir)
		}
	}
	return nil
}

func errLoop(dir string) error {
	err := fmt.Errorf("programs in %s cannot be exported to the same folder", dir)
	return hint.Add(err, `remove it from "from" and "also" of the bins, or set their "to" to another folder`)
}

// programFolders returns the folders whose programs a container exports.
func (d Domain) programFolders(c manifest.Container) []string {
	var folders []string
	for _, dir := range c.Bins.From {
		folders = append(folders, path.Clean(d.expand(dir)))
	}
	for _, p := range c.Bins.Also {
		folders = append(folders, path.Dir(path.Clean(d.expand(p.Path))))
	}
	return folders
}
