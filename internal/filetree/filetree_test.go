package filetree_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/internal/filetree"
	"bkt/internal/manifest"

	"github.com/google/go-cmp/cmp"
)

func file(mode fs.FileMode) *fstest.MapFile { return &fstest.MapFile{Mode: mode} }

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Mode: 0o777 | fs.ModeSymlink, Data: []byte(target)}
}

var repo = fstest.MapFS{
	"system/motd":          file(0o600),
	"system/usr/bin/x":     file(0o700),
	"system/etc/zone":      link("../usr/share/zone"),
	"system/etc/abs":       link("/etc/hostname"),
	"system/etc/out":       link("../../outside"),
	"system/etc/absout":    link("/../x"),
	"system/etc/up":        link("a/../../b"),
	"system/pipe":          file(0o600 | fs.ModeNamedPipe),
	"motd":                 file(0o644),
	"other/run":            file(0o755),
	"tree/etc/b":           file(0o664),
	"tree/etc/a":           link("/usr/lib/a"),
	"tree/bin/run":         file(0o775),
	"tree/.git":            file(0o644),
	"tree/etc/.git/config": file(0o644),
	"bad/etc/x":            link("../../x"),
	"bad/pipe":             file(0o600 | fs.ModeNamedPipe),
	"bad/a\nb":             file(0o644),
	"empty":                file(0o755 | fs.ModeDir),
}

func TestFind(t *testing.T) {
	tests := []struct{ src, dest, mode, want string }{
		{"motd", "/etc/motd", "", "system/motd: /etc/motd 0644"},
		{"./motd", "/etc/motd", "", "motd: /etc/motd 0644"},
		{"system/motd", "/etc/motd", "0440", "system/motd: /etc/motd 0440"},
		{"usr/bin/x", "/usr/bin/y", "", "system/usr/bin/x: /usr/bin/y 0755"},
		{"other/run", "/x", "", "other/run: /x 0755"},
		{"other/run", "/x", "600", "other/run: /x 600"},
		{"etc/zone", "/etc/localtime", "", "system/etc/zone: /etc/localtime -> ../usr/share/zone"},
		{"etc/abs", "/etc/x", "", "system/etc/abs: /etc/x -> /etc/hostname"},
		{"etc/out", "/usr/share/x", "", "system/etc/out: /usr/share/x -> ../../outside"}, // where it is installed counts
		{"./tree", "/", "", "tree: /bin/run 0755, /etc/a -> /usr/lib/a, /etc/b 0644"},
		{"tree", "/usr/x", "", "tree: /usr/x/bin/run 0755, /usr/x/etc/a -> /usr/lib/a, /usr/x/etc/b 0644"},

		{"gone", "/x", "", "neither system/gone nor gone is in the repository"},
		{"./gone", "/x", "", "gone is not in the repository"},
		{"motd/x", "/x", "", "neither system/motd/x nor motd/x is in the repository"},
		{"motd", "/", "", "system/motd is not a folder, and cannot be /"},
		{"pipe", "/x", "", "system/pipe is neither a file, nor a folder, nor a symbolic link"},
		{"etc/abs", "/x", "0644", "system/etc/abs is a symbolic link, which has no mode"},
		{"etc/out", "/etc/x", "", "system/etc/out is a symbolic link to ../../outside, which leads out of the image when it is /etc/x"},
		{"etc/absout", "/etc/x", "", "leads out of the image"},
		{"etc/up", "/x", "", "leads out of the image"},
		{"tree", "/x", "0755", "tree is a folder, whose files have no common mode"},
		{"empty", "/x", "", "empty is an empty folder"},
		{"bad", "/", "", `bad/pipe is neither`},
		{"bad", "/", "", `bad/etc/x is a symbolic link to ../../x, which leads out of the image when it is /etc/x`},
		{"bad", "/", "", `its name has a byte`},
	}
	for _, tt := range tests {
		got := describe(filetree.Find(repo, manifest.SystemFile{Source: tt.src, Dest: tt.dest, Mode: tt.mode}))
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s to %s: %s", tt.src, tt.dest, cmp.Diff(tt.want, got))
		}
	}
}

func describe(s filetree.Source, err error) string {
	if err != nil {
		return err.Error()
	}
	var items []string
	for _, it := range s.Items {
		text := it.Dest + " " + it.Mode
		if it.Target != "" {
			text += "-> " + it.Target
		}
		items = append(items, text)
	}
	return fmt.Sprintf("%s: %s", s.Path, strings.Join(items, ", "))
}
