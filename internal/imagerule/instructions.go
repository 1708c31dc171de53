package imagerule

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/paths"
	"bkt/internal/script/call"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// A Build is what the rules know of the build of a bootable image.
type Build struct {
	Context fs.FS                // what COPY reads; nil: not known
	Escape  string               // the escape character of the Containerfile
	Args    map[string]string    // the arguments above the first FROM, with their values
	Given   map[string]string    // build arguments, which replace defaults
	Stages  []instructions.Stage // of the file, which COPY --from may name

	// IsGenerated reports whether a section generated the line. The rules do not judge
	// it; what it sets and makes counts for the lines below.
	IsGenerated func(line int) bool
}

// A Found is a problem of an instruction.
type Found struct {
	Problem
	Line  int  // of the instruction, from 1
	Named bool // the instruction names the path itself, as a destination of COPY or ADD
}

// A Report is the result of [Build.Check].
type Report struct {
	Found []Found // in the order of the lines

	// Initramfs is the line of the last instruction that may make a new initramfs; 0 if
	// none does.
	Initramfs int

	// Unjudged says what is beyond the limits of a check, such as "files of folders that are
	// copied, beyond the first 20000"; nothing if all was judged.
	Unjudged []string
}

// Check returns the problems of the instructions that make a bootable image: those of its
// stage, and before them those of the stages that it is FROM. What a later instruction
// takes back is no problem.
func (b Build) Check(stages ...instructions.Stage) Report {
	r := reader{Build: b, env: map[string]string{}, dir: "/", said: map[string]bool{}}
	for _, stage := range stages {
		r.stage(stage)
	}
	var report Report
	r.drop(func(c candidate) bool {
		return !c.Fatal && slices.ContainsFunc(r.declared, func(dir string) bool { return c.path != "" && paths.Within(c.path, dir) })
	})
	report.Found = grouped(r.candidates)
	report.Initramfs = r.initramfs
	report.Unjudged = r.unjudged()
	return report
}

// unjudged returns what is beyond the limits.
func (r *reader) unjudged() (all []string) {
	for _, limit := range []struct {
		count, most int
		what        string
	}{
		{r.files, maxFiles, "files of folders that are copied"},
		{r.commands, maxCommands, "commands"},
		{r.unreported + maxCandidates, maxCandidates, "problems"},
	} {
		if limit.count > limit.most {
			all = append(all, fmt.Sprintf("%s, beyond the first %d", limit.what, limit.most))
		}
	}
	return all
}

// grouped returns the problems of candidates. Of several files of one instruction with the
// same problem, it returns the first.
func grouped(all []candidate) []Found {
	type key struct {
		line         int
		rule, advice string
		named, fatal bool
	}
	var found []Found
	at, more := map[key]int{}, map[int]int{}
	for _, c := range all {
		k := key{c.Line, c.Rule, c.Advice, c.Named, c.Fatal}
		if i, ok := at[k]; ok && c.path != "" {
			more[i]++
			continue
		}
		at[k] = len(found)
		found = append(found, c.Found)
	}
	for i, n := range more {
		found[i].What += fmt.Sprintf(" (and %d more)", n)
	}
	slices.SortStableFunc(found, func(a, b Found) int { return a.Line - b.Line })
	return found
}

// A reader follows the instructions of a build.
type reader struct {
	Build
	env, args map[string]string // the values of ENV and ARG; [call.Unknown] is in one that is not known
	vars      map[string]string // both
	dir       string            // of WORKDIR

	files, commands int // so far
	unreported      int // candidates beyond the limit

	line       int  // of the instruction
	generated  bool // by a section
	candidates []candidate
	said       map[string]bool // what candidates were
	initramfs  int

	declared  []string // paths that tmpfiles.d makes
	folders   []string // that exist, apart from those of the base image
	bare      bool     // the base image is none that boots
	noKernel  bool     // the kernel of the base image is removed
	answersIt bool     // dnf is set to assume yes
	mounts    []string // targets of the mounts of a RUN, whose files do not get into the image
}

// The limits of one build. What is beyond them is not judged.
const (
	maxFiles      = 20_000 // of folders that are copied
	maxCommands   = 20_000
	maxCandidates = 2000
)

// A candidate is a problem that later instructions may take back.
type candidate struct {
	Found
	path string      // of the file
	repo *repository // that stays enabled
}

// stage follows the instructions of a stage.
func (r *reader) stage(stage instructions.Stage) {
	if isBare(stage.BaseName) {
		r.bare = true
	}
	r.args = map[string]string{}
	r.combine()
	for _, c := range stage.Commands {
		r.line = dockerfile.LineOf(c)
		r.generated = r.IsGenerated != nil && r.IsGenerated(r.line)
		r.instruction(c)
	}
}

// combine combines the values of variables. BuildKit prefers those of ENV.
func (r *reader) combine() {
	r.vars = maps.Clone(r.args)
	maps.Copy(r.vars, r.env)
}

func (r *reader) instruction(c instructions.Command) {
	switch c := c.(type) {
	case *instructions.EnvCommand:
		values := map[string]string{} // an ENV uses the values before it
		for _, kv := range c.Env {
			values[kv.Key] = r.expand(kv.Value)
		}
		maps.Copy(r.env, values)
		r.combine()
	case *instructions.ArgCommand:
		for _, a := range c.Args {
			r.arg(a)
		}
	case *instructions.WorkdirCommand:
		r.dir = r.absolute(r.expand(c.Path))
		r.write(file{path: r.dir, kind: folder, certain: true})
	case *instructions.CopyCommand:
		r.copies(copying{SourcesAndDest: c.SourcesAndDest, from: c.From, parents: c.Parents, excludes: len(c.ExcludePatterns) > 0})
	case *instructions.AddCommand:
		r.copies(copying{SourcesAndDest: c.SourcesAndDest, unpacks: true, excludes: len(c.ExcludePatterns) > 0})
	case *instructions.RunCommand:
		if !r.generated {
			r.run(c)
		}
	}
}

// arg declares an ARG of a stage. One without a default has that of the file.
func (r *reader) arg(a instructions.KeyValuePairOptional) {
	given, isGiven := r.Given[a.Key]
	switch value, ok := r.Args[a.Key]; {
	case isGiven:
		r.args[a.Key] = given
	case a.Value != nil:
		r.args[a.Key] = r.expand(*a.Value)
	case ok:
		r.args[a.Key] = value
	}
	r.combine()
}

// expand returns the value of a word, with [call.Unknown] for what a build tells.
func (r *reader) expand(word string) string {
	text, ok := dockerfile.ExpandKnown(word, r.Escape, call.Unknown, r.vars)
	if !ok {
		return call.Unknown
	}
	return text
}

// absolute returns the path of a destination.
func (r *reader) absolute(name string) string {
	if strings.HasPrefix(name, call.Unknown) || path.IsAbs(name) {
		return name
	}
	return path.Join(r.dir, name)
}

// report adds a problem of the instruction.
func (r *reader) report(c candidate) {
	if r.generated {
		return
	}
	c.Line = r.line
	c.What = strings.ReplaceAll(c.What, call.Unknown, "…")
	key := fmt.Sprint(c.Line, c.path, c.What)
	if r.said[key] {
		return
	}
	if len(r.candidates) >= maxCandidates {
		r.unreported++
		return
	}
	r.said[key] = true
	r.candidates = append(r.candidates, c)
}

// drop drops the candidates that an instruction takes back.
func (r *reader) drop(takenBack func(candidate) bool) {
	r.candidates = slices.DeleteFunc(r.candidates, takenBack)
}

// bareImages are images of distributions that do not boot: what is built FROM one brings
// its own kernel.
var bareImages = []string{"scratch", "fedora", "fedora-minimal", "centos", "almalinux", "rockylinux", "ubi", "ubi-minimal", "debian", "ubuntu", "archlinux"}

func isBare(image string) bool {
	name, _, _ := strings.Cut(path.Base(image), "@")
	name, _, _ = strings.Cut(name, ":")
	return slices.Contains(bareImages, name)
}
