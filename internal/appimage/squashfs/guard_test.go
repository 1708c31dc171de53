package squashfs

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"bkt/internal/appimage/squashfs/squashfstest"
)

// TestBombs checks that bytes that decompress to too many are refused.
func TestBombs(t *testing.T) {
	for _, comp := range []string{"gzip", "xz", "zstd"} {
		t.Run(comp, func(t *testing.T) {
			// A megabyte of blanks, where no more than 4096 bytes are expected.
			image := squashfstest.Pack(t, map[string]string{"a.desktop": "[Desktop Entry]\nName=Demo\nExec=demo\n", "demo.svg": strings.Repeat(" ", 1<<20)}, "-comp", comp, "-b", "1M")
			g := &guard{super: superblock{Block: 4096, InodeTable: 1 << 30, DirTable: 1 << 30}}
			if err := binary.Read(bytes.NewReader(image), binary.LittleEndian, &g.super); err != nil {
				t.Fatal(err)
			}
			g.super.Block = 4096
			block := image[96:] // the first thing after the superblock is the packed file
			n, err := g.unpackedSize(block[:int(g.super.InodeTable)-96], 4096)
			if err == nil && n <= 4096 {
				t.Errorf("%d bytes come of it", n)
			}
		})
	}
}
