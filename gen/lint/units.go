package lint

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/gen/flow"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/script/call"
)

// A unit is a unit that section SYSTEMD_UNITS enables or disables.
type unit struct {
	name string
	line int // from 1
}

// verbs matches the command of systemctl in a line of the section.
var verbs = regexp.MustCompile(`\bsystemctl (?:--\S+ )*([a-z]+)`)

// units returns the units that must exist where the section is: a unit that does not can
// only be masked.
func (d reading) units() []unit {
	lines := dockerfile.SplitLines(string(d.r.Text))
	var all []unit
	verb := ""
	for _, o := range d.r.Origins {
		if o.Section != gen.SystemdUnits {
			continue
		}
		if m := verbs.FindStringSubmatch(lines[o.Line-1].Text); m != nil {
			verb = m[1]
		}
		if o.Position.Line > 0 && verb != "" && verb != "mask" { // presets above the first command name any unit
			all = append(all, unit{o.Text, o.Line})
		}
	}
	return all
}

// lateUnits returns a warning for each unit that an instruction below the section brings,
// and none above it.
func (d reading) lateUnits() []error {
	units := d.units()
	if len(units) == 0 {
		return nil
	}
	of := make([][]dockerfile.Instruction, len(d.now.All))
	for _, in := range dockerfile.ReadInstructions(string(d.r.Text)) {
		if i := d.now.At(in.Line); i >= 0 {
			of[i] = append(of[i], in)
		}
	}
	var warnings []error
	for _, u := range units {
		b := bringer{d, of, u.name, map[int]int{}}
		first := b.firstLine(d.now.Final())
		if first <= u.line {
			continue
		}
		f := d.r.Finding(finding.Warning, "unit-late", d.file, u.line, fmt.Sprintf("%s may not exist yet: line %d brings it, below this section", u.name, first))
		warnings = append(warnings, hint.Add(f, "move section %s below line %d, unless a package has the unit, too", gen.SystemdUnits, first))
	}
	return warnings
}

// A bringer finds the instructions that bring a unit.
type bringer struct {
	reading
	of    [][]dockerfile.Instruction // by stage
	unit  string
	found map[int]int // see firstLine, by stage
}

// firstLine returns the line of the first instruction that brings the unit into a stage,
// from 1; 0 if none is known to do so.
func (b bringer) firstLine(stage int) int {
	if stage < 0 {
		return 0
	}
	line, known := b.found[stage]
	if known {
		return line
	}
	line = b.firstLine(b.now.Parent(stage))
	for _, in := range b.of[stage] {
		if line == 0 && b.brings(in, stage) {
			line = in.Line + 1
		}
	}
	b.found[stage] = line
	return line
}

// brings reports whether an instruction of a stage is known to bring the unit.
func (b bringer) brings(in dockerfile.Instruction, stage int) bool {
	name := b.unit
	if before, after, ok := strings.Cut(name, "@"); ok { // an instance of a template
		name = before + "@" + path.Ext(after)
	}
	switch in.Keyword {
	case "RUN":
		if !in.Mentions(name) {
			return false
		}
		calls, _ := flow.Commands(in)
		return slices.ContainsFunc(calls, func(c call.Call) bool { return writesUnit(c, name) })
	case "COPY", "ADD":
		return b.copies(in, stage, name)
	}
	return false
}

// writesUnit reports whether a command writes the file of a unit, below whichever root.
func writesUnit(c call.Call, name string) bool {
	for _, o := range c.Outputs {
		if isUnitFile(o.Path, name) {
			return true
		}
	}
	cmd := c.Command()
	if len(cmd.Args) < 2 || !slices.Contains([]string{"cp", "install", "ln", "mv"}, cmd.Name) {
		return false
	}
	last := len(cmd.Args) - 1
	return slices.ContainsFunc(cmd.Args[:last], func(source string) bool {
		return isUnitFile(cmd.Args[last], name) || path.Base(source) == name && isUnitFile(path.Join(cmd.Args[last], name), name)
	})
}

// unitFolders are the folders of units (systemd.unit(5)).
var unitFolders = []string{"/usr/lib/systemd/system", "/etc/systemd/system", "/usr/lib/systemd/user", "/etc/systemd/user"}

// isUnitFile reports whether a path is that of a unit, below whichever root.
func isUnitFile(file, name string) bool {
	dir, base := path.Split(path.Clean(file))
	return base == name && slices.ContainsFunc(unitFolders, func(folder string) bool { return strings.HasSuffix(path.Clean(dir), folder) })
}

// copies reports whether a COPY or an ADD brings a unit.
func (b bringer) copies(in dockerfile.Instruction, stage int, name string) bool {
	_, rest := in.Flags()
	words := strings.Fields(rest)
	if len(words) < 2 {
		return false
	}
	sources, dest := words[:len(words)-1], words[len(words)-1]
	from := in.Sources()
	for _, source := range sources {
		matches, _ := path.Match(path.Base(source), name)
		isNamed := path.Base(source) == name || matches && b.has(path.Join(path.Dir(source), name))
		if isUnitFile(dest, name) || isNamed && isUnitFile(path.Join(dest, name), name) {
			return true
		}
		for _, folder := range unitFolders {
			below, ok := strings.CutPrefix(folder+"/"+name, strings.TrimSuffix(path.Clean(dest), "/")+"/")
			switch {
			case !ok:
			case len(from) == 0 && b.has(path.Join(source, below)):
				return true
			case len(from) > 0 && b.stageBrings(from[0], stage):
				return true
			}
		}
	}
	return false
}

// has reports whether the repository has a file.
func (b bringer) has(name string) bool {
	name = strings.TrimPrefix(path.Join("/", name), "/")
	if b.r.Repo == nil || !fs.ValidPath(name) {
		return false
	}
	_, err := fs.Stat(b.r.Repo, name)
	return err == nil
}

// stageBrings reports whether a stage above another brings the unit, which the other copies.
func (b bringer) stageBrings(from string, stage int) bool {
	i := reference{name: strings.ToLower(from), in: stage}.to(b.now)
	return i >= 0 && i < stage && b.firstLine(i) > 0
}
