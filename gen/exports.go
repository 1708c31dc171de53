package gen

import (
	"errors"
	"fmt"
	"strings"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// exportsSection is the data for host-exports.tmpl.
type exportsSection struct {
	Manifest string // where programs are exported
	Exports  []export
}

// An export is a wrapper on the host for a program of a container.
type export struct {
	Name    value
	Box     value
	Program value // its path in the container; ~ is the user's home
}

// isWrapperName reports whether a script may have the name without quotes.
func isWrapperName(name string) bool {
	letter := func(r rune) bool {
		return 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_'
	}
	return name != "" && !strings.ContainsRune(".+@-", rune(name[0])) &&
		!strings.ContainsFunc(name, func(r rune) bool { return !letter(r) && !strings.ContainsRune(".+@-", r) })
}

func exportsData(in input, t *trace) (any, error) {
	d, err := load[manifest.Containers](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	s := exportsSection{Manifest: in.manifest}
	first := map[string]manifest.Entry{}
	var errs []error
	for _, x := range d.Content.Exports(manifest.SystemBin) {
		e := d.Entry(x.Pointer, x.Name, "")
		if other, ok := first[x.Name]; ok {
			err := fmt.Errorf("%s: %s is exported twice (first at %s)", e, x.Name, other)
			errs = append(errs, hint.Add(err, "exclude it from one of the containers"))
		}
		if !isWrapperName(x.Name) {
			errs = append(errs, fmt.Errorf("%s: %q cannot be the name of a program in %s", e, x.Name, manifest.SystemBin))
		}
		first[x.Name] = e
		s.Exports = append(s.Exports, export{t.value(x.Name, e), t.value(x.Container, e), t.value(x.Path, e)})
	}
	return s, errors.Join(errs...)
}
