package squashfs

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/diskfs/go-diskfs/backend"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// The limits for reading a squashfs. The library trusts the sizes in the file, and
// allocates that much memory; a few compressed bytes may decompress to many.
const (
	maxReads    = 4096
	maxRead     = 32 << 20 // compressed bytes
	maxUnpacked = 64 << 20 // decompressed bytes
	maxListed   = 4 << 20  // decompressed bytes of directories
	metaBlock   = 8 << 10
	minBlock    = 4 << 10
	maxBlock    = 1 << 20
	maxXZ       = 8 << 20 // the dictionary
)

// A superblock is the start of a squashfs.
type superblock struct {
	Magic, Inodes, Time, Block, Fragments   uint32
	Compression, BlockLog, Flags, IDs       uint16
	Major, Minor                            uint16
	Root, Size, IDTable, XattrTable         uint64
	InodeTable, DirTable, FragTable, Export uint64
}

const magicSquashfs = 0x73717368

// Compressions, by their numbers in the superblock.
const (
	gzip = 1
	lzXZ = 4
	zst  = 6
)

// ErrDamaged is the error of a squashfs that cannot be read. ErrCut is the one whose file
// ends before the squashfs does, as after a copy that did not finish.
var (
	ErrDamaged = errors.New("its squashfs is damaged")
	ErrCut     = fmt.Errorf("%w: the end of the file is missing", ErrDamaged)
)

// A guard reads the file of a squashfs within the limits.
type guard struct {
	file         *os.File
	start, size  int64
	super        superblock
	zstd         *zstd.Decoder
	pos          int64
	reads, bytes int
	unpacked     int
	listed       int
}

// newGuard checks the superblock of a squashfs at an offset of a file.
func newGuard(file *os.File, start, size int64) (*guard, error) {
	g := &guard{file: file, start: start, size: size}
	if err := binary.Read(io.NewSectionReader(file, start, size), binary.LittleEndian, &g.super); err != nil {
		return nil, ErrDamaged
	}
	s := g.super
	switch {
	case s.Magic != magicSquashfs:
		return nil, errors.New("contains no squashfs")
	case s.Major == 4 && s.Size > uint64(size):
		return nil, ErrCut
	case s.Major != 4 || s.Minor != 0 || s.Block < minBlock || s.Block > maxBlock || s.Block&(s.Block-1) != 0,
		s.IDs == 0, s.InodeTable > s.DirTable, s.DirTable > uint64(size):
		return nil, ErrDamaged
	case s.Compression != gzip && s.Compression != lzXZ && s.Compression != zst:
		return nil, fmt.Errorf("its squashfs has a compression that cannot be read (%d)", s.Compression)
	}
	return g, nil
}

// ReadAt implements io.ReaderAt. The bytes that it returns decompress to at most one block.
func (g *guard) ReadAt(p []byte, off int64) (int, error) {
	g.reads++
	g.bytes += len(p)
	if g.reads > maxReads || g.bytes > maxRead {
		return 0, ErrCostly
	}
	if off < 0 || off > g.size {
		return 0, io.EOF
	}
	n, err := io.NewSectionReader(g.file, g.start, g.size).ReadAt(p, off)
	if err == nil && n > 2 { // two bytes are the size of a block
		err = g.count(p, off)
	}
	return n, err
}

var ErrCostly = errors.New("its squashfs takes too much to read")

// count adds the decompressed size of bytes at an offset, and checks the limits.
func (g *guard) count(p []byte, off int64) error {
	limit := int(g.super.Block)
	if off >= int64(g.super.InodeTable) {
		limit = metaBlock
	}
	n, err := g.unpackedSize(p, limit)
	g.unpacked += n
	if off >= int64(g.super.DirTable) {
		g.listed += n
	}
	if err == nil && (n > limit || g.unpacked > maxUnpacked || g.listed > maxListed) {
		err = ErrCostly
	}
	return err
}

// unpackedSize returns the decompressed size of bytes, at most limit+1. Bytes that are not
// compressed have their own size.
func (g *guard) unpackedSize(p []byte, limit int) (int, error) {
	switch g.super.Compression {
	case gzip:
		if z, err := zlib.NewReader(bytes.NewReader(p)); err == nil {
			return discard(z, limit)
		}
	case lzXZ:
		if bytes.HasPrefix(p, []byte("\xfd7zXZ\x00")) {
			return xzSize(p, limit)
		}
	case zst:
		if bytes.HasPrefix(p, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
			return g.zstdSize(p)
		}
	}
	return len(p), nil
}

func discard(r io.Reader, limit int) (int, error) {
	n, err := io.CopyN(io.Discard, r, int64(limit)+1)
	if err == io.EOF {
		err = nil
	}
	return int(n), err
}

func xzSize(p []byte, limit int) (int, error) {
	if !smallDictionary(p) {
		return 0, ErrCostly
	}
	x, err := xz.NewReader(bytes.NewReader(p))
	if err != nil {
		return 0, err
	}
	return discard(x, limit)
}

// smallDictionary reports whether the dictionary of the first block is below the limit. In
// the format of xz, the header of the block follows that of the stream: a size, flags, the
// sizes that the flags announce, and the filter LZMA2 with the size of its dictionary.
func smallDictionary(p []byte) bool {
	const flagsAt, filters, packedSize, size, lzma2 = 13, 0x03, 0x40, 0x80, 0x21
	if len(p) <= flagsAt || p[flagsAt]&filters != 0 {
		return false
	}
	rest := p[flagsAt+1:]
	for _, flag := range []byte{packedSize, size} {
		if p[flagsAt]&flag == 0 {
			continue
		}
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return false
		}
		rest = rest[n:]
	}
	if len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 {
		return false
	}
	bits := rest[2]
	return bits < 40 && int64(2|bits&1)<<(bits/2+11) <= maxXZ
}

// zstdSize returns the decompressed size. It limits memory to the size of a block.
func (g *guard) zstdSize(p []byte) (int, error) {
	if g.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxBlock))
		if err != nil {
			return 0, err
		}
		g.zstd = d
	}
	text, err := g.zstd.DecodeAll(p, nil)
	return len(text), err
}

// close frees the decoder.
func (g *guard) close() {
	if g.zstd != nil {
		g.zstd.Close()
	}
}

// These make a guard a [backend.Storage].

func (g *guard) Stat() (fs.FileInfo, error)              { return g.file.Stat() }
func (g *guard) Close() error                            { return nil }
func (g *guard) Sys() (*os.File, error)                  { return nil, backend.ErrNotSuitable }
func (g *guard) Writable() (backend.WritableFile, error) { return nil, backend.ErrIncorrectOpenMode }
func (g *guard) Path() string                            { return "" }

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.ReadAt(p, g.pos)
	g.pos += int64(n)
	return n, err
}

func (g *guard) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		g.pos = offset
	case io.SeekCurrent:
		g.pos += offset
	case io.SeekEnd:
		g.pos = g.size + offset
	}
	return g.pos, nil
}
