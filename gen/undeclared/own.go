package undeclared

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/dockerfile"
	"bkt/internal/imagerule"
	"bkt/internal/script"
)

// signs are texts that only bkt's templates have, by section. If a template changes,
// the sign of the old one must stay here.
var signs = map[string][]string{
	"EXTERNAL_REPOS":       {" <<'END_OF_REPO' /etc/yum.repos.d/"},
	"COPR_REPOS":           {" <<'copr:copr.fedorainfracloud.org:"},
	"SYSTEM_PACKAGES":      {"--mount=type=cache,id=bkt-system-"},
	"KERNEL_ARGUMENTS":     {" <<'END_OF_KARGS' " + imagerule.KargsFile},
	"SYSTEM_FILES":         {"--mount=type=bind,source=system,target=" + script.Mounted, ",target=" + script.MountedRepository, "<<'END_OF_FILES'"},
	"SYSTEMD_UNITS":        {" <<'END_OF_PRESET' "},
	"HOST_EXPORTS":         {"RUN <<'END_OF_EXPORTS'"},
	"TOOLBOX_PACKAGES":     {"--mount=type=cache,id=bkt-toolbox-"},
	"TOOLCHAIN_INSTALLERS": {`": nothing to download for $(uname -m)"`},
	"TOOLBOX_ENVIRONMENT":  {" <<'END_OF_PROFILE' " + profile},
}

const unitLines = `( [\\` + "`" + `]\n    [^\s;&|]+)+`

// plainForms are the forms of the instructions that bkt renders for sections without
// a sign. A user may write the same form, so they count only if the section's
// manifest exists.
var plainForms = map[string]string{
	gen.BaseImage: `^(FROM (--[^ \n]+ )*[^ \n$]+( AS [^ \n]+)?|LABEL [^ =\n]+="[^\n]*")\n$`,
	"SYSTEMD_UNITS": `^RUN systemctl (--global )?(unmask|enable|disable|mask)` + unitLines +
		`( [\\` + "`" + `]\n    && systemctl (--global )?(enable|disable|mask)` + unitLines + `)*\n$`,
	"TOOLBOX_ENVIRONMENT": `^(ENV [^ =\n]+="[^\n]*"|LABEL com\.github\.containers\.toolbox="true")\n$`,
}

// An owner recognizes sections that bkt has rendered, without the manifest that they
// were rendered from.
type owner struct {
	image  gen.Image
	repo   fs.FS
	now    []sectionInstruction
	custom map[string]map[string]bool // see customLines
}

// owns reports whether bkt has rendered a section, given its instructions.
func (o owner) owns(section string, all []sectionInstruction) bool {
	lines := o.custom[section]
	for _, in := range all {
		if slices.ContainsFunc(signs[section], func(sign string) bool { return strings.Contains(in.text, sign) }) {
			return true
		}
		for l := range strings.Lines(in.text) {
			if lines[strings.TrimSpace(l)] {
				return true
			}
		}
	}
	form, ok := plainForms[section]
	return ok && o.hasForm(form, section, all)
}

// hasForm reports whether a section has the plain form, and no image that the
// rendering replaces.
func (o owner) hasForm(form, section string, all []sectionInstruction) bool {
	if _, err := fs.Stat(o.repo, gen.ManifestOf(section, o.image)); err != nil {
		return false
	}
	pattern := regexp.MustCompile(form)
	for _, in := range all {
		if !pattern.MatchString(in.text) || slices.ContainsFunc(in.statements, o.isReplaced) {
			return false
		}
	}
	return true
}

// isReplaced reports whether s is an image that no rendered section has.
func (o owner) isReplaced(s statement) bool {
	return s.Kind == script.Image && !slices.ContainsFunc(o.now, func(in sectionInstruction) bool {
		return slices.ContainsFunc(in.statements, func(other statement) bool { return other.key() == s.key() })
	})
}

// customLines returns, for each section with the repository's own template, the lines
// that do not come from an entry of a manifest.
func customLines(r gen.Result, repo fs.FS) map[string]map[string]bool {
	custom := map[string]map[string]bool{}
	lines := dockerfile.SplitLines(string(r.Text))
	for _, o := range r.Origins {
		if o.Position.Line > 0 {
			continue
		}
		if _, err := fs.Stat(repo, "templates/"+gen.TemplateOf(o.Section)); err != nil {
			continue
		}
		if custom[o.Section] == nil {
			custom[o.Section] = map[string]bool{}
		}
		if text := strings.TrimSpace(lines[o.Line-1].Text); len(text) > 1 && text[0] != '#' {
			custom[o.Section][text] = true
		}
	}
	return custom
}
