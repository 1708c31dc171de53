package gen

import (
	"errors"
	"fmt"

	"bkt/internal/hint"
	"bkt/internal/manifest"
)

// kargsSection is the data for kernel-arguments.tmpl. The file has a list even if
// the list is empty: if an image has no file, bootc takes the arguments of the
// booted image for the user's own and keeps them.
type kargsSection struct {
	Manifest  string  // where arguments are added
	Arguments []value // in their order, which matters for some, such as console=
}

func kargsData(in input, t *trace) (any, error) {
	d, err := load[manifest.SystemConfig](in.manifestCache, in.manifest)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, k := range d.Content.ForeignKernelArguments() {
		err := fmt.Errorf("%s: kernel argument %q is not in append, and an image can only remove its own arguments", d.Entry(k.Pointer, "", ""), k.Text)
		errs = append(errs, hint.Add(err, `delete it on the machine, with "rpm-ostree kargs --delete", and remove it here`))
	}
	s := kargsSection{Manifest: in.manifest}
	for _, k := range d.Content.KernelArguments() {
		s.Arguments = append(s.Arguments, t.value(k.Text, d.Entry(k.Pointer, k.Text, "")))
	}
	return s, errors.Join(errs...)
}
