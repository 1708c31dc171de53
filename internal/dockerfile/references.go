package dockerfile

import (
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// Options are the arguments and platforms of a build.
type Options struct {
	Platforms []string          // such as "linux/arm64"; empty: this computer's
	Args      map[string]string // build arguments
	Target    string            // the stage that is the image; empty: the last one
}

// References are the names by which a Containerfile reads images and folders, and
// the names of its stages, which a build can replace, too. They are sorted, and in
// the form of [ShortName].
type References []string

// References returns what f reads in a build with the options o. An expansion that
// fails is an [Error].
func (f *File) References(o Options) (References, error) {
	found := map[string]bool{}
	for _, env := range f.environments(o) {
		if err := f.collect(found, env); err != nil {
			return nil, newError(err)
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// collect adds the references of the stages to found. A build can replace stages, too,
// by their names.
func (f *File) collect(found map[string]bool, env shell.EnvGetter) error {
	lex := shell.NewLex(f.Escape)
	own := map[string]bool{}
	add := func(name string) {
		_, err := strconv.Atoi(name)
		if name != "" && name != "scratch" && err != nil && !own[strings.ToLower(name)] {
			found[ShortName(name)] = true
		}
	}
	for _, stage := range f.Stages {
		base, _, err := lex.ProcessWord(stage.BaseName, env)
		if err != nil {
			return parser.WithLocation(err, stage.Location)
		}
		add(base)
		if stage.Name != "" {
			found[ShortName(stage.Name)] = true
			own[strings.ToLower(stage.Name)] = true
		}
		for _, c := range stage.Commands {
			for _, name := range SourcesOf(c) {
				add(name)
			}
		}
	}
	return nil
}

// SourcesOf returns the stages and images that an instruction reads, without expansion.
func SourcesOf(c instructions.Command) []string {
	var names []string
	switch c := c.(type) {
	case *instructions.CopyCommand:
		names = append(names, c.From)
	case *instructions.RunCommand:
		for _, m := range instructions.GetMounts(c) {
			names = append(names, m.From)
		}
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// environments returns the variables that FROM can use, for each platform.
func (f *File) environments(o Options) []variables {
	targets := o.Platforms
	if len(targets) == 0 {
		targets = []string{"linux/" + runtime.GOARCH}
	}
	lex := shell.NewLex(f.Escape)
	var all []variables
	for _, target := range targets {
		vars := platformArgs(target)
		for _, arg := range f.Args {
			for _, a := range arg.Args {
				vars.set(a, o.Args, lex)
			}
		}
		all = append(all, vars)
	}
	return all
}

// platformArgs returns the arguments that BuildKit defines by itself.
func platformArgs(target string) variables {
	p, err := platforms.Parse(target)
	if err != nil {
		return variables{}
	}
	own := platforms.DefaultSpec()
	return variables{
		"TARGETPLATFORM": platforms.Format(p),
		"TARGETOS":       p.OS,
		"TARGETARCH":     p.Architecture,
		"TARGETVARIANT":  p.Variant,
		"BUILDPLATFORM":  platforms.Format(own),
		"BUILDOS":        own.OS,
		"BUILDARCH":      own.Architecture,
		"BUILDVARIANT":   own.Variant,
	}
}

// set gives an ARG its value: that of the build, or else its default. BuildKit reports
// a default that cannot be expanded.
func (v variables) set(a instructions.KeyValuePairOptional, values map[string]string, lex *shell.Lex) {
	if value, ok := values[a.Key]; ok {
		v[a.Key] = value
		return
	}
	if a.Value == nil {
		return
	}
	if value, _, err := lex.ProcessWord(*a.Value, v); err == nil {
		v[a.Key] = value
	}
}

// DefaultArgs returns the arguments above the first FROM that have a default, with it.
func (f *File) DefaultArgs() map[string]string {
	all := variables{}
	lex := shell.NewLex(f.Escape)
	for _, arg := range f.Args {
		for _, a := range arg.Args {
			all.set(a, nil, lex)
		}
	}
	return all
}

// IsImage reports whether a name can be that of an image in a registry.
func IsImage(name string) bool { return CheckImage(name) == nil }

// CheckImage returns an error if a name cannot be that of an image in a registry.
func CheckImage(name string) error {
	_, err := reference.ParseNormalizedNamed(name)
	return err
}

// ShortName returns the name of an image as BuildKit looks it up: without
// docker.io/library/ and without :latest.
func ShortName(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}

// Matching returns the references that name matches. A name with a digest matches one
// without: a base image that is pinned in one place need not be in the other.
func (r References) Matching(name string) []string {
	var found []string
	for _, ref := range r {
		if SameImage(ShortName(name), ref) {
			found = append(found, ref)
		}
	}
	return found
}

// SameImage reports whether two names mean the same image; see
// [References.Matching].
func SameImage(a, b string) bool {
	plainA, digestA, _ := strings.Cut(a, "@")
	plainB, digestB, _ := strings.Cut(b, "@")
	if digestA != "" && digestA == digestB {
		return repository(plainA) == repository(plainB)
	}
	plainA, plainB = strings.TrimSuffix(plainA, ":latest"), strings.TrimSuffix(plainB, ":latest")
	return plainA == plainB && (digestA == "" || digestB == "")
}

// repository returns a name without its tag.
func repository(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return named.Name()
}

// SortExactLast sorts names so that exact names in the Containerfile come last, and so
// take precedence over those that differ in a digest.
func (r References) SortExactLast(names []string) []string {
	slices.SortStableFunc(names, func(a, b string) int { return r.exact(a) - r.exact(b) })
	return names
}

func (r References) exact(name string) int {
	if slices.Contains(r, ShortName(name)) {
		return 1
	}
	return 0
}
