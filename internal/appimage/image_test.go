package appimage

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/appimage/squashfs"
	"bkt/internal/appimage/squashfs/squashfstest"
)

// program is the start of an AppImage, with information about updates.
func program(t testing.TB, update string) []byte {
	t.Helper()
	const names = "\x00.upd_info\x00.shstrtab\x00"
	info := make([]byte, maxUpdateInfo)
	copy(info, update)
	header := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT), 0, 'A', 'I', 2},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Ehsize: 64, Shentsize: 64, Shnum: 3, Shstrndx: 2, Shoff: uint64(64 + len(info) + len(names)),
	}
	sections := []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Off: 64, Size: uint64(len(info))},
		{Name: 11, Type: uint32(elf.SHT_STRTAB), Off: uint64(64 + len(info)), Size: uint64(len(names))},
	}
	var b bytes.Buffer
	for _, part := range []any{header, info, []byte(names), sections} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func readBytes(t testing.TB, parts ...[]byte) (image, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.AppImage")
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o644); err != nil {
		t.Fatal(err)
	}
	return readImage(path)
}

const (
	demoEntry = "[Desktop Entry]\nName=Demo\nExec=demo\nIcon=demo\n"
	svg       = "<svg/>"
	png       = "\x89PNG\r\n\x1a\n"
)

func TestImagesAreRead(t *testing.T) {
	tests := []struct {
		name    string
		files   map[string]string
		options []string
		icon    string
	}{
		{"gzip", map[string]string{"d.desktop": demoEntry, "demo.svg": svg}, []string{"-comp", "gzip"}, svg},
		{"xz", map[string]string{"d.desktop": demoEntry, "demo.svg": svg}, []string{"-comp", "xz"}, svg},
		{"zstd", map[string]string{"d.desktop": demoEntry, "demo.png": png}, []string{"-comp", "zstd"}, png},
		{"blocks and tails", map[string]string{"d.desktop": demoEntry, "demo.svg": svg + strings.Repeat(" x", 100_000)}, nil, svg + strings.Repeat(" x", 100_000)},
		{"links", map[string]string{"d.desktop": "-> usr/share/applications/d.desktop", "usr/share/applications/d.desktop": demoEntry, "demo.svg": "-> usr/./share/../share/i/demo.svg", "usr/share/i": "-> icons", "usr/share/icons/demo.svg": svg}, nil, svg},
		{"a better icon", map[string]string{"d.desktop": demoEntry, "demo.png": png, "usr/share/icons/hicolor/scalable/apps/demo.svg": svg, ".DirIcon": png}, nil, svg},
		{"no such icon", map[string]string{"d.desktop": demoEntry, ".DirIcon": "-> demo.svg"}, nil, ""},
		{"no icon", map[string]string{"d.desktop": demoEntry, "demo.svg": "#!/bin/sh"}, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, err := readBytes(t, program(t, "zsync|https://x/y.zsync"), squashfstest.Pack(t, tt.files, tt.options...))
			if err != nil || i.closed != nil {
				t.Fatal(err, i.closed)
			}
			if i.entry.Get(desktopGroup, "Name") != "Demo" || string(i.icon) != tt.icon || i.update != "zsync|https://x/y.zsync" {
				t.Errorf("entry %v, icon %.20q, update %q", i.entry, i.icon, i.update)
			}
		})
	}
}

func TestHostileImages(t *testing.T) {
	deep := strings.Repeat("d/", squashfs.MaxDepth+2)
	tests := []struct {
		name  string
		files map[string]string
		err   string
	}{
		{"a link to a file of the system", map[string]string{"d.desktop": "-> /etc/passwd"}, "leads out of it"},
		{"a link upwards", map[string]string{"d.desktop": "-> a/../../x", "a/x": ""}, "leads out of it"},
		{"links in a circle", map[string]string{".DirIcon": "-> a/b", "a/b": "-> ../.DirIcon"}, "is a link without end"},
		{"a link to itself", map[string]string{"x.desktop": "-> x.desktop"}, "is a link without end"},
		{"an icon that leads out by a folder", map[string]string{"d.desktop": demoEntry, "usr/share": "-> ../../.."}, "leads out of it"},
		{"too deep", map[string]string{".DirIcon": "-> " + deep + "x", deep + "x": svg}, "leads too deep"},
		{"a desktop entry that is too large", map[string]string{"d.desktop": strings.Repeat("#", maxEntry+1)}, "has 65537 bytes"},
		{"a control character", map[string]string{"a\nb": ""}, "it has a file called"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			i, err := readBytes(t, program(t, ""), squashfstest.Pack(t, tt.files))
			if err != nil || !errors.Is(i.closed, squashfs.ErrHostile) || !strings.Contains(i.closed.Error(), tt.err) {
				t.Errorf("%v, %v", err, i.closed)
			}
		})
	}
}

func TestWhatIsNoAppImage(t *testing.T) {
	p := program(t, "")
	for name, text := range map[string][]byte{
		"empty": nil, "text": []byte("#!/bin/sh\necho this is no program at all\n"), "a program": append([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00"), p[11:]...), "cut": p[:100],
	} {
		if _, err := readBytes(t, text); !errors.Is(err, errNoAppImage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string][]byte{
		"no image": nil, "another image": []byte("DWARFS" + strings.Repeat("x", 200)), "a start": []byte("hsqs"),
	} {
		if i, err := readBytes(t, p, text); err != nil || i.closed == nil {
			t.Errorf("%s: %v, %v", name, err, i.closed)
		}
	}
}

// FuzzImage checks that reading an image returns an error or succeeds, within the limits.
func FuzzImage(f *testing.F) {
	files := map[string]string{"d.desktop": demoEntry, "demo.svg": svg, ".DirIcon": "-> demo.svg", "usr/share/icons/hicolor/scalable/apps/demo.svg": svg}
	for _, options := range [][]string{{"-comp", "gzip"}, {"-comp", "xz"}, {"-comp", "zstd"}, {"-noI", "-noD", "-noF", "-noX", "-no-xattrs"}} {
		image := squashfstest.Pack(f, files, options...)
		f.Add(bytes.TrimRight(image, "\x00"))
	}
	start := program(f, "")
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := readBytes(t, start, text); err != nil {
			t.Error(err) // the program is one
		}
	})
}

// FuzzProgram checks the same of the program before the image.
func FuzzProgram(f *testing.F) {
	f.Add(program(f, "zsync|x"), uint16(40), uint64(1<<63))
	f.Fuzz(func(t *testing.T, text []byte, at uint16, value uint64) {
		text = bytes.Clone(text)
		if int(at)+8 <= len(text) {
			binary.LittleEndian.PutUint64(text[at:], value)
		}
		i, err := readBytes(t, text)
		if err == nil && strings.ContainsAny(i.update, "\n\x00") {
			t.Errorf("%q", i.update)
		}
	})
}
