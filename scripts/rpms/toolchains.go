package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
)

// writeToolchains writes into dir what toolchains are downloaded as: rustup, a
// program, and proto.tar.gz, an archive with one in a folder.
func writeToolchains(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	archive, err := archiveOf("proto_cli/proto", "#!/bin/sh\necho proto 0.50.0\n")
	return errors.Join(err,
		os.WriteFile(filepath.Join(dir, "rustup"), []byte("#!/bin/sh\necho rustup 1.28.2\n"), 0o644),
		os.WriteFile(filepath.Join(dir, "proto.tar.gz"), archive, 0o644))
}

func archiveOf(name, text string) ([]byte, error) {
	var data bytes.Buffer
	z := gzip.NewWriter(&data)
	w := tar.NewWriter(z)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(text)), ModTime: modified})
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	err = errors.Join(err, w.Close(), z.Close())
	return data.Bytes(), err
}
