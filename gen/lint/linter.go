package lint

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"bkt/gen"
	"bkt/internal/dockerfile"
	"bkt/internal/finding"
	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/printable"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// style is the beginning of the rules of BuildKit's linter.
const style = "buildkit/"

// runLinter runs BuildKit's linter with build arguments. It also converts all stages as a
// build does.
func runLinter(ctx context.Context, file string, r gen.Result, args map[string]string) (*lint.LintResults, error) {
	// BuildKit needs the capabilities of an engine. No engine is asked, so it gets all
	// of them.
	caps := pb.Caps.CapSet(pb.Caps.All())
	return dockerfile2llb.DockerfileLint(ctx, r.Text, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: args},
		MetaResolver: unresolved{},
		LLBCaps:      &caps,
		SourceMap:    &llb.SourceMap{Definition: &llb.Definition{}, Data: r.Text, Filename: file},
	})
}

// unresolved is a registry that knows nothing about any image.
type unresolved struct{}

func (unresolved) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte("{}"), nil
}

// argumentRules are rules of the linter about a FROM whose argument has no default.
var argumentRules = []string{"InvalidDefaultArgInFrom", "UndefinedArgInFrom"}

// linterWarnings returns the warnings of BuildKit's linter.
func (d reading) linterWarnings(results *lint.LintResults) []error {
	sortWarnings(results.Warnings)
	var warnings []error
	for _, w := range results.Warnings {
		line := firstLine(w.Location)
		err := error(d.r.Finding(finding.Warning, style+w.RuleName, d.file, line, printable.Message(w.RuleName+": "+w.Detail)))
		if w.RuleName == argumentRules[0] {
			if !d.fromVariable(line) || d.isGiven(line) {
				continue // the name is wrong without any argument, which is an error, or the manifest has the value
			}
			err = hint.Add(err, "give the argument a default, or declare it in \"build\" of %s, or build with --build-arg NAME=VALUE", manifest.ImagePath)
		}
		warnings = append(warnings, err)
	}
	return warnings
}

// sortWarnings sorts warnings by their lines. BuildKit finds several names in one line in any
// order; that of its rules stays.
func sortWarnings(all []lint.Warning) {
	rank := map[string]int{}
	for i, w := range all {
		if _, ok := rank[w.RuleName]; !ok {
			rank[w.RuleName] = i
		}
	}
	slices.SortStableFunc(all, func(a, b lint.Warning) int {
		return cmp.Or(firstLine(a.Location)-firstLine(b.Location), rank[a.RuleName]-rank[b.RuleName], cmp.Compare(a.Detail, b.Detail))
	})
}

// fromVariable reports whether the FROM in a line has a variable.
func (d reading) fromVariable(line int) bool {
	i := d.now.At(line - 1)
	return i >= 0 && strings.Contains(d.now.All[i].Image, "$")
}

// isGiven reports whether the FROM in a line is an image with the declared arguments.
func (d reading) isGiven(line int) bool {
	i := d.now.At(line - 1)
	if i < 0 {
		return false
	}
	name, ok := dockerfile.ExpandKnown(d.now.All[i].Image, d.escape, "?", d.args)
	return ok && dockerfile.IsImage(name)
}

func firstLine(l *pb.Location) int {
	if l == nil || len(l.Ranges) == 0 {
		return 0
	}
	return int(l.Ranges[0].Start.Line)
}

// refusal returns the error at which a build of all stages would end, or nil. Where that is
// a FROM whose argument only a build has, it looks at what follows with another value.
func (d reading) refusal(ctx context.Context, f *dockerfile.File, results *lint.LintResults) (*lint.BuildError, error) {
	first := d.firstName(results, results.Error, d.args)
	if !d.lacksArgument(results, first) {
		return first, nil
	}
	args := maps.Clone(d.args)
	for _, command := range f.Args {
		for _, a := range command.Args {
			if args[a.Key] == "" {
				args[a.Key] = "x" // the name of an image, and a tag
			}
		}
	}
	with, err := runLinter(ctx, d.file, d.r, args)
	if err != nil {
		return nil, err
	}
	if first = d.firstName(with, with.Error, args); d.lacksArgument(with, first) {
		return nil, nil
	}
	return first, nil
}

// firstName returns the error for the first FROM whose name is invalid, if e is about such a
// name: BuildKit looks at all names at the same time, and returns any of them. A name that
// lacks an argument counts only if no other is invalid.
func (d reading) firstName(results *lint.LintResults, e *lint.BuildError, args map[string]string) *lint.BuildError {
	if e == nil || !strings.HasPrefix(e.Message, invalidName) {
		return e
	}
	for i, stage := range d.now.All {
		name, ok := dockerfile.ExpandKnown(stage.Image, d.escape, "", args)
		if err := dockerfile.CheckImage(name); ok && err != nil && d.now.Parent(i) < 0 {
			line := pb.Position{Line: int32(stage.Line + 1)}
			found := &lint.BuildError{Message: fmt.Sprintf("%s%q: %s", invalidName, name, err), Location: pb.Location{Ranges: []*pb.Range{{Start: &line, End: &line}}}}
			if !d.lacksArgument(results, found) {
				return found
			}
		}
	}
	return e
}

// invalidName is the beginning of BuildKit's message about the name of an image.
const invalidName = "failed to parse stage name "

// lacksArgument reports whether an error is about a FROM of whose argument the linter warns,
// too.
func (d reading) lacksArgument(results *lint.LintResults, e *lint.BuildError) bool {
	if e == nil {
		return false
	}
	line := firstLine(&e.Location)
	return d.fromVariable(line) && slices.ContainsFunc(results.Warnings, func(w lint.Warning) bool {
		return slices.Contains(argumentRules, w.RuleName) && firstLine(w.Location) == line
	})
}

// refused returns the finding for an error of a build of all stages, with the level error if
// no build of the image can succeed, whatever its arguments. There is none if one of said has
// the same cause.
func (d reading) refused(parsed []instructions.Stage, e *lint.BuildError, said []error) []error {
	if e == nil {
		return nil
	}
	line := firstLine(&e.Location)
	for _, err := range said {
		f, _ := errors.AsType[finding.Finding](err)
		if isSource := f.Rule == "foreign-image" || f.Rule == "buildkit"; isSource && (f.Line == line || line == 0) {
			return nil
		}
	}
	level := finding.Warning
	if d.always(parsed, line) {
		level = finding.Error
	}
	message := printable.Message(e.Message)
	err := error(d.r.Finding(level, "buildkit", d.file, line, message))
	if strings.Contains(message, "invalid field 'Z'") || strings.Contains(message, "invalid field 'z'") {
		err = hint.Add(err, "remove it: it is podman's, for labels of SELinux, which BuildKit's mounts do not need")
	}
	return []error{err}
}

// always reports whether the error in an instruction is in every build: the image uses
// its stage, and no variable takes part.
func (d reading) always(parsed []instructions.Stage, line int) bool {
	if i := d.now.At(line - 1); i >= 0 && line == d.now.All[i].Line+1 {
		return !d.fromVariable(line) // BuildKit reads every FROM
	}
	if line == 0 {
		return !hasArguments(parsed)
	}
	used := d.used()
	for i, stage := range parsed {
		if !used[i] || len(parsed) != len(d.now.All) {
			continue
		}
		for _, c := range stage.Commands {
			if dockerfile.LineOf(c) == line {
				return !strings.Contains(expanded(c), "$")
			}
		}
	}
	return false
}

// hasArguments reports whether a stage has an ARG.
func hasArguments(parsed []instructions.Stage) bool {
	for _, stage := range parsed {
		for _, c := range stage.Commands {
			if _, ok := c.(*instructions.ArgCommand); ok {
				return true
			}
		}
	}
	return false
}

// expanded returns the part of an instruction whose variables BuildKit expands. Those of a
// command are the shell's.
func expanded(c instructions.Command) string {
	text := fmt.Sprint(c)
	if _, ok := c.(*instructions.RunCommand); !ok {
		return text
	}
	_, rest := dockerfile.CutWord(text)
	flags := ""
	for strings.HasPrefix(rest, "--") {
		var flag string
		flag, rest = dockerfile.CutWord(rest)
		flags += flag
	}
	return flags
}

// Group returns warnings for people: those of BuildKit's linter come last, and of each of
// its rules there is only the first, which says how many more there are.
func Group(warnings []error) []error {
	var others, firsts []error
	more := map[string]int{}
	for _, err := range warnings {
		f, ok := errors.AsType[finding.Finding](err)
		switch n, said := more[f.Rule]; {
		case !ok || !strings.HasPrefix(f.Rule, style):
			others = append(others, err)
		case said:
			more[f.Rule] = n + 1
		default:
			more[f.Rule] = 0
			firsts = append(firsts, err)
		}
	}
	last := -1
	for i, err := range firsts {
		f, _ := errors.AsType[finding.Finding](err)
		if n := more[f.Rule]; n > 0 {
			f.Fix = hint.Of(err)
			f.Message += fmt.Sprintf(" (and %d more)", n)
			firsts[i], last = f, i
		}
	}
	if last >= 0 {
		firsts[last] = hint.Add(firsts[last], "run \"bkt containerfile check --json\" to see all")
	}
	return append(others, firsts...)
}
