package containerfile

import (
	"fmt"
	"io/fs"
	"os"
	"path"

	"bkt/gen"
	"bkt/internal/finding"
	"bkt/internal/patherr"
	"bkt/internal/printable"
	"bkt/internal/repo"
	"bkt/internal/shell"
)

// Variants returns a note for each Containerfile of another name that has sections, such as
// Containerfile.arm64. [Names] has it only if the user names it.
func Variants(r repo.Repo) []finding.Finding {
	var all []finding.Finding
	for _, k := range gen.Images() {
		for _, v := range variantsOf(r, gen.Containerfile(k)) {
			what := fmt.Sprintf("has sections, and is read only by commands that name it: bkt containerfile check %s", shell.Show(v.name))
			if v.err != nil {
				what = fmt.Sprintf("whether it has sections is not known: %v", patherr.Reason(v.err))
			}
			all = append(all, finding.Finding{Rule: "not-read", Level: finding.Note, Place: finding.Place{File: printable.Message(v.name)}, Message: what})
		}
	}
	return all
}

// A variant is a Containerfile of another name that has sections, or that cannot be read.
type variant struct {
	name string
	err  error
}

// variantsOf returns the variants next to a Containerfile. A link from one to the other makes
// them the same file.
func variantsOf(r repo.Repo, containerfile string) []variant {
	files := r.FS()
	image, _ := fs.Stat(files, containerfile)
	var all []variant
	for _, pattern := range []string{"Containerfile?*", "Dockerfile*"} {
		names, _ := fs.Glob(files, path.Join(path.Dir(containerfile), pattern))
		for _, name := range names {
			info, err := fs.Stat(files, name)
			if err != nil {
				all = append(all, variant{name, err})
				continue
			}
			if !info.Mode().IsRegular() || image != nil && os.SameFile(info, image) {
				continue
			}
			if text, err := fs.ReadFile(files, name); err != nil || gen.HasSections(name, text) {
				all = append(all, variant{name, err})
			}
		}
	}
	return all
}
