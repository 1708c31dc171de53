// Package flow finds out what the stages of a Containerfile are for: which of them are
// images, what these share, and where the end of a stage begins that checks and cleans an
// image and sets up its containers.
package flow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bkt/internal/dockerfile"
	"bkt/internal/hint"
	"bkt/internal/strictjson"
)

// A Flow is the stages of a Containerfile, with the instructions that connect them.
type Flow struct {
	File   string // its name in messages
	Stages dockerfile.Stages
	All    []dockerfile.Instruction // of all stages
}

// Of returns the instructions of a stage below its FROM.
func (f Flow) Of(stage int) []dockerfile.Instruction {
	var own []dockerfile.Instruction
	for _, in := range f.All {
		if f.Stages.At(in.Line) == stage && in.Keyword != "FROM" {
			own = append(own, in)
		}
	}
	return own
}

// Shared returns the stage that is part of all images of the file, and has as much of
// them as possible. If there is none, or if it has no base image, it is an error.
func (f Flow) Shared() (int, error) {
	final := f.copied(f.Stages.Final())
	images := f.images(final)
	for _, i := range f.Stages.Lineage(final) {
		if !slices.ContainsFunc(images, func(image int) bool { return !slices.Contains(f.Stages.Lineage(image), i) }) {
			return i, f.checkFiles(i)
		}
	}
	if f.Stages.Target != "" {
		return final, f.checkFiles(final)
	}
	var names []string
	for _, i := range images {
		names = append(names, Describe(f.Stages, i))
	}
	err := fmt.Errorf("%s: several images that have no stage in common: %s", f.File, strings.Join(names, ", "))
	return 0, hint.Add(err, adviseStage)
}

const adviseStage = "name the stage for new sections: bkt containerfile sync --insert --stage NAME"

// copied returns the stage that stage i is a copy of, or i.
func (f Flow) copied(i int) int {
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
func (f Flow) isEmpty(i int) bool { return f.Stages.All[i].Image == "scratch" }

// fills returns the stage from which stage i copies a folder, "" for any, to its root;
// or -1.
func (f Flow) fills(i int, folder string) int {
	for _, in := range f.Of(i) {
		_, paths := in.Flags()
		words, from := strings.Fields(paths), in.Sources()
		if in.Keyword == "COPY" && len(from) == 1 && len(words) == 2 && words[1] == "/" && (folder == "" || words[0] == folder) {
			return f.Number(from[0])
		}
	}
	return -1
}

// checkFiles returns an error if stage i has no files that sections could use.
func (f Flow) checkFiles(i int) error {
	origin := f.Stages.Origin(i)
	if !f.isEmpty(origin) || f.fills(origin, "") >= 0 {
		return nil
	}
	err := fmt.Errorf("%s:%d: this stage is FROM scratch: sections need a base image", f.File, f.Stages.All[origin].Line+1)
	return hint.Add(err, adviseStage)
}

// images returns the stages that are images: final, those that are checked as images, and
// those that no other stage uses and that have the same base image as final. For a copy of
// a stage, it is that stage.
func (f Flow) images(final int) []int {
	used := make([]bool, len(f.Stages.All))
	for i := range f.Stages.All {
		if above := f.Stages.Parent(i); above >= 0 {
			used[above] = true
		}
	}
	for _, in := range f.All {
		for _, name := range in.Sources() {
			if i := f.Number(name); i >= 0 {
				used[i] = true
			}
		}
	}
	var images []int
	for i := range f.Stages.All {
		if i == final || !used[i] && f.sameBase(i, final) || slices.ContainsFunc(f.Of(i), Lints) {
			if image := f.copied(i); !slices.Contains(images, image) {
				images = append(images, image)
			}
		}
	}
	return images
}

// sameBase reports whether two stages have the same base image.
func (f Flow) sameBase(i, other int) bool {
	base, _ := f.Stages.Base(f.Stages.Origin(i))
	otherBase, _ := f.Stages.Base(f.Stages.Origin(other))
	return base == otherBase && base != "scratch"
}

// Number returns the number of the stage with this name or number, or -1.
func (f Flow) Number(name string) int {
	if n, err := strconv.Atoi(name); err == nil {
		if n < 0 || n >= len(f.Stages.All) {
			return -1
		}
		return n
	}
	return f.Stages.Named(strings.ToLower(name))
}

// Names returns the names of the stages that have one.
func Names(s dockerfile.Stages) []string {
	var names []string
	for _, stage := range s.All {
		if stage.Name != "" {
			names = append(names, stage.Name)
		}
	}
	return names
}

// Find returns the number of the stage that the user has named. If there is none, it is an
// error.
func (f Flow) Find(name string) (int, error) {
	if i := f.Number(name); i >= 0 {
		return i, nil
	}
	names := Names(f.Stages)
	err := fmt.Errorf("%s: no stage %s", f.File, strconv.Quote(name))
	if near, ok := strictjson.Nearest(name, names); ok {
		err = fmt.Errorf("%w (did you mean %s?)", err, near)
	}
	if len(names) == 0 {
		return 0, hint.Add(err, "give the stage a name, as in FROM … AS %s, or use its number, from 0", name)
	}
	return 0, hint.Add(err, "the stages are %s; a stage without a name has a number, from 0", strings.Join(names, ", "))
}

// Describe returns a stage in words.
func Describe(s dockerfile.Stages, i int) string {
	if s.All[i].Name != "" {
		return "stage " + s.All[i].Name
	}
	return fmt.Sprintf("the stage with the FROM in line %d", s.All[i].Line+1)
}
