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
	"path/filepath"
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

// run writes the layout beside dir and, once it is whole, gives it its name.
func run(archive, dir, ref string) error {
	tar, err := open(archive)
	if err != nil {
		return err
	}
	defer tar.Close()
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s is there already", dir)
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := writeLayout(layout(temp), tar, ref); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}

// open opens the file called name, or standard input if it is a dash.
func open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}
