package gen

import (
	"errors"
	"fmt"
	"slices"

	"bkt/internal/hint"
	"bkt/internal/imagerule"
	"bkt/internal/manifest"
)

// kargsSection is the data for kernel-arguments.tmpl. The file has a list even if
// the list is empty: if an image has no file, bootc takes the arguments of the
// booted image for the user's own and keeps them.
type kargsSection struct {
	Manifest  string  // where arguments are added
	Arguments []value // in their order, which matters for some, such as console=
	Archs     []archArguments
}

// archArguments are the arguments for one architecture, in their order. bootc reads their
// file after that of all architectures.
type archArguments struct {
	Arch, File value
	Arguments  []value
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
		v := t.value(k.Text, d.Entry(k.Pointer, k.Text, k.Comment))
		if len(k.Arch) == 0 {
			s.Arguments = append(s.Arguments, v)
		}
		for _, arch := range k.Arch {
			s.add(arch, v)
		}
	}
	sortBy(s.Archs, func(a archArguments) value { return a.Arch })
	return s, errors.Join(errs...)
}

// add adds an argument for an architecture.
func (s *kargsSection) add(arch string, v value) {
	i := slices.IndexFunc(s.Archs, func(a archArguments) bool { return a.Arch.text == arch })
	if i < 0 {
		i, s.Archs = len(s.Archs), append(s.Archs, archArguments{Arch: value{text: arch}, File: value{text: imagerule.KargsFileOf(arch)}})
	}
	s.Archs[i].Arguments = append(s.Archs[i].Arguments, v)
}
