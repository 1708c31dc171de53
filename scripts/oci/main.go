// Oci makes an image of a root file system: an OCI layout with one image of
// one layer, for the platform of this machine.
//
//	oci ROOTFS.tar LAYOUTDIR REF
//
// A tar archive called - is standard input. LAYOUTDIR must not exist; it
// appears when it is whole, and its index names the image REF. The same
// archive gives the same bytes.
package main

import (
	"fmt"
	"io"
	"os"

	"bkt/scripts/layout"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: oci ROOTFS.tar LAYOUTDIR REF")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintf(os.Stderr, "oci: error: %v\n", err)
		os.Exit(1)
	}
}

// run writes the image of an archive.
func run(archive, dir, ref string) error {
	tar, err := open(archive)
	if err != nil {
		return err
	}
	defer tar.Close()
	return layout.Create(dir, ref, func(l layout.Layout) (v1.Image, []v1.Descriptor, error) {
		image := layout.New()
		layer, err := l.PutLayer(tar)
		layout.Append(&image, layer, "root file system")
		return image, []v1.Descriptor{layer.Blob}, err
	})
}

// open opens the file called name, or standard input if it is a dash.
func open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}
