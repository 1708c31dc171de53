package buildspec_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/buildspec"
)

// TestMissing checks which sources a build does not find, and why. The answers are those of
// BuildKit 0.34 to builds without a cache; e2e/images has some of them.
func TestMissing(t *testing.T) {
	tests := []struct{ instructions, ignore, want string }{
		{"COPY a.txt /", "", ""},
		{"COPY /a.txt a.txt/ ../a.txt /x/", "", ""},
		{"COPY gone /", "", "gone"},
		{"COPY a.txt gone /x/", "", "gone"},
		{"COPY A.TXT /", "", "A.TXT"},
		{"COPY a.txt/b /", "", "a.txt/b"},
		{`COPY ["b b.txt", "c c.txt", "/x/"]`, "", "c c.txt"},
		{"ADD gone.tar /", "", "gone.tar"},
		{"ADD gone.git /", "", "gone.git"},
		{"ADD https://example.org/gone git@example.org:a/gone.git /", "", ""},
		{"COPY <<E /x\nhi\nE", "", ""},
		{"COPY . /", "*", ""},
		{"COPY empty /", "", ""},
		{"COPY build/z /", "", "build/z: output"},
		{"ONBUILD COPY gone /", "", ""},

		{"COPY *.none /x/", "", ""},
		{"COPY no*/f.txt /x/", "", ""},
		{"COPY */sub /x/", "", ""},
		{"COPY dir/*.none /x/", "", "dir: unread"},
		{"COPY dir/*.none /x/\nCOPY dir/f.txt /y", "", ""},
		{"COPY dir/*.none /x/\nCOPY . /y", "", ""},
		{"COPY nodir/*.txt /x/", "", "nodir"},
		{"COPY a.txt/* /x/", "", "a.txt: unread"},
		{"COPY dir/* /x/", "dir", "dir: .containerignore dir"},
		{"COPY *.txt /x/", "*.txt", ""},
		{"COPY star[*].txt /x/", "", ""},
		{`COPY star\\*.txt /x/`, "", `star\*.txt`},

		{"COPY a.txt /", "a.txt", "a.txt: .containerignore a.txt"},
		{"COPY a.txt /", "a*\n*.txt\n!b*", "a.txt: .containerignore *.txt"},
		{"COPY a.txt /", "a*\n!a.txt\n*.txt", "a.txt: .containerignore *.txt"},
		{"COPY a.txt /", "*.txt\n!a.txt\nb*", ""},
		{"COPY dir/f.txt /", "dir", "dir/f.txt: .containerignore dir"},
		{"COPY dir /", "dir/*", ""},
		{"COPY dir/f.txt /", "dir\n!dir/f.txt", ""},
		{"COPY dir /", "dir\n!dir/f.txt", ""},
		{"COPY dir /", "dir\n!dir/none", "dir: .containerignore dir"},
		{"COPY dir /", "*\n!a.txt", "dir: .containerignore *"},
		{"COPY a.txt /", "*\n!a.txt", ""},
		{"COPY dir/f.txt dir/sub/g.txt /x/", "**\n!**/f.txt", "dir/sub/g.txt: .containerignore **"},

		{"COPY --exclude=a.txt a.txt /", "", ""},
		{"COPY --exclude=*.md gone /", "", "gone"},
		{"COPY --parents dir/sub/g.txt dir empty link /", "", ""},
		{"COPY --parents dir/sub/g /", "", "dir/sub/g"},
		{"COPY --parents dir/./sub/g.txt /", "", ""},
		{"COPY --parents dir/./sub/none /", "", "dir/sub/none"},
		{"COPY --parents gone/*/x /", "", ""},
		{"COPY --parents nodir/./* /", "", "nodir"},
		{"COPY --parents dlink/f.txt /", "", "dlink/f.txt: unread"},
		{"COPY --parents dlink/./f.txt /", "", "dlink/f.txt: unread"},

		{"COPY link up dlink/f.txt /x/", "", ""},
		{"COPY dangling /", "", "dangling leads to gone"},
		{"COPY dang* /x/", "", "dangling leads to gone"},
		{"COPY out /", "", "out leads to etc/passwd"},
		{"COPY loop /", "", "loop: unread"},
		{"COPY dlink/no.txt /", "", "dlink/no.txt leads to dir/no.txt"},
		{"COPY link /", "dir", "link leads to dir/f.txt: .containerignore dir"},
		{"COPY link /", "link", "link: .containerignore link"},

		{"RUN --mount=type=bind,source=dir,target=/x true", "", ""},
		{"RUN --mount=source=gone,target=/x true", "", "gone"},
		{"RUN --mount=type=bind,source=*.txt,target=/x true", "", "*.txt"},
		{"RUN --mount=type=bind,source=dir,target=/x true", "dir", "dir: .containerignore dir"},
		{"RUN --mount=type=cache,source=gone,target=/x true", "", ""},

		{"COPY a.txt /\nFROM scratch\nCOPY gone /\nFROM scratch", "", ""},
		{"COPY gone /\nFROM scratch\nCOPY --from=0 /other /x", "", "gone"},
		{"ARG F=gone\nCOPY $F /", "", "gone by default"},
		{"ARG F\nCOPY ${F}gone ${G:-gone} /x/", "", ""},
		{"ARG GIVEN=a.txt\nCOPY $GIVEN /x/", "", "given"},
		{"ARG F=gone\nENV G=$F\nCOPY $G /x/", "", "gone by default"},
		{"ENV F=gone\nARG F=a.txt\nCOPY $F /x/", "", "gone"},
		{"ENV F=$OTHER\nCOPY $F /x/", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.instructions, func(t *testing.T) {
			dir := writeFiles(t, map[string]string{
				"a.txt": "", "b b.txt": "", "dir/f.txt": "", "dir/sub/g.txt": "", "star*.txt": "", "build/z": "",
				"C": "FROM scratch\n" + tt.instructions + "\n", ".containerignore": tt.ignore,
			})
			for name, target := range map[string]string{"link": "dir/f.txt", "dlink": "dir", "dangling": "gone", "out": "/etc/passwd", "up": "../../../../dir/f.txt", "loop": "loop"} {
				if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
				t.Fatal(err)
			}
			s := buildspec.Spec{Containerfile: "C", Context: dir, Args: map[string]string{"GIVEN": "given"}}
			f, err := s.Parse()
			if err != nil {
				t.Fatal(err)
			}
			sent, err := s.Sent(t.Context(), f, []string{filepath.Join(dir, "build")})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range sent.Missing() {
				got = append(got, describeMissing(m))
			}
			if got := strings.Join(got, ", "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSourceThatCannotBeRead checks that the error begins with the path.
func TestSourceThatCannotBeRead(t *testing.T) {
	name := strings.Repeat("x", 300)
	dir := writeFiles(t, map[string]string{"C": "FROM scratch\nCOPY " + name + " /\n"})
	s := buildspec.Spec{Containerfile: "C", Context: dir}
	f, err := s.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sent(t.Context(), f, nil); err == nil || err.Error() != filepath.Join(dir, name)+": file name too long" {
		t.Errorf("error %v", err)
	}
}

func describeMissing(m buildspec.Missing) string {
	text := m.Name
	if m.Link != "" {
		text = m.Link + " leads to " + m.Name
	}
	switch {
	case m.IsOutput:
		text += ": output"
	case m.Excluded != "":
		text += fmt.Sprintf(": %s %s", m.Excluded, m.Pattern)
	case m.IsUnread:
		text += ": unread"
	case m.Default:
		text += " by default"
	}
	return text
}
