package encode_test

import (
	"os/exec"
	"testing"

	"bkt/internal/encode"
)

func TestEncode(t *testing.T) {
	backslash, backquote := encode.Containerfile(`\`), encode.Containerfile("`")
	tests := []struct {
		name   string
		encode func(string) (string, error)
		text   string
		want   string // "": an error
	}{
		{"shell", encode.Shell, "jq", "jq"},
		{"shell", encode.Shell, "", "''"},
		{"shell", encode.Shell, "a b$(c)'d", `"a b\$(c)'d"`},
		{"shell", encode.Shell, "a\x00b", ""},
		{"home", encode.ShellHome, "~/bin:/usr/bin:$PATH", `"$HOME"/bin:/usr/bin:"$PATH"`},
		{"home", encode.ShellHome, "~", `"$HOME"`},
		{"home", encode.ShellHome, "~x:a b", `'~x':'a b'`},
		{"home", encode.ShellHome, "~/a\x00", ""},
		{"nested", encode.ShellNested, "~/.local/bin/x", `'"$HOME"/.local/bin/x'`},
		{"nested", encode.ShellNested, "/usr/bin/x", "/usr/bin/x"},
		{"glob", encode.ShellGlob, "a b-*/x", `'a b-'*/x`},
		{"glob", encode.ShellGlob, "*", "*"},
		{"ini", encode.INI, "https://x/$basearch", "https://x/$basearch"},
		{"ini", encode.INI, "a\nb", ""},
		{"ini", encode.INI, " a", ""},
		{"toml", encode.TOML, `a="b\c"`, `"a=\"b\\c\""`},
		{"toml", encode.TOML, "a\tb", ""},
		{"word", encode.Word, "quay.io/x/y:1@sha256:0", "quay.io/x/y:1@sha256:0"},
		{"word", encode.Word, "", ""},
		{"word", encode.Word, "a b", ""},
		{"word", encode.Word, "$x", ""},
		{"value", backslash.Value, "a\"$b\\c`", "\"a\\\"\\$b\\\\c`\""},
		{"value", backquote.Value, "a\"$b\\c`", "\"a`\"`$b\\c``\""},
		{"value", backslash.Value, "a\nb", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.text, func(t *testing.T) {
			got, err := tt.encode(tt.text)
			if tt.want == "" && err == nil || tt.want != "" && (err != nil || got != tt.want) {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	if got, err := backslash.Path([]string{"/a b", "$PATH", "/$x"}); err != nil || got != `"/a b:$PATH:/\$x"` {
		t.Errorf("got %s, %v", got, err)
	}
}

// FuzzShell checks that a shell reads every encoded text as the same text.
func FuzzShell(f *testing.F) {
	for _, text := range []string{"", "a b", "$(touch /pwned)", `'"\`, "~/x", "*?[a]", "a\nb", "\x1b[31m", "ü\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		word, err := encode.Shell(text)
		if err != nil {
			return
		}
		got, err := exec.Command("/bin/sh", "-c", "printf %s "+word).Output()
		if err != nil || string(got) != text {
			t.Errorf("%q as %s: %q, %v", text, word, got, err)
		}
	})
}
