package keyfile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeyFile(t *testing.T) {
	const text = `# by hand

[core]
repo_version=1
 xa.masked = app/a.b.c/x86_64/*;x\;y;last
[remote "a b"]
url=https://example.org/?a=b
odd=\sa\\b\nc
empty=
`
	const written = `[core]
repo_version=1
xa.masked=app/a.b.c/x86_64/*;x\;y;last

[remote "a b"]
url=https://example.org/?a=b
odd=\sa\\b\nc
empty=
`
	f, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written, f.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := Parse([]byte(f.String()))
	if err != nil || !cmp.Equal(f, again) {
		t.Errorf("read again, it is %v, %v", again, err)
	}
	for key, want := range map[string]string{"url": "https://example.org/?a=b", "odd": " a\\b\nc", "empty": "", "none": ""} {
		if got := f.Get(`remote "a b"`, key); got != want {
			t.Errorf("%s is %q, not %q", key, got, want)
		}
	}
	masked := SplitList(f.Raw("core", "xa.masked"))
	if diff := cmp.Diff([]string{"app/a.b.c/x86_64/*", "x;y", "last"}, masked); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
}

func TestKeyFileSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"x=1\n":          `line 1 is neither a group nor an entry of one`,
		"[a]\nx\n":       `line 2 is neither a group nor an entry of one`,
		"[a]\n=1\n":      `line 2 is neither a group nor an entry of one`,
		"[a]\n\n[b\n":    `line 3 is not a group`,
		"[]\n":           `line 1 is not a group`,
		"[a]b]\nx=1\n":   `line 1 is not a group`,
		"\x00\x01\x02\n": `line 1 is neither a group nor an entry of one`,
	} {
		if _, err := Parse([]byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzList checks that a written list is read as the same list.
func FuzzList(f *testing.F) {
	f.Add("a", " b;c")
	f.Add(`\`, "\n\t")
	f.Add("", ";")
	f.Fuzz(func(t *testing.T, a, b string) {
		want := []string{a, b}
		if diff := cmp.Diff(want, SplitList(JoinList(want))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
