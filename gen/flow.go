package gen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// A flow is the stages of a Containerfile, with the instructions that connect them.
type flow struct {
	file   string
	stages dockerfile.Stages
	all    []dockerfile.Instruction
}

// of returns the instructions of a stage below its FROM.
func (f flow) of(stage int) []dockerfile.Instruction {
	var own []dockerfile.Instruction
	for _, in := range f.all {
		if f.stages.At(in.Line) == stage && in.Keyword != "FROM" {
			own = append(own, in)
		}
	}
	return own
}

// shared returns the stage that is part of all images of the file, and has as much of
// them as possible.
func (f flow) shared() (int, error) {
	final := f.copied(f.stages.Final())
	images := f.images(final)
	for _, i := range f.stages.Lineage(final) {
		if !slices.ContainsFunc(images, func(image int) bool { return !slices.Contains(f.stages.Lineage(image), i) }) {
			return i, f.checkFiles(i)
		}
	}
	if f.stages.Target != "" {
		return final, f.checkFiles(final)
	}
	var names []string
	for _, i := range images {
		names = append(names, describe(f.stages, i))
	}
	err := fmt.Errorf("%s: several images that have no stage in common: %s", f.file, strings.Join(names, ", "))
	return 0, hint.Add(err, adviseStage)
}

const adviseStage = "name the stage for new sections: bkt containerfile sync --insert --stage NAME"

// copied returns the stage that stage i is a copy of, or i.
func (f flow) copied(i int) int {
	for f.isEmpty(i) {
		from := f.fills(i, "/")
		if from < 0 || from >= i {
			break
		}
		i = from
	}
	return i
}

// isEmpty reports whether a stage begins without files.
func (f flow) isEmpty(i int) bool { return f.stages.All[i].Image == "scratch" }

// fills returns the stage from which stage i copies a folder, "" for any, to its root;
// or -1.
func (f flow) fills(i int, folder string) int {
	for _, in := range f.of(i) {
		_, paths := in.Flags()
		words, from := strings.Fields(paths), in.Sources()
		if in.Keyword == "COPY" && len(from) == 1 && len(words) == 2 && words[1] == "/" && (folder == "" || words[0] == folder) {
			return f.number(from[0])
		}
	}
	return -1
}

// checkFiles returns an error if stage i has no files that sections could use.
func (f flow) checkFiles(i int) error {
	origin := f.stages.Origin(i)
	if !f.isEmpty(origin) || f.fills(origin, "") >= 0 {
		return nil
	}
	err := fmt.Errorf("%s:%d: this stage is FROM scratch: sections need a base image", f.file, f.stages.All[origin].Line+1)
	return hint.Add(err, adviseStage)
}

// images returns the stages that are images: final, those that are checked as images, and
// those that no other stage uses and that have the same base image as final.
func (f flow) images(final int) []int {
	used := make([]bool, len(f.stages.All))
	for i := range f.stages.All {
		if above := f.stages.Parent(i); above >= 0 {
			used[above] = true
		}
	}
	for _, in := range f.all {
		for _, name := range in.Sources() {
			if i := f.number(name); i >= 0 {
				used[i] = true
			}
		}
	}
	var images []int
	for i := range f.stages.All {
		if i == final || !used[i] && f.sameBase(i, final) || slices.ContainsFunc(f.of(i), Lints) {
			images = append(images, i)
		}
	}
	return images
}

// sameBase reports whether two stages have the same base image.
func (f flow) sameBase(i, other int) bool {
	base, _ := f.stages.Base(f.stages.Origin(i))
	otherBase, _ := f.stages.Base(f.stages.Origin(other))
	return base == otherBase && base != "scratch"
}

// number returns the number of the stage with this name or number, or -1.
func (f flow) number(name string) int {
	if n, err := strconv.Atoi(name); err == nil {
		if n < 0 || n >= len(f.stages.All) {
			return -1
		}
		return n
	}
	return f.stages.Named(strings.ToLower(name))
}

// stageNamed returns the number of the stage that the user has named.
func (r *renderer) stageNamed(name string) (int, error) {
	f := flow{file: r.file, stages: r.stages()}
	if i := f.number(name); i >= 0 {
		return i, nil
	}
	names := namesOf(f.stages)
	err := fmt.Errorf("%s: no stage %s", r.file, strconv.Quote(name))
	if near, ok := strictjson.Nearest(name, names); ok {
		err = fmt.Errorf("%w (did you mean %s?)", err, near)
	}
	if len(names) == 0 {
		return 0, hint.Add(err, "give the stage a name, as in FROM … AS %s, or use its number, from 0", name)
	}
	return 0, hint.Add(err, "the stages are %s; a stage without a name has a number, from 0", strings.Join(names, ", "))
}

func namesOf(s dockerfile.Stages) []string {
	var names []string
	for _, stage := range s.All {
		if stage.Name != "" {
			names = append(names, stage.Name)
		}
	}
	return names
}

// StageNames returns the names of the stages of a Containerfile; none if its markers are
// misplaced.
func StageNames(file string, text []byte) []string {
	r, err := prepare(file, text, nil)
	if err != nil {
		return nil
	}
	return namesOf(r.currentStages())
}
