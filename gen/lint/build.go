package lint

import (
	"fmt"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/buildspec"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/proxy"
)

// wrongBuild returns the findings about what the manifest says about builds of the file.
func wrongBuild(file string, f *dockerfile.File, b gen.Build) (warnings []error) {
	if err := (buildspec.Spec{Containerfile: file, Target: b.Content.Target}).CheckTarget(f); err != nil {
		warnings = append(warnings, finding.Finding{Rule: "build-target", Level: finding.Error, Place: b.Target.Place(), Message: err.Error(), Fix: hint.Of(err)})
	}
	return append(warnings, unknownArguments(file, f, b)...)
}

// unknownArguments returns a warning for each declared argument that the file does not
// use: no ARG names it, and BuildKit does not know it by itself.
func unknownArguments(file string, f *dockerfile.File, b gen.Build) (warnings []error) {
	for _, e := range b.Arguments {
		if f.DeclaresArg(e.Text) || proxy.IsVariable(e.Text) || isOwnArgument(e.Text) {
			continue
		}
		w := finding.Finding{Rule: "build-argument", Level: finding.Warning, Place: e.Place(),
			Message: fmt.Sprintf("%s has no ARG %s: the argument has no effect", file, e.Text)}
		warnings = append(warnings, hint.Add(w, "add \"ARG %s\" to the stage that uses it, or remove the argument", e.Text))
	}
	return warnings
}

// isOwnArgument reports whether BuildKit itself reads an argument; see "Predefined ARGs"
// and "BuildKit built-in build args" in https://docs.docker.com/reference/dockerfile/.
func isOwnArgument(name string) bool {
	return strings.HasPrefix(name, "BUILDKIT_") || slices.Contains([]string{"SOURCE_DATE_EPOCH", "TARGETPLATFORM", "TARGETOS",
		"TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT"}, name)
}
