package gen

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"bkt/internal/filetree"
	"bkt/internal/hint"
	"bkt/internal/imagerule"
	"bkt/internal/manifest"
	"bkt/internal/patherr"
	"bkt/internal/paths"
	"bkt/internal/strictjson"
)

// filesSection is the data for system-files.tmpl.
type filesSection struct {
	Manifest string // where files are added
	Mounts   []mount
	Files    []systemFile
}

// HasFolder reports whether an entry is a folder.
func (s filesSection) HasFolder() bool { return s.has(func(f systemFile) bool { return f.Folder }) }

// HasLink reports whether an entry is a symbolic link.
func (s filesSection) HasLink() bool {
	return s.has(func(f systemFile) bool { return f.Target.text != "" })
}

func (s filesSection) has(is func(systemFile) bool) bool { return slices.ContainsFunc(s.Files, is) }

// A mount is a part of the repository during the build.
type mount struct{ Source, Target value }

type systemFile struct {
	Source value // during the build
	Dest   value // in the image
	Mode   value // of a file
	Target value // of a symbolic link
	Folder bool
}

// A source is an entry of files with what it copies.
type source struct {
	manifest.SystemFile
	entry manifest.Entry
	found filetree.Source
	err   error
}

// sources returns the entries of files.
func (c *manifestCache) sources(path string) ([]source, error) {
	d, err := load[manifest.SystemConfig](c, path)
	if err != nil || c.files != nil {
		return c.files, err
	}
	for i, f := range d.Content.Files {
		s := source{SystemFile: f, entry: d.Entry(strictjson.Item("/files", i), f.Dest, f.Comment)}
		s.found, s.err = filetree.Find(c.repo, f)
		c.files = append(c.files, s)
	}
	return c.files, nil
}

func filesData(in input, t *trace) (any, error) {
	all, err := in.sources(in.manifest)
	if err != nil {
		return nil, err
	}
	s := filesSection{Manifest: in.manifest}
	var errs []error
	for _, f := range all {
		errs = append(errs, hint.Prefix(f.entry.String(), f.err), in.checkItems(f))
		s.add(f, t)
	}
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m mount) bool { return s.isWithin(m.Source.text) })
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	// If several entries put a file to the same path, the one with the longest path is last.
	sortBy(s.Files, func(f systemFile) value { return f.Dest })
	in.warnDangling(all)
	return s, s.checkMounts(all)
}

// add adds an entry, and the mount that it needs.
func (s *filesSection) add(f source, t *trace) {
	file := systemFile{Dest: t.value(f.Dest, f.entry), Folder: f.found.Folder}
	if !f.found.Folder && len(f.found.Items) == 1 {
		file.Mode = t.value(f.found.Items[0].Mode, f.entry)
		file.Target = t.value(f.found.Items[0].Target, f.entry)
	}
	if s.Files = append(s.Files, file); file.Target.text != "" {
		return // it needs no more than its target
	}
	m := mount{value{text: "system"}, value{text: mountedSystem}}
	if !paths.Within(f.found.Path, "system") {
		m = mount{t.value(f.found.Path, f.entry), t.value(mountedRepository+f.found.Path, f.entry)}
	}
	s.Files[len(s.Files)-1].Source = t.value(m.Target.text+strings.TrimPrefix(f.found.Path, m.Source.text), f.entry)
	if !slices.ContainsFunc(s.Mounts, func(other mount) bool { return other.Source.text == m.Source.text }) {
		s.Mounts = append(s.Mounts, m)
		sortBy(s.Mounts, func(m mount) value { return m.Source })
	}
}

// The folders of the repository during the build.
const (
	mountedSystem     = "/tmp/system" // system/
	mountedRepository = "/tmp/repository/"
)

// isWithin reports whether a path of the repository is in a folder that is mounted.
func (s filesSection) isWithin(name string) bool {
	return slices.ContainsFunc(s.Mounts, func(m mount) bool { return m.Source.text != name && paths.Within(name, m.Source.text) })
}

// checkMounts returns an error for each source whose path BuildKit would read otherwise in
// the option of a mount.
func (s filesSection) checkMounts(all []source) error {
	var errs []error
	for _, f := range all {
		isMounted := slices.ContainsFunc(s.Mounts, func(m mount) bool { return m.Source.text == f.found.Path })
		if i := strings.IndexFunc(f.found.Path, isUnsafe); isMounted && i >= 0 {
			err := fmt.Errorf("%s: the path %q has the character %q, and is not below system/", f.entry, f.found.Path, []rune(f.found.Path[i:])[0])
			errs = append(errs, hint.Add(err, "rename the file, or move it below system/, where every name is possible"))
		}
	}
	return errors.Join(errs...)
}

// isUnsafe reports whether a character means something in an option of RUN.
func isUnsafe(r rune) bool {
	return r < 128 && !('A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("/._+@-", r))
}

// checkItems checks what an entry puts into the image: a path that bootc refuses, or that
// belongs to another section, is an error, one that bootc ignores or merges badly a
// warning. Of a folder, each rule is reported once.
func (in input) checkItems(f source) error {
	var errs []error
	broken := map[string]int{} // files that break a rule
	for _, it := range f.found.Items {
		in.installs(f.installed(it))
		errs = append(errs, checkOwn(it.Dest, f.entry), in.checkContent(it, f.entry))
		if p := imagerule.CheckPath(it.Dest); p != nil {
			broken[p.Rule]++
		}
	}
	for _, it := range f.found.Items {
		p := imagerule.CheckPath(it.Dest)
		if p == nil || broken[p.Rule] == 0 {
			continue
		}
		what := it.Dest
		if more := broken[p.Rule] - 1; more > 0 {
			what = fmt.Sprintf("%s and %d more of the folder", it.Dest, more)
		}
		broken[p.Rule] = 0
		errs = append(errs, in.judge(*p, what, f.entry))
	}
	return errors.Join(errs...)
}

// installed returns what an item of the source puts into the image.
func (s source) installed(it filetree.Item) Installed {
	i := Installed{Dest: it.Dest, Source: it.Source, Entry: s.entry}
	switch {
	case s.found.Folder:
		i.Folder = s.found.Path
	case it.Target != "":
		i.Source = ""
	}
	return i
}

// checkContent checks the content of a file that bootc reads.
func (in input) checkContent(it filetree.Item, e manifest.Entry) error {
	if it.Target != "" || imagerule.IsOwnKargs(it.Dest) || imagerule.CheckPath(it.Dest) != nil {
		return nil
	}
	var errRead error
	p := imagerule.CheckFile(it.Dest, func() ([]byte, error) {
		data, err := fs.ReadFile(in.repo, it.Source)
		errRead = err
		return data, err
	})
	switch {
	case errRead != nil:
		return fmt.Errorf("%s: %s: %w", e, it.Source, patherr.Reason(errRead))
	case p != nil:
		return in.judge(*p, it.Source, e)
	}
	return nil
}

// judge reports a broken rule: an error if bootc refuses the image, and else a warning.
func (in input) judge(p imagerule.Problem, what string, e manifest.Entry) error {
	if p.Fatal {
		return hint.Add(fmt.Errorf("%s: %s: %s", e, what, p.What), "%s", p.Advice)
	}
	in.warn(hint.Add(warning(p.Rule, e, what+": "+p.What), "%s", p.Advice))
	return nil
}

// checkOwn returns an error if a file would replace the file of another section.
func checkOwn(dest string, e manifest.Entry) error {
	switch {
	case imagerule.IsOwnKargs(dest):
		return hint.Add(fmt.Errorf("%s: %s is the file of section KERNEL_ARGUMENTS", e, dest), "put the arguments into kargs, or give the file another name")
	case dest == presetFile("system"), dest == presetFile("user"):
		return hint.Add(fmt.Errorf("%s: %s is the file of section SYSTEMD_UNITS", e, dest), "put the units into systemd, or give the file another name")
	}
	return nil
}

// warnDangling warns about a link that leads to a file beside it in the repository, which
// no entry puts into the image: copying the link does not copy the file.
func (in input) warnDangling(all []source) {
	for _, f := range all {
		if f.found.Folder || f.found.Items[0].Target == "" || path.IsAbs(f.found.Items[0].Target) {
			continue
		}
		it := f.found.Items[0]
		target := path.Join(path.Dir(it.Dest), it.Target)
		isInstalled := slices.ContainsFunc(all, func(s source) bool {
			return slices.ContainsFunc(s.found.Items, func(i filetree.Item) bool { return paths.Within(i.Dest, target) })
		})
		inRepository := path.Join(path.Dir(it.Source), it.Target)
		if _, err := fs.Lstat(in.repo, inRepository); err != nil || isInstalled {
			continue
		}
		err := warning("link-target", f.entry, fmt.Sprintf("%s becomes a link to %s, and no entry puts a file there", it.Dest, target))
		in.warn(hint.Add(err, "declare %s as well, or as \"src\" of this entry", inRepository))
	}
}
