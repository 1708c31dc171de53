package creation

import (
	"encoding/base64"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"bkt/internal/hook"
	"bkt/internal/manifest"
)

const iniHead = `# Boxes for "distrobox assemble create", written by "bkt distrobox ini".
# Folders of bins are written as the programs that were found in them.
`

// A Container is a container for [Creator.Ini], with the programs that the host has from it:
// their paths in the container by their names, in the folder To.
type Container struct {
	Name     string
	Entry    manifest.Container
	Programs map[string]string
	To       string
}

// Ini returns containers in the format of "distrobox assemble", and notes on what is
// left out, because the two generations of distrobox read it differently: one lets a
// shell read values, and the other takes ; and # for the beginning of a comment. Hooks
// are written so that neither can happen.
func (c Creator) Ini(boxes []Container) (text string, notes []string) {
	out := strings.Builder{}
	out.WriteString(iniHead)
	for _, b := range boxes {
		s := section{box: b.Name}
		c.write(&s, b.Entry)
		s.set("exported_apps", b.Entry.ExportedApps...)
		s.writeBins(b)
		fmt.Fprintf(&out, "\n[%s]\n%s", b.Name, s.text.String())
		notes = append(notes, s.notes...)
	}
	return out.String(), notes
}

// A section is the section of a container.
type section struct {
	box   string
	text  strings.Builder
	notes []string
}

// set writes a line for each value.
func (s *section) set(key string, values ...string) {
	for _, v := range values {
		if strings.ContainsAny(v, ";#\"'`$\\\t\n") || strings.TrimSpace(v) != v {
			s.notes = append(s.notes, fmt.Sprintf("%s: %s %q is left out: not every distrobox reads it as it is", s.box, key, v))
			continue
		}
		fmt.Fprintf(&s.text, "%s=%s\n", key, v)
	}
}

func (c Creator) write(s *section, b manifest.Container) {
	s.set("image", b.Image)
	for _, option := range []struct {
		key   string
		value bool
	}{{"pull", b.Pull}, {"init", b.Init}, {"root", b.Root}, {"entry", false}, {"start_now", false}, {"replace", false}} {
		s.set(option.key, fmt.Sprint(option.value))
	}
	s.set("additional_packages", slices.Sorted(slices.Values(b.Packages))...)
	for _, v := range b.Volume {
		s.set("volume", c.expand(v))
	}
	flags, err := c.options(b)
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("%s: %v", s.box, err))
	}
	s.set("additional_flags", flags...)
	for _, run := range b.PreInitHooks {
		s.hook("pre_init_hooks", run, hook.WrapPre(run))
	}
	for _, h := range b.InitHooks {
		s.hook("init_hooks", h.Run, encoded(h))
	}
}

func (s *section) writeBins(b Container) {
	if len(b.Programs) == 0 {
		return
	}
	s.set("exported_bins_path", path.Clean(b.To))
	for _, name := range slices.Sorted(maps.Keys(b.Programs)) {
		s.set("exported_bins", b.Programs[name])
	}
}

// hook writes a hook, and its text as a comment above it.
func (s *section) hook(key, run, text string) {
	fmt.Fprintf(&s.text, "# %s\n", strings.ReplaceAll(run, "\n", "\n# "))
	s.set(key, text)
}

// encoded returns a hook as [hook.Wrap] has it, in letters that mean nothing in an ini
// file.
func encoded(h manifest.Hook) string {
	return "echo " + base64.StdEncoding.EncodeToString([]byte(hook.Wrap(h)+"\n")) + " | base64 -d | sh"
}
