package containerfile

import (
	"context"
	"errors"
	"slices"

	"bkt/gen"
	"bkt/internal/buildspec"
	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/repo"
)

// NamedLines returns the lines of instructions that mount a folder and read in it only the
// files that manifests name.
func NamedLines(origins []gen.Origin) []int {
	var lines []int
	for _, o := range origins {
		if o.Section == gen.SystemFiles {
			lines = append(lines, o.Line)
		}
	}
	return lines
}

// checkNames returns an error for each file of the build context that a Containerfile asks
// for and that no engine can receive. The linter reports a file that cannot be parsed.
func checkNames(ctx context.Context, r repo.Repo, rendered []Rendering) error {
	var errs []error
	for _, f := range rendered {
		parsed, err := dockerfile.Parse(f.Text)
		if err != nil {
			continue
		}
		s := buildspec.Spec{Containerfile: f.Name, Context: r.Root, NamedLines: NamedLines(f.origins)}
		for _, err := range hint.Split(s.CheckNames(ctx, parsed, []string{r.Path(buildspec.OutputFolder)})) {
			if !slices.ContainsFunc(errs, func(other error) bool { return other.Error() == err.Error() }) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
