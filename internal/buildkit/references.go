package buildkit

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/image"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// references are the names by which a Containerfile reads images and folders
// that are not its own stages, in the form in which BuildKit looks them up.
type references []string

// parsed is what a Containerfile says, as far as it matters here.
type parsed struct {
	stages []instructions.Stage
	args   []instructions.ArgCommand
	lex    *shell.Lex
	text   []byte
}

// parse parses the Containerfile file of s.
func parse(file string, s image.Spec) (p parsed, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return p, err
	}
	ast, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return p, located(s.Containerfile, text, err)
	}
	p.lex, p.text = shell.NewLex(ast.EscapeToken), text
	// A comment with a directive for the linter above an instruction needs one.
	p.stages, p.args, err = instructions.Parse(ast.AST, linter.New(&linter.Config{}))
	if err != nil {
		return p, located(s.Containerfile, text, err)
	}
	return p, nil
}

// readReferences reads the Containerfile file of s.
func readReferences(file string, s image.Spec) (references, error) {
	p, err := parse(file, s)
	if err != nil {
		return nil, err
	}
	return p.references(s)
}

// references returns what p reads when it is built as s says.
func (p parsed) references(s image.Spec) (references, error) {
	found := map[string]bool{}
	for _, env := range environments(s, p.args, p.lex) {
		if err := collect(found, p.stages, p.lex, env); err != nil {
			return nil, located(s.Containerfile, p.text, err)
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// collect adds to found what stages read. Stages may be replaced by name too.
func collect(found map[string]bool, stages []instructions.Stage, lex *shell.Lex, env shell.EnvGetter) error {
	own := map[string]bool{}
	add := func(name string) {
		_, err := strconv.Atoi(name)
		if name != "" && name != "scratch" && err != nil && !own[strings.ToLower(name)] {
			found[familiar(name)] = true
		}
	}
	for _, stage := range stages {
		base, _, err := lex.ProcessWord(stage.BaseName, env)
		if err != nil {
			return parser.WithLocation(err, stage.Location)
		}
		add(base)
		if stage.Name != "" {
			found[familiar(stage.Name)] = true
			own[strings.ToLower(stage.Name)] = true
		}
		for _, c := range stage.Commands {
			switch c := c.(type) {
			case *instructions.CopyCommand:
				add(c.From)
			case *instructions.RunCommand:
				for _, mount := range instructions.GetMounts(c) {
					add(mount.From)
				}
			}
		}
	}
	return nil
}

// environments are the variables that FROM may use, for each platform.
func environments(s image.Spec, args []instructions.ArgCommand, lex *shell.Lex) []shell.EnvGetter {
	targets := s.Platforms
	if len(targets) == 0 {
		targets = []string{"linux/" + runtime.GOARCH}
	}
	var all []shell.EnvGetter
	for _, target := range targets {
		vars := platformArgs(target)
		for _, arg := range args {
			for _, a := range arg.Args {
				setArg(vars, a, s.Args, lex)
			}
		}
		all = append(all, variables(vars))
	}
	return all
}

// platformArgs are the arguments that BuildKit defines by itself.
func platformArgs(target string) map[string]string {
	p, err := platforms.Parse(target)
	if err != nil {
		return map[string]string{}
	}
	own := platforms.DefaultSpec()
	return map[string]string{
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

// setArg gives an ARG its value: what the build says, or else its default. One
// that cannot be expanded is left out; BuildKit will say why.
func setArg(vars map[string]string, a instructions.KeyValuePairOptional, given map[string]string, lex *shell.Lex) {
	if value, ok := given[a.Key]; ok {
		vars[a.Key] = value
		return
	}
	if a.Value == nil {
		return
	}
	if value, _, err := lex.ProcessWord(*a.Value, variables(vars)); err == nil {
		vars[a.Key] = value
	}
}

// variables lets the lexer look into a map.
type variables map[string]string

// Get returns a variable.
func (v variables) Get(name string) (string, bool) { value, ok := v[name]; return value, ok }

// Keys returns the names of all variables.
func (v variables) Keys() []string { return slices.Sorted(maps.Keys(v)) }

// familiar returns name as BuildKit looks it up: without docker.io/library/ and
// without :latest.
func familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(reference.FamiliarString(named), ":latest")
}

// keys returns those of r that name stands for. Where one of the two has a
// digest and the other has none, they are the same: a base image that is pinned
// in one place need not be in the other.
func (r references) keys(name string) []string {
	var keys []string
	for _, ref := range r {
		if same(familiar(name), ref) {
			keys = append(keys, ref)
		}
	}
	return keys
}

func same(a, b string) bool {
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

// exactLast sorts names so that those that are used word for word come last,
// and so win over those that differ in a digest.
func (r references) exactLast(names []string) []string {
	slices.SortStableFunc(names, func(a, b string) int { return r.exact(a) - r.exact(b) })
	return names
}

func (r references) exact(name string) int {
	if slices.Contains(r, familiar(name)) {
		return 1
	}
	return 0
}

// Unread returns the names of those images and folders of s that its
// Containerfile does not read, and what it reads instead. A mistake in the
// Containerfile is an error.
func Unread(s image.Spec) (unread, reads []string, err error) {
	dir, name := containerfile(s, s.Context)
	refs, err := readReferences(filepath.Join(dir, name), s)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Concat(slices.Sorted(maps.Keys(s.Images)), slices.Sorted(maps.Keys(s.Folders))) {
		if len(refs.keys(name)) == 0 {
			unread = append(unread, name)
		}
	}
	return unread, refs, nil
}
