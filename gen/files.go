package gen

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/imagerule"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/strictjson"
)

// filesSection is the data for system-files.tmpl.
type filesSection struct {
	Manifest string // where files are added
	Files    []systemFile
}

type systemFile struct {
	Source value // during the build
	Dest   value // in the image
	Mode   value
}

// mounted is the folder system/ of the repository during the build.
const mounted = "/tmp/system/"

func filesData(in input, t *trace) (any, error) {
	d, err := load[manifest.SystemConfig](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := filesSection{Manifest: in.manifest}
	var errs []error
	for i, f := range d.Content.Files {
		e := d.Entry(strictjson.Item("/files", i), f.Dest, f.Comment)
		errs = append(errs, checkSource(in.repo, f.SourcePath(), e), in.checkDest(f.Dest, f.SourcePath(), e), checkOwn(f.Dest, e))
		s.Files = append(s.Files, systemFile{
			Source: t.value(mounted+strings.TrimPrefix(f.SourcePath(), "system/"), e),
			Dest:   t.value(f.Dest, e),
			Mode:   t.value(cmp.Or(f.Mode, "0644"), e),
		})
	}
	sortBy(s.Files, func(f systemFile) value { return f.Dest })
	return s, errors.Join(errs...)
}

// checkDest checks a file of the manifest by the rules about bootable images: its path, and
// the content of the file called source in the repository.
func (in input) checkDest(dest, source string, e manifest.Entry) error {
	in.installs(dest, e)
	// checkSource says why a file cannot be read.
	p := imagerule.CheckFile(dest, func() ([]byte, error) { return fs.ReadFile(in.repo, source) })
	switch {
	case p == nil:
		return nil
	case imagerule.CheckPath(dest) == nil: // it is the content
		return in.judge(*p, source, e)
	}
	return in.judge(*p, dest, e)
}

// judge reports a problem with what an entry declares: an error if bootc refuses the image,
// and else a warning.
func (in input) judge(p imagerule.Problem, what string, e manifest.Entry) error {
	if p.Fatal {
		return hint.Add(fmt.Errorf("%s: %s: %s", e, what, p.What), "%s", p.Advice)
	}
	in.warn(hint.Add(warning(p.Rule, e, what+": "+p.What), "%s", p.Advice))
	return nil
}

// checkOwn returns an error if a file would replace the file of another section.
func checkOwn(dest string, e manifest.Entry) error {
	if dest != imagerule.KargsFile {
		return nil
	}
	return hint.Add(fmt.Errorf("%s: %s is the file of section KERNEL_ARGUMENTS", e, dest), "put the arguments into kargs, or give the file another name")
}

// checkSource returns an error if the repository has no such file.
func checkSource(repo fs.FS, name string, e manifest.Entry) error {
	info, err := fs.Stat(repo, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return hint.Add(fmt.Errorf("%s: %s is not in the repository", e, name), "add the file, or remove the entry")
	case err != nil:
		return fmt.Errorf("%s: %s: %w", e, name, patherr.Reason(err))
	case info.IsDir():
		return hint.Add(fmt.Errorf("%s: %s is a folder", e, name), "declare each file in it")
	}
	return nil
}
