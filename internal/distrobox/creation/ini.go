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

const iniHead = `# Containers for "distrobox assemble create", written by "bkt distrobox ini".
# Instead of the folders of bins, this file lists the programs found in them.
`

// A Container is a container for [Creator.Ini], with the programs that it exports by the
// paths of their wrappers, and the folder To of most of these.
type Container struct {
	Name     string
	Entry    manifest.Container
	Programs map[string]manifest.Program
	To       string
	InHome   Home
}

// Ini returns containers in the format of "distrobox assemble", and notes on values that
// it omits because the two generations of distrobox read them differently: one passes
// values to a shell, and for the other, ; and # begin a comment. Hooks are encoded, so
// that both generations read them the same way.
func (c Creator) Ini(containers []Container) (text string, notes []string) {
	out := strings.Builder{}
	out.WriteString(iniHead)
	for _, entry := range containers {
		s := section{container: entry.Name}
		c.write(&s, entry.Entry)
		c.writeHome(&s, entry.InHome)
		for _, app := range entry.Entry.ExportedApps {
			s.export("exported_apps", app.Name, !app.HasOptions())
		}
		s.writeBins(entry)
		fmt.Fprintf(&out, "\n[%s]\n%s", entry.Name, s.text.String())
		notes = append(notes, s.notes...)
	}
	return out.String(), notes
}

// A section is the section of a container.
type section struct {
	container string
	text      strings.Builder
	notes     []string
}

// set writes a line for each value.
func (s *section) set(key string, values ...string) {
	for _, v := range values {
		if strings.ContainsAny(v, ";#\"'`$\\\t\n") || strings.TrimSpace(v) != v {
			s.notes = append(s.notes, fmt.Sprintf("%s: %s %q is omitted: not every release of distrobox reads it unchanged", s.container, key, v))
			continue
		}
		fmt.Fprintf(&s.text, "%s=%s\n", key, v)
	}
}

func (c Creator) write(s *section, entry manifest.Container) {
	s.set("image", entry.Image)
	for _, option := range []struct {
		key   string
		value bool
	}{{"pull", entry.Pull}, {"init", entry.Init}, {"root", entry.Root}, {"entry", false}, {"start_now", false}, {"replace", false}} {
		s.set(option.key, fmt.Sprint(option.value))
	}
	if entry.Nvidia {
		s.set("nvidia", "true")
	}
	for _, part := range entry.Unshare {
		s.set("unshare_"+part, "true")
	}
	if entry.Home != "" {
		s.set("home", c.expand(entry.Home))
	}
	s.set("additional_packages", slices.Sorted(slices.Values(entry.Packages))...)
	for _, v := range entry.Volume {
		s.set("volume", c.expand(v))
	}
	flags, err := c.options(entry)
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("%s: %v", s.container, err))
	}
	s.set("additional_flags", flags...)
	for _, h := range entry.PreInitHooks {
		s.hook("pre_init_hooks", h.Run, hook.WrapPre(h.Run))
	}
	for _, h := range entry.InitHooks {
		s.hook("init_hooks", h.Run, encoded(h))
	}
}

// writeHome writes variables. PATH needs the PATH of the image, which no file can name.
func (c Creator) writeHome(s *section, home Home) {
	flags, err := c.options(manifest.Container{Env: home.Env})
	if err != nil {
		s.notes = append(s.notes, fmt.Sprintf("%s: %v", s.container, err))
	}
	s.set("additional_flags", flags...)
	if len(home.Path) > 0 {
		s.notes = append(s.notes, fmt.Sprintf("%s: path is omitted: it has a folder in the home, and the PATH of the image is unknown; login shells of the image set it", s.container))
	}
}

func (s *section) writeBins(c Container) {
	if len(c.Programs) == 0 {
		return
	}
	s.set("exported_bins_path", path.Clean(c.To))
	for _, at := range slices.Sorted(maps.Keys(c.Programs)) {
		p := c.Programs[at]
		s.export("exported_bins", p.Path, !p.HasOptions() && path.Dir(at) == path.Clean(c.To))
	}
}

// export writes an export, unless it has options, which the format has no place for.
func (s *section) export(key, value string, plain bool) {
	if !plain {
		s.notes = append(s.notes, fmt.Sprintf("%s: %s %q is omitted: it has options or a folder of its own, which the format cannot express", s.container, key, value))
		return
	}
	s.set(key, value)
}

// hook writes a hook, and its text as a comment above it.
func (s *section) hook(key, run, text string) {
	fmt.Fprintf(&s.text, "# %s\n", strings.ReplaceAll(run, "\n", "\n# "))
	s.set(key, text)
}

// encoded returns a hook, wrapped by [hook.Wrap], in letters without a meaning in ini
// files.
func encoded(h manifest.Hook) string {
	return "echo " + base64.StdEncoding.EncodeToString([]byte(hook.Wrap(h)+"\n")) + " | base64 -d | sh"
}
