package gen

import (
	"errors"
	"fmt"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// kargsSection is what kernel-arguments.tmpl gets. The file has a list even if
// that is empty: where an image has no file at all, bootc takes the arguments
// of the booted image for the user's own and keeps them.
type kargsSection struct {
	Manifest  string  // where arguments are added
	Arguments []value // in their order, which counts for some, such as console=
}

func kargsData(in input, t *trace) (any, error) {
	d, err := load[manifest.SystemConfig](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, k := range d.Content.ForeignKernelArguments() {
		err := fmt.Errorf("%s: kernel argument %q is not one of those in append, and an image can only take away its own", d.Entry(k.Pointer, "", ""), k.Text)
		errs = append(errs, hint.Add(err, `take it away on the machine, with "rpm-ostree kargs --delete", and leave it out here`))
	}
	s := kargsSection{Manifest: in.manifest}
	for _, k := range d.Content.KernelArguments() {
		s.Arguments = append(s.Arguments, t.value(k.Text, d.Entry(k.Pointer, k.Text, "")))
	}
	return s, errors.Join(errs...)
}
