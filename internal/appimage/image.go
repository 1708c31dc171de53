package appimage

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"bkt/internal/appimage/squashfs"
	"bkt/internal/keyfile"
	"bkt/internal/plainfile"
)

// An image has the facts in an AppImage about itself.
type image struct {
	kind    int          // 1 or 2
	update  string       // the update information
	entry   keyfile.File // the desktop entry; nil: no usable entry
	icon    []byte
	iconExt string // ".svg" or ".png"
	closed  error  // the reason why its files cannot be read
}

var errNoAppImage = errors.New("is not an AppImage")

const (
	maxEntry = 64 << 10
	maxIcon  = 4 << 20

	// From the specifications of AppImages and, for type 1, of ISO 9660.
	updateSection   = ".upd_info"
	updateOffset1   = 33651
	maxUpdateInfo   = 1024
	maxUpdateInfo1  = 512
	desktopGroup    = "Desktop Entry"
	desktopSuffix   = ".desktop"
	directoryIcon   = ".DirIcon"
	hicolorInImage  = "usr/share/icons/hicolor"
	pixmapsInImage  = "usr/share/pixmaps"
	maxSections     = 1 << 10
	sectionHeaders  = 64
	maxProgramStart = 64 << 20
)

// kindOf returns the type of an AppImage from its first bytes, 0 for other files.
func kindOf(head []byte) int {
	if len(head) < 11 || string(head[:4]) != elf.ELFMAG || head[8] != 'A' || head[9] != 'I' || head[10] != 1 && head[10] != 2 {
		return 0
	}
	return int(head[10])
}

// readImage reads an AppImage without running it.
func readImage(name string) (image, error) {
	f, err := plainfile.Open(name)
	if err != nil {
		return image{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return image{}, err
	}
	return readOpen(f, info.Size())
}

func readOpen(f *os.File, size int64) (image, error) {
	head := make([]byte, 16)
	if _, err := f.ReadAt(head, 0); err != nil {
		return image{}, tooShort(err)
	}
	i := image{kind: kindOf(head)}
	switch i.kind {
	case 0:
		return i, errNoAppImage
	case 1:
		text := make([]byte, maxUpdateInfo1)
		n, err := f.ReadAt(text, updateOffset1)
		if err != nil && !errors.Is(err, io.EOF) {
			return i, err
		}
		i.update, i.closed = cstring(text[:n]), errors.New("it is an AppImage of type 1, whose files cannot be read")
		return i, nil
	}
	start, update, err := payload(f, size)
	if err != nil {
		return i, err
	}
	i.update = update
	if err := squashfs.Open(f, start, size-start, i.read); err != nil {
		i.closed = err
	}
	return i, nil
}

// tooShort returns errNoAppImage if err, from reading the beginning of a file, is that the
// file is too short, and err otherwise.
func tooShort(err error) error {
	if errors.Is(err, io.EOF) {
		return errNoAppImage
	}
	return err
}

// cstring returns the text before the first zero byte, if it is a line of text.
func cstring(text []byte) string {
	text, _, _ = bytes.Cut(text, []byte{0})
	for _, b := range text {
		if b < ' ' || b > '~' {
			return ""
		}
	}
	return string(text)
}

// payload returns the end of the program at the start of an AppImage, which is the start of
// the image, and the update information in the program.
func payload(f *os.File, size int64) (start int64, update string, err error) {
	end, err := headersEnd(f)
	if err != nil {
		return 0, "", err
	}
	if end > size {
		return 0, "", errNoAppImage
	}
	program, err := elf.NewFile(io.NewSectionReader(f, 0, min(size, maxProgramStart)))
	if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
		return 0, "", err
	}
	if err != nil || len(program.Sections) > maxSections {
		return 0, "", errNoAppImage
	}
	for _, s := range program.Sections {
		if s.Type != elf.SHT_NOBITS && s.Offset+s.FileSize >= s.Offset && s.Offset+s.FileSize <= uint64(size) {
			end = max(end, int64(s.Offset+s.FileSize))
		}
		if s.Name == updateSection && s.Type != elf.SHT_NOBITS {
			text := make([]byte, min(s.FileSize, maxUpdateInfo))
			n, err := f.ReadAt(text, int64(s.Offset))
			if err != nil && !errors.Is(err, io.EOF) {
				return 0, "", err
			}
			update = cstring(text[:n])
		}
	}
	return end, update, nil
}

// headersEnd returns the end of the section headers, which are the last part of a program.
func headersEnd(f *os.File) (int64, error) {
	h := make([]byte, sectionHeaders)
	if _, err := f.ReadAt(h, 0); err != nil {
		return 0, tooShort(err)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if elf.Data(h[elf.EI_DATA]) == elf.ELFDATA2MSB {
		order = binary.BigEndian
	}
	if elf.Class(h[elf.EI_CLASS]) == elf.ELFCLASS32 {
		return int64(order.Uint32(h[32:])) + int64(order.Uint16(h[46:]))*int64(order.Uint16(h[48:])), nil
	}
	offset := order.Uint64(h[40:])
	if offset > 1<<40 {
		return 0, errNoAppImage
	}
	return int64(offset) + int64(order.Uint16(h[58:]))*int64(order.Uint16(h[60:])), nil
}

// read reads the desktop entry and the icon of an image. A missing or broken desktop entry
// is not an error: programs for the terminal have none.
func (i *image) read(t *squashfs.Tree) error {
	names, err := t.Root()
	if err != nil {
		return err
	}
	var entries []string
	for _, name := range names {
		if strings.HasSuffix(name, desktopSuffix) {
			entries = append(entries, name)
		}
	}
	slices.Sort(entries)
	for _, name := range entries[:min(1, len(entries))] {
		text, err := t.Read(name, maxEntry)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if f, err := keyfile.Parse(text); err == nil && f.Get(desktopGroup, "Exec") != "" {
			i.entry = f
		}
	}
	return i.findIcon(t)
}

// findIcon reads the icon of the desktop entry or, without one, that of the image. It follows
// the links of both: no link may lead out of the image.
func (i *image) findIcon(t *squashfs.Tree) error {
	icons := append(iconPaths(i.entry.Get(desktopGroup, "Icon")), directoryIcon)
	for _, name := range icons {
		if i.icon != nil && name != directoryIcon {
			continue
		}
		text, err := t.Read(name, maxIcon)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case i.icon == nil:
			if ext := iconType(text); ext != "" {
				i.icon, i.iconExt = text, ext
			}
		}
	}
	return nil
}

// iconPaths returns the possible paths of an icon in an image, the best first.
func iconPaths(icon string) []string {
	base := path.Base(icon)
	if icon == "" || base == "." || base == "/" || base == ".." {
		return nil
	}
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".png"), ".svg")
	paths := []string{base + ".svg", path.Join(hicolorInImage, "scalable/apps", base+".svg")}
	for _, size := range []string{"512x512", "256x256", "128x128"} {
		paths = append(paths, path.Join(hicolorInImage, size, "apps", base+".png"))
	}
	return append(paths, base+".png", path.Join(pixmapsInImage, base+".png"))
}

// iconType returns the file extension of an icon, "" if the text is not an icon.
func iconType(text []byte) string {
	switch head := text[:min(len(text), 1<<10)]; {
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return ".png"
	case bytes.Contains(head, []byte("<svg")):
		return ".svg"
	}
	return ""
}

// version returns the version in the desktop entry of an image, "" if it has none.
func (i image) version() string {
	return strings.TrimSpace(i.entry.Get(desktopGroup, keyVersion))
}
