package containerfile

import (
	"fmt"
	"io/fs"
	"os"
	"path"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/printable"
	"bkt/internal/repo"
	"bkt/internal/shell"
)

// Variants returns a note for each Containerfile of another name that has sections, such as
// Containerfile.arm64. [Names] has it only if the user names it.
func Variants(r repo.Repo) []finding.Finding {
	var all []finding.Finding
	for _, k := range gen.Images() {
		for _, name := range variantsOf(r, gen.Containerfile(k)) {
			what := fmt.Sprintf("has sections, and is read only by commands that name it: bkt containerfile check %s", shell.Show(name))
			all = append(all, finding.Finding{Rule: "not-read", Level: finding.Note, Place: finding.Place{File: printable.Message(name)}, Message: what})
		}
	}
	return all
}

// variantsOf returns the other files next to a Containerfile that have sections. A link
// from one to the other makes them the same file.
func variantsOf(r repo.Repo, containerfile string) []string {
	files := r.FS()
	image, _ := fs.Stat(files, containerfile)
	var all []string
	for _, pattern := range []string{"Containerfile?*", "Dockerfile*"} {
		names, _ := fs.Glob(files, path.Join(path.Dir(containerfile), pattern))
		for _, name := range names {
			info, err := fs.Stat(files, name)
			if err != nil || !info.Mode().IsRegular() || image != nil && os.SameFile(info, image) {
				continue
			}
			if text, err := fs.ReadFile(files, name); err == nil && gen.HasSections(name, text) {
				all = append(all, name)
			}
		}
	}
	return all
}
