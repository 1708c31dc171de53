package imagerule_test

import (
	"strings"
	"testing"

	"bkt/internal/imagerule"
)

// TestCheckContent checks files of kernel arguments as bootc reads them: TOML with the list
// kargs and perhaps the list match-architectures, and nothing else.
func TestCheckContent(t *testing.T) {
	tests := []struct {
		text string
		want string // a part of the message; empty: bootc takes the file
	}{
		{`kargs = ["quiet"]`, ""},
		{"# why\nkargs = [\n  'a=\"b c\"', # x\n  \"\"\"d\"\"\",\n]\n", ""},
		{"kargs = []", ""},
		{`"kargs" = ["a"]`, ""},
		{"kargs = [\"a\"]\r\nmatch-architectures = ['aarch64', 'mips']\r\n", ""},
		{"", "refuses this file: kargs is missing"},
		{`kargs = "quiet"`, "refuses this file: kargs is not a list of strings"},
		{`kargs = ["a", 1]`, "refuses this file: kargs is not a list"},
		{"[kargs]\nappend = [\"a\"]", "refuses this file: kargs is not a list"},
		{"[[kargs]]\na = 1", "refuses this file: kargs is not a list"},
		{`Kargs = ["a"]`, "refuses this file: Kargs is not a key"},
		{"kargs = ['a']\ndelete = ['b']", "refuses this file: delete is not a key"},
		{"kargs = ['a']\nmatch_architectures = ['x86_64']", "refuses this file: match_architectures is not a key"},
		{"kargs = ['a']\nmatch-architectures = 'x86_64'", "refuses this file: match-architectures is not a list"},
		{"kargs = ['a']\n\nquiet\n", "refuses this file: line 3: "},
		{"kargs = ['a'", "refuses this file: line 1: "},
		{"kargs = ['a']\nkargs = ['b']", "refuses this file: line 2: "},
		{"kargs = ['a']\nmatch-architectures = ['amd64']", "skips this file: "},
		{"kargs = ['a']\nmatch-architectures = []", "skips this file: "},
	}
	for _, tt := range tests {
		p := imagerule.CheckContent("/usr/lib/bootc/kargs.d/x.toml", []byte(tt.text))
		switch {
		case p == nil:
			p = &imagerule.Problem{}
		case p.Fatal != strings.HasPrefix(tt.want, "refuses"), p.Advice == "":
			t.Errorf("%q: %+v", tt.text, p)
		}
		if (p.What == "") != (tt.want == "") || !strings.Contains(p.What, tt.want) {
			t.Errorf("%q: %q, not %q", tt.text, p.What, tt.want)
		}
	}
	for _, dest := range []string{"/usr/lib/bootc/kargs.d/x.conf", "/usr/lib/bootc/install/x.toml", "/usr/lib/bootc/kargs.d/sub/x.toml"} {
		if p := imagerule.CheckContent(dest, nil); p != nil {
			t.Errorf("%s: %+v", dest, p)
		}
	}
}
