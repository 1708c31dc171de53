package mergedriver

import (
	"reflect"
	"slices"
	"strings"

	"bkt/internal/flatpak"
	"bkt/internal/gsettings"
	"bkt/internal/manifest"
	"bkt/internal/merge"
)

// anyHome takes the place of the user's home, which domains write as ${HOME}: the merge
// must not depend on who merges.
const anyHome = "/home of whoever"

// rules are the rules of domains for the parts of text fields.
func rules() merge.Rules {
	flags := merge.RuleOf(func(base, ours, theirs []string) ([]string, bool) {
		of := func(flags []string) manifest.FlatpakOverride { return manifest.FlatpakOverride{Flags: flags} }
		merged, ok := flatpak.Overrides{Home: anyHome}.Merge(of(base), of(ours), of(theirs))
		return merged.Flags, ok && !slices.ContainsFunc(merged.Flags, hasAnyHome)
	})
	value := merge.RuleOf(func(base, ours, theirs string) (string, bool) {
		of := func(value string) manifest.Setting { return manifest.Setting{Value: value} }
		merged, ok := gsettings.Domain{Home: anyHome}.Merge(of(base), of(ours), of(theirs))
		return merged.Value, ok && !hasAnyHome(merged.Value)
	})
	return merge.Rules{
		{Type: reflect.TypeFor[manifest.FlatpakApp](), Name: "overrides"}:  flags,
		{Type: reflect.TypeFor[manifest.FlatpakOverride](), Name: "flags"}: flags,
		{Type: reflect.TypeFor[manifest.Setting](), Name: "value"}:         value,
	}
}

// hasAnyHome reports whether a domain has not written the home as ${HOME}.
func hasAnyHome(text string) bool { return strings.Contains(text, anyHome) }
